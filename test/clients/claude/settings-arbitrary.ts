// Any settings.json that Claude Code could meet: every layout, comments, trailing commas, with and without an `env`.
import fc from "fast-check";
import { PLACEHOLDER_TOKEN } from "../../../src/clients/claude/layers.ts";

interface Layout {
  readonly eol: string;
  readonly unit: string;
  readonly isCompact: boolean;
  readonly hasComments: boolean;
  readonly hasTrailingCommas: boolean;
  readonly gap: string;
}

const layout: fc.Arbitrary<Layout> = fc.record({
  eol: fc.constantFrom("\n", "\n", "\r\n"),
  unit: fc.constantFrom("  ", "    ", "\t", ""),
  isCompact: fc.boolean(),
  hasComments: fc.boolean(),
  hasTrailingCommas: fc.boolean(),
  gap: fc.constantFrom(" ", "", "  "),
});

const key = fc.oneof(
  fc.stringMatching(/^[a-zA-Z]{1,8}$/),
  fc.constantFrom("", "a b", "кл", 'q"q', "toString", "ANTHROPIC_MODEL", "permissions"),
);
const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom("http://127.0.0.1:3210", "// no comment", "/* no */", "{", "\u2028", "🎉"),
);
const scalar = fc.oneof(
  text,
  fc.boolean(),
  fc.constant(null),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 3 }),
  fc.dictionary(key, scalar, { maxKeys: 3, noNullPrototype: true }),
);
const url = fc.constantFrom(
  "https://relay.example",
  "https://\u00fc.example/a",
  "http://127.0.0.1:8080",
  "",
  "http://localhost:3210",
);

/** Keys in any order; `env` and its keys of ours may be there or not. */
const members = fc
  .tuple(
    fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true }),
    fc.option(
      fc.tuple(
        fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true }),
        fc.option(url),
        fc.option(text, { freq: 3 }),
      ),
    ),
    fc.infiniteStream(fc.nat()),
  )
  .map(([others, env, order]) => {
    const inEnv = (): [string, unknown][] => {
      if (env === null) return [];
      const [others_, address, token] = env;
      return [
        ...Object.entries(others_),
        ...(address === null ? [] : [["ANTHROPIC_BASE_URL", address] as [string, unknown]]),
        ...(token === null ? [] : [["ANTHROPIC_AUTH_TOKEN", token] as [string, unknown]]),
      ];
    };
    const shuffle = (entries: [string, unknown][]): [string, unknown][] => {
      const keyed = entries.map((entry) => ({ entry, rank: order.next().value ?? 0 }));
      return keyed.toSorted((one, other) => one.rank - other.rank).map(({ entry }) => entry);
    };
    const all = Object.entries(others).filter(([name]) => name !== "env");
    return shuffle(env === null ? all : [...all, ["env", new Map(shuffle(inEnv()))]]);
  });

export const someSettings: fc.Arbitrary<string> = fc
  .record({
    members,
    layout,
    comments: fc.infiniteStream(fc.constantFrom("", "", "", "// c", "/* d, */", '// "env": {}')),
    blanks: fc.infiniteStream(fc.constantFrom("", "", "", " ", "\t")),
    bom: fc.boolean(),
    end: fc.constantFrom("", "\n", "\r\n", "\n\n", " "),
    kind: fc.constantFrom("object", "object", "object", "object", "object", "nothing", "comment"),
  })
  .map(({ members: entries, layout: chosen, comments, blanks, bom, end, kind }) => {
    const next = (): string => (chosen.hasComments ? (comments.next().value ?? "") : "");
    const blank = (): string => blanks.next().value ?? "";
    const write = (one: unknown, margin: string): string => {
      if (one instanceof Map) return writeList([...one.entries()], "{}", margin);
      if (Array.isArray(one))
        return writeList(
          one.map((item: unknown) => [null, item]),
          "[]",
          margin,
        );
      if (typeof one === "object" && one !== null) return writeList(Object.entries(one), "{}", margin);
      return JSON.stringify(one);
    };
    const writeList = (
      list: readonly (readonly [string | null, unknown])[],
      brackets: string,
      margin: string,
    ): string => {
      const [open = "", close = ""] = brackets;
      const inner = margin + chosen.unit;
      const lineBreak = chosen.isCompact ? "" : chosen.eol;
      const comment = (): string => {
        const words = next();
        return words === "" || (chosen.isCompact && words.startsWith("//")) ? "" : ` ${words}`;
      };
      if (list.length === 0) return open + blank() + close;
      const lines = list.map(([name, item], at) => {
        const left = name === null ? "" : `${JSON.stringify(name)}${blank()}:${chosen.gap}`;
        const comma = at < list.length - 1 || chosen.hasTrailingCommas ? `${blank()},` : blank();
        return `${chosen.isCompact ? "" : inner}${left}${write(item, inner)}${comma}${comment()}`;
      });
      return [`${open}${comment()}`, ...lines, `${chosen.isCompact ? "" : margin}${close}`].join(lineBreak);
    };
    const body = kind === "object" ? write(new Map(entries), "") : kind === "nothing" ? "" : "// nothing yet";
    return (bom ? "\ufeff" : "") + body + end;
  });

/** As a second parser reads it. */
export function readSettings(text: string): unknown {
  return text.includes("{") ? Bun.JSONC.parse(text.replace(/^\ufeff/, "")) : {};
}

export function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

/** What the file should say afterwards, set on the parsed value. */
export function withKeys(value: unknown, address: string, needsToken: boolean): unknown {
  const settings = asObject(value);
  const env = "env" in settings ? asObject(settings.env) : {};
  const token = needsToken ? { ANTHROPIC_AUTH_TOKEN: PLACEHOLDER_TOKEN } : {};
  return { ...settings, env: { ...env, ANTHROPIC_BASE_URL: address, ...token } };
}
