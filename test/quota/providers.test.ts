import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { errorMessage } from "../../src/base/errors.ts";
import { chooseLookup } from "../../src/quota/lookup.ts";
import {
  DEFAULT_PROVIDERS_TEXT,
  checkProviders,
  createProvidersFile,
  parseProviders,
  writeDefaultProviders,
} from "../../src/quota/providers.ts";
import { modeHere } from "../helpers/modes.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { makeUpstream } from "../helpers/upstream.ts";
import { PROVIDERS_SCHEMA_PATH, makeProvidersSchema } from "./providers-schema.ts";

const parse = (...providers: readonly unknown[]) =>
  parseProviders(JSON.stringify({ providers }), "file").providers;
/** What is wrong, wherever it is said. */
function problemOf(text: string): string {
  try {
    return parseProviders(text, "file").problem?.message ?? "nothing";
  } catch (error) {
    return errorMessage(error);
  }
}
const provider = { id: "a", kind: "newapi_token" };

describe("usage_providers.json", () => {
  test("of the founding document is read as it stands", () => {
    const [packy] = parse({
      id: "packycode",
      kind: "budget_http_json",
      domains: ["packycode.com"],
      endpoint: "https://www.packycode.com/api/backend/users/info",
      token_env: null,
      poll_interval_secs: 60,
    });
    expect(packy).toMatchObject({
      id: "packycode",
      domains: ["packycode.com"],
      tokenEnv: null,
      intervalMs: 60_000,
    });
  });

  test("asks no more often than once a minute, and every ten minutes where nobody says", () => {
    const of = (secs?: unknown) => parse({ ...provider, poll_interval_secs: secs })[0]?.intervalMs;
    const seconds = [undefined, 0, -5, "60", 59.9, 300, "300", 1e9].map((secs) => (of(secs) ?? 0) / 1_000);
    expect(seconds).toEqual([600, 60, 60, 60, 60, 300, 300, 86_400]);
  });

  const wrong: readonly [what: string, text: string, message: string][] = [
    ["no JSON", '{"providers": [\n  {"id": "a" "kind": 1}]}', 'file:2:14: expected ","'],
    ["a list alone", "[]", "file:1:1: the file: must be an object"],
    ["an unknown kind", '{"providers": [{"id": "a", "kind": "x"}]}', "file:1:36: providers[0].kind: must be"],
    ["no list", "{}", "file:1:1: providers: is missing"],
    ["an id twice", JSON.stringify({ providers: [provider, provider] }), "providers[1].id: is given twice"],
    [
      "a strange endpoint",
      '{"providers": [{"id": "a", "kind": "auto", "endpoint": "file:///etc"}]}',
      "https address",
    ],
    [
      "all domains",
      '{"providers": [{"id": "a", "kind": "newapi_token", "domains": ["*"]}]}',
      'can contain "*" only for kind auto',
    ],
    ["no endpoint", '{"providers": [{"id": "a", "kind": "budget_http_json"}]}', "endpoint: is missing"],
    ["no paths", '{"providers": [{"id": "a", "kind": "json_path"}]}', "needs a preset"],
    [
      "a text for a number",
      '{"providers": [{"id":"a","kind":"auto","poll_interval_secs":"soon"}]}',
      "must be a number",
    ],
  ];
  test.each(wrong)("with %s is refused, with the place", (_what, text, message) => {
    expect(problemOf(text)).toContain(message);
  });

  test("loses one provider to a mistake, and nobody else speaks for its domains", () => {
    const text = JSON.stringify({
      providers: [
        { id: "later", kind: "of_another_version", domains: ["relay.example"] },
        provider,
        { id: "auto", kind: "auto", domains: ["*"] },
      ],
    });
    const { problem, providers } = parseProviders(text, "file");
    expect(() => checkProviders(text, "file")).toThrow(problem ?? "");
    expect(problem?.message).toContain("providers[0].kind: must be");
    expect(providers.map(({ id, problem: own }) => [id, own === null])).toEqual([
      ["later", false],
      ["a", true],
      ["auto", true],
    ]);
    const upstream = makeUpstream({ credential: { kind: "bearer", secret: "sk-one" } });
    const choice = chooseLookup({ upstream, providers, env: {}, vendorAt: () => "newapi_token", now: 0 });
    expect(choice).toMatchObject({ kind: "refused", source: "later" });
  });

  test("is written once, private, and is what counts without it", () => {
    using home = makeTempHome();
    writeDefaultProviders(home.paths);
    expect(readFileSync(home.paths.usageProviders, "utf8")).toBe(DEFAULT_PROVIDERS_TEXT);
    expect(statSync(home.paths.usageProviders).mode & 0o777).toBe(modeHere(0o600));
    writeFileSync(home.paths.usageProviders, '{"providers":[]}');
    writeDefaultProviders(home.paths);
    const file = createProvidersFile(home.paths.usageProviders, Date.now);
    expect(file.current()).toEqual({ providers: [], problem: null });
    const kinds = parseProviders(DEFAULT_PROVIDERS_TEXT, "").providers.map(({ kind }) => kind);
    expect(kinds).toEqual(["budget_http_json", "yescode_profile", "auto"]);
  });

  test("that breaks is reported, never written over, and the last good version stays", () => {
    using home = makeTempHome();
    const path = home.write(".codex-helper/usage_providers.json", { providers: [provider] });
    const file = createProvidersFile(path, Date.now);
    expect(file.current().providers).toHaveLength(1);
    writeFileSync(path, "{ broken");
    writeDefaultProviders(home.paths);
    expect(file.current().providers).toHaveLength(1);
    expect(file.current().problem?.message).toContain(`${path}:1:3: `);
    expect(readFileSync(path, "utf8")).toBe("{ broken");
  });

  test.each([
    ["emptied", ""],
    ["cut to its comment", "// relays"],
    ["cut in the middle", '{"providers": [{"id": "a"'],
    ["full of what is not written yet", "\0\0\0\0"],
  ])("that is %s while it is saved keeps what it said until it says something again", (_, soFar) => {
    using home = makeTempHome();
    const path = home.write(".codex-helper/usage_providers.json", { providers: [provider] });
    const file = createProvidersFile(path, Date.now);
    const { providers } = file.current();
    writeFileSync(path, soFar);
    expect(file.current()).toMatchObject({ providers, problem: { message: expect.stringContaining(path) } });
    writeFileSync(path, '{"providers":[]}');
    expect(file.current()).toEqual({ providers: [], problem: null });
  });

  test("that is removed keeps what it said, says so, and stays kept when it comes back half", () => {
    using home = makeTempHome();
    const path = home.write(".codex-helper/usage_providers.json", { providers: [provider] });
    const file = createProvidersFile(path, Date.now);
    const { providers } = file.current();
    rmSync(path);
    const problem = { message: `${path} was removed; the last valid version stays in use` };
    expect(file.current()).toMatchObject({ providers, problem });
    writeFileSync(path, "{");
    expect(file.current()).toMatchObject({ providers });
    writeFileSync(path, '{"providers":[]}');
    expect(file.current()).toEqual({ providers: [], problem: null });
  });

  test("has a published schema that is made from the code", async () => {
    expect(await Bun.file(PROVIDERS_SCHEMA_PATH).json()).toEqual(makeProvidersSchema());
  });
});
