import { expect, test } from "bun:test";
import { keysOf, memberOf } from "../../../src/config/schema-keys.ts";
import { wholeConfigFile } from "../../../src/config/schema.ts";
import {
  CONFIG_RULES,
  SETTING_RULES,
  UPSTREAM_RULES,
  flattenUpstream,
  makeIsSecret,
  unflatten,
} from "../../../src/config/sync/travel.ts";

const at = (...path: (string | number)[]) =>
  path.reduce<Parameters<typeof memberOf>[0]>(
    (schema, key) => memberOf(schema, key) ?? schema,
    wholeConfigFile(),
  );

test.each([
  ["settings", wholeConfigFile(), SETTING_RULES],
  ["configs", at("codex", "configs", "main"), CONFIG_RULES],
  ["upstreams", at("codex", "configs", "main", "upstreams", 0), UPSTREAM_RULES],
] as const)("of every key of %s it is decided whether it travels", (_name, schema, rules) => {
  expect(Object.keys(rules).toSorted()).toEqual((keysOf(schema) ?? []).toSorted());
});

const KEY = "sk-0123456789-literal";
const isSecret = makeIsSecret([KEY, "value-of-a-variable"]);
const flat = (entry: Partial<Parameters<typeof flattenUpstream>[0]>) =>
  flattenUpstream({ base_url: "https://a.example/v1", ...entry }, isSecret);

test.each([
  ["a literal key", { auth: { auth_token: KEY } }, ["auth/auth_token"]],
  ["a literal x-api-key beside a reference", { auth: { api_key: "k", api_key_env: "K" } }, ["auth/api_key"]],
  ["any header, whatever it is called", { headers: { "x-team": "core" } }, ["headers/x-team"]],
  ["any parameter", { query: { v: "2" } }, ["query/v"]],
  ["an address that holds a key", { base_url: `https://a.example/${KEY}/v1` }, ["base_url"]],
  ["a note that holds one", { tags: { note: `my key is ${KEY}` } }, ["tags/note"]],
  ["a note with the value of a variable", { tags: { note: "value-of-a-variable" } }, ["tags/note"]],
  ["what looks like a key", { tags: { deep: { x: ["Bearer abcdefgh12345"] } } }, ["tags/deep"]],
  ["a name of a model that is a key", { models: { [KEY]: "m" } }, [`models/${KEY}`]],
  [
    "a command with a key in it",
    { auth: { auth_token_command: ["echo", KEY] } },
    ["auth/auth_token_command"],
  ],
  [
    "a key where the name of a variable belongs",
    { auth: { auth_token_env: "sk_live_0123456789" } },
    ["auth/auth_token_env"],
  ],
])("%s stays, and is named", (_name, entry, leftOut) => {
  const { leftOut: named, values } = flat(entry);
  expect(named).toEqual(leftOut);
  expect(JSON.stringify([...values])).not.toMatch(/sk-0|sk_live|core|value-of|abcdefgh|hunter2/);
});

test("what belongs to one machine is not even named", () => {
  const entry = {
    proxy: "http://p:1",
    tls_ca: "/etc/ca.pem",
    tags: { imported_origin: "https://a.example" },
  };
  expect(flat({ ...entry, future_key: 1 })).toMatchObject({
    leftOut: [],
    values: new Map([["base_url", "https://a.example/v1"]]),
  });
});

test("the rest is the same object again", () => {
  const entry = {
    base_url: "https://a.example/v1",
    auth: { auth_token_command: ["op", "read", "op://v/i/k"], command_ttl_secs: 60 },
    models: { "a/b~c": "d", "gpt-5.6": "e" },
    timeouts: { idle_secs: 5 },
    budget: [{ usd: 1, per: "day" as const }],
    on_error: [{ match: "x", verdict: "next" as const }],
    enabled: false,
  };
  expect(unflatten(flat(entry).values)).toEqual(entry);
});
