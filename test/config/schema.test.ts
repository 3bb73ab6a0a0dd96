import { expect, test } from "bun:test";
import * as z from "zod/mini";
import { parseConfig } from "../../src/config/parse.ts";
import { DESCRIBABLE } from "../../src/config/schema-words.ts";
import { makeConfigFile, wholeConfigFile } from "../../src/config/schema.ts";
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
  expect(wholeConfigFile().parse(file)).toEqual(file);
});

/** Every member that the schema documents, once: objects, lists and maps with one member each. */
function sampleOf(schema: unknown, depth = 0): unknown {
  const { anyOf, items, properties, additionalProperties, type } = shape.parse(schema);
  if (anyOf !== undefined) return sampleOf(anyOf[0], depth);
  if (properties !== undefined)
    return Object.fromEntries(
      Object.entries(properties).map(([key, one]) => [key, sampleOf(one, depth + 1)]),
    );
  if (items !== undefined) return [sampleOf(items, depth + 1)];
  if (typeof additionalProperties === "object") return { one: sampleOf(additionalProperties, depth + 1) };
  return type === "string" ? "text" : type === "boolean" ? true : 7;
}

const shape = z.looseObject({
  anyOf: z.optional(z.array(z.unknown())),
  items: z.optional(z.unknown()),
  properties: z.optional(z.record(z.string(), z.unknown())),
  additionalProperties: z.optional(z.unknown()),
  type: z.optional(z.unknown()),
});

function namesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [name, ...namesIn(one)]);
}

/** The value with another one, or none, at each of its places in turn. */
function* variants(value: unknown): Generator<unknown> {
  for (const wrong of [null, 7, "x", { mine: 1 }]) yield wrong;
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    const { [key]: _, ...others } = value as Record<string, unknown>;
    if (!Array.isArray(value)) yield others;
    for (const variant of variants(one))
      yield Array.isArray(value) ? [variant] : { ...value, [key]: variant };
  }
}

/** What was read, or all that is wrong. */
function told({ data, error }: z.core.util.SafeParseResult<unknown>): string {
  return JSON.stringify(data ?? error?.issues.map(({ code, message, path }) => [code, message, path]));
}

const members = z.record(z.string(), z.unknown());

test("a file is read alike by the schema of its own names and by the whole one", () => {
  const { claude: _, codex, ...top } = members.parse(sampleOf(makeConfigSchema()));
  const one = z.object({ configs: z.object({ one: z.looseObject({ upstreams: z.array(members) }) }) });
  const { upstreams, ...config } = one.parse(codex).configs.one;
  const inConfig = (value: object): object => ({ codex: { configs: { one: value } } });
  const inUpstream = (value: object): object => inConfig({ upstreams: [value] });
  let count = 0;
  for (const [place, held] of [
    [(value: object): object => value, top],
    [inConfig, config],
    [inUpstream, upstreams[0] ?? {}],
  ] as const)
    for (const [key, sample] of Object.entries(held))
      for (const variant of variants(sample)) {
        const value = place({ [key]: variant });
        const names = new Set(namesIn(value));
        const own = told(makeConfigFile((name) => names.has(name)).safeParse(value, DESCRIBABLE));
        const all = told(wholeConfigFile().safeParse(value, DESCRIBABLE));
        if (own !== all) expect({ value, told: own }).toEqual({ value, told: all });
        count += 1;
      }
  expect(count).toBeGreaterThan(500);
});
