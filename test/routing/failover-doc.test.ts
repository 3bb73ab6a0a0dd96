import { expect, test } from "bun:test";
import { wholeConfigFile } from "../../src/config/schema.ts";
import { RULES } from "../../src/routing/classify-rules.ts";
import { FAILOVER_DOC_PATH, SECTIONS, withTables } from "./failover-tables.ts";

const text = await Bun.file(FAILOVER_DOC_PATH).text();

test("the tables of docs/failover.md are what the code says", async () => {
  expect(SECTIONS.flatMap(([, rules]) => rules).map(({ id }) => id)).toEqual(RULES.map(({ id }) => id));
  expect(text).toBe(await withTables(text));
});

test("every word that on_status takes is explained, and no other", () => {
  const values = new Set(["next", "terminal", "exhausted", "auth-dead", "cooldown"]);
  const explained = [...text.matchAll(/^\| `"([\w-]+)"` /gm)].map(([, word = ""]) => word);
  expect(new Set(explained)).toEqual(values);
  for (const word of [...values, "maybe"]) {
    const upstreams = [{ base_url: "https://a.example/v1", on_status: { 418: word } }];
    const parsed = wholeConfigFile().safeParse({ codex: { configs: { main: { upstreams } } } });
    expect(parsed.success).toBe(values.has(word));
  }
});

test("every key of config.json that the text names exists", () => {
  const { routing } = wholeConfigFile().shape;
  const known = Object.keys(routing.def.innerType.def.innerType.shape).concat(
    "connect_secs",
    "first_byte_secs",
    "idle_secs",
    "non_stream_secs",
    "queue_secs",
  );
  const named = [...text.matchAll(/`(\w+_(?:secs|threshold|requests|share|request))`/g)];
  expect(named.length).toBeGreaterThan(10);
  for (const [, key = ""] of named) expect(known).toContain(key);
});
