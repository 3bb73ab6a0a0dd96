import { expect, test } from "bun:test";
import * as z from "zod/mini";
import { parseConfig } from "../../src/config/parse.ts";
import { configFileSchema } from "../../src/config/schema.ts";
import { resolveSettings } from "../../src/config/settings.ts";
import { CONFIG_SCHEMA_PATH, makeConfigSchema } from "./config-schema.ts";

const node = z.looseObject({
  description: z.optional(z.string()),
  properties: z.optional(z.record(z.string(), z.unknown())),
});

/** Every documented key, as a path, with its description. */
function listKeys(
  schema: unknown,
  path: readonly string[] = [],
): { path: readonly string[]; description: string }[] {
  if (Array.isArray(schema)) return schema.flatMap((one) => listKeys(one, path));
  const parsed = node.safeParse(schema);
  if (!parsed.success) return [];
  const { properties = {}, ...rest } = parsed.data;
  const here = Object.entries(properties).flatMap(([key, value]) => [
    { path: [...path, key], description: node.parse(value).description ?? "" },
    ...listKeys(value, [...path, key]),
  ]);
  const below = ["anyOf", "items", "additionalProperties"].flatMap((key) => listKeys(rest[key], path));
  return [...here, ...below];
}

const keys = listKeys(makeConfigSchema());

test("docs/config.schema.json is what the code says", async () => {
  expect(await Bun.file(CONFIG_SCHEMA_PATH).json()).toEqual(makeConfigSchema());
});

test("every key is described, in the schema and in docs/config.md", async () => {
  expect(keys.length).toBeGreaterThan(60);
  expect(keys.filter(({ description }) => description === "").map(({ path }) => path.join("."))).toEqual([]);
  const guide = await Bun.file(`${import.meta.dir}/../../docs/config.md`).text();
  const missing = keys.filter(({ path }) => !guide.includes(`\`${path.at(-1)}\``));
  expect(missing.map(({ path }) => path.join("."))).toEqual([]);
});

test("the defaults that descriptions and docs/config.md state are the ones in force", async () => {
  const guide = await Bun.file(`${import.meta.dir}/../../docs/config.md`).text();
  const { routing } = resolveSettings(parseConfig("{}", "config.json"));
  const inForce = new Map<string, string | number>(Object.entries(routing));
  const stated = keys.filter(({ path }) => path[0] === "routing" && path.length === 2);
  expect(stated.length).toBeGreaterThan(15);
  for (const { path, description } of stated) {
    const key = path.at(-1) ?? "";
    const name = key.replace(/_secs$/, "_ms").replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const value = inForce.get(name);
    const shown = key.endsWith("_secs") ? Number(value) / 1000 : value;
    expect(description).toEndWith(`Default ${shown}.`);
    expect(guide.replace(/ +/g, " ")).toContain(`| \`${key}\` | ${shown} |`);
  }
});

test("the example of docs/config.md loads without a warning", async () => {
  const guide = await Bun.file(`${import.meta.dir}/../../docs/config.md`).text();
  const examples = [...guide.matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) {
    const { warnings, services } = parseConfig(example, "config.md");
    expect(warnings).toEqual([]);
    expect(services.codex.configs.size).toBeGreaterThan(0);
  }
});

test("the schema keeps what it does not know", () => {
  const file = {
    mine: 1,
    codex: { configs: { a: { upstreams: [{ base_url: "https://a.example", mine: [1] }] } } },
  };
  expect(configFileSchema.parse(file)).toEqual(file);
});
