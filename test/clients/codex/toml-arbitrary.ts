// Any config.toml that Codex could meet: every way to write a provider, every kind of value, line break and comment.
import fc from "fast-check";
import { type TomlTable, parse } from "smol-toml";
import { isTable } from "../../../src/clients/codex/layers.ts";
import type { CodexRoute } from "../../../src/clients/codex/toml.ts";

export interface SomeToml {
  readonly text: string;
  readonly route: CodexRoute;
}

/** Lines of one statement, or of a comment. */
type Lines = readonly string[];

const bareKey = fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/);
const key = fc.oneof(
  { weight: 5, arbitrary: bareKey },
  fc.constantFrom("x.y", "", "a b", 'q"q', "кл", "[t]", "__proto__", "toString", "/home/u/w", "#"),
);
const quotedKey = (name: string): string => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name));
const blanks = fc.constantFrom("", " ", "  ", "\t");
const gap = fc.constantFrom(" ", " ", " ", "", "   ", "\t");

const commentText = fc.oneof(
  fc.constantFrom(
    "",
    " mine",
    "[model_providers.x]",
    ' base_url = "https://no.example"',
    ' "quoted" # twice',
    " 値 🎉",
    " codex-helper",
    "\ttab '''",
  ),
);
const trailing = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  fc.tuple(blanks, commentText).map(([b, c]) => `${b}#${c}`),
  blanks,
);

const basicText = fc.string({
  unit: fc.constantFrom("a", "/", ":", "#", "=", "[", "]", "'", " ", "ü", "🎉", "\\"),
  maxLength: 12,
});
const basic = basicText.map((text) => JSON.stringify(text));
const literal = basicText.map((text) => `'${text.replaceAll("'", "")}'`);

/** A value; more than one line means that it has line breaks of its own. */
const scalar: fc.Arbitrary<Lines> = fc.oneof(
  basic.map((text) => [text]),
  literal.map((text) => [text]),
  fc
    .constantFrom(
      "true",
      "0",
      "-17",
      "+1_000",
      "9223372036854775807",
      "0xDEAD_BEEF",
      "0o17",
      "1.5",
      "-1e-7",
      "inf",
      "-nan",
      "1979-05-27T07:32:00Z",
      "1979-05-27 07:32:00.5-07:00",
      "1979-05-27",
      "07:32",
      '"\\e[0m\\x41"',
    )
    .map((text) => [text]),
  fc.constantFrom<Lines>(
    ['"""', "[model_providers.relay]", 'base_url = "no"', '"""'],
    ["'''", "openai_base_url = 'no' # x", "'''"],
    ['"""\\', "   folded \\", '   # not a comment"""'],
    ["[", '  "a", # one', "  'b',", "]"],
    ["[ [1, 2], [", "] ]"],
    ["{ }"],
    ['{ base_url = "no", model_provider = "no" }'],
    ["{", "  a = 1, # one", "  b.c = [ 2,", "  ],", "}"],
    ["[{ a = 1 }, { a = 2 }]"],
  ),
);

const url = fc.constantFrom(
  "https://relay.example/v1",
  "https://other.example",
  "http://127.0.0.1:8080/v1",
  "http://localhost:3211/v1",
  "",
  "https://a.example/?k=1#x",
);
const urlValue: fc.Arbitrary<Lines> = url.chain((text) =>
  fc.constantFrom<Lines>(
    [JSON.stringify(text)],
    [JSON.stringify(text)],
    [`'${text}'`],
    [`"""${text}"""`],
    [`'''`, `${text}'''`],
    ['"""\\', `   ${text}"""`],
    [JSON.stringify(text).replace("h", "\\u0068")],
  ),
);

function assign(name: fc.Arbitrary<string>, value: fc.Arbitrary<Lines>): fc.Arbitrary<Lines> {
  return fc
    .tuple(blanks, name, gap, gap, value, trailing)
    .map(([indent, left, before, after, [first = "", ...rest], end]) =>
      withEnd([`${indent}${left}${before}=${after}${first}`, ...rest], end),
    );
}

function withEnd(lines: Lines, end: string): Lines {
  return [...lines.slice(0, -1), `${lines.at(-1) ?? ""}${end}`];
}

const filler: fc.Arbitrary<Lines> = fc.array(
  fc.oneof(
    blanks,
    fc.tuple(blanks, commentText).map(([b, c]) => `${b}#${c}`),
  ),
  { maxLength: 2 },
);

/** Statements of different keys, in any order, with anything between them. */
function block(statements: readonly fc.Arbitrary<Lines>[]): fc.Arbitrary<Lines> {
  return fc
    .tuple(fc.shuffledSubarray([...statements], { minLength: statements.length }))
    .chain(([order]) => fc.tuple(...order.map((statement) => fc.tuple(statement, filler))))
    .map((parts) => parts.flat(2));
}

const others = (names: fc.Arbitrary<string>): fc.Arbitrary<Lines> =>
  fc
    .uniqueArray(names, { maxLength: 3 })
    .chain((keys) =>
      block(
        keys.map((name) =>
          assign(fc.constant(`other-${quotedKey(name)}`.replace(/^other-"/, '"other-')), scalar),
        ),
      ),
    );

interface Provider {
  readonly top: Lines;
  readonly inProviders: Lines;
  readonly tables: Lines;
  readonly hasUrl: boolean;
}

const NOTHING = { top: [], inProviders: [], tables: [], hasUrl: true };

/** One provider in one of the ways to write it. */
function provider(id: string, inTable: boolean): fc.Arbitrary<Provider> {
  const name = quotedKey(id);
  const names = fc.constant("name");
  const rest = [
    assign(
      names,
      basic.map((text) => [text]),
    ),
    assign(fc.constant("requires_openai_auth"), fc.constant(["true"])),
  ];
  const header = fc
    .tuple(blanks, blanks, trailing, fc.boolean(), fc.boolean())
    .chain(([indent, inner, end, hasUrl, hasHeaders]) =>
      block(hasUrl ? [...rest, assign(fc.constantFrom("base_url", '"base_url"'), urlValue)] : rest).map(
        (body) => ({
          ...NOTHING,
          hasUrl,
          tables: [
            `${indent}[${inner}model_providers.${name}${inner}]${end}`,
            ...body,
            ...(hasHeaders ? [`[model_providers.${name}.http_headers]`, 'base_url = "no"'] : []),
          ],
        }),
      ),
    );
  const dotted = (prefix: string): fc.Arbitrary<Lines> =>
    block([
      assign(fc.constant(`${prefix}${name}.name`), fc.constant(['"n"'])),
      assign(fc.constant(`${prefix}${name} . base_url`), urlValue),
    ]);
  const inline = (prefix: string): fc.Arbitrary<Lines> =>
    fc
      .tuple(
        url,
        fc.constantFrom(
          '{ name = "n", base_url = U }',
          "{base_url=U,name='n'}",
          "{ base_url = U, }",
          '{\n name = "n", # c\n base_url = U, # d\n}',
          "{ q.r = { base_url = 1 }, base_url = U }",
        ),
      )
      .chain(([text, form]) =>
        assign(
          fc.constant(prefix + name),
          fc.constant(form.replace("U", () => JSON.stringify(text)).split("\n")),
        ),
      );
  if (inTable)
    return fc.oneof(
      dotted("").map((inProviders) => ({ ...NOTHING, inProviders })),
      inline("").map((inProviders) => ({ ...NOTHING, inProviders })),
    );
  return fc.oneof(
    { weight: 4, arbitrary: header },
    dotted("model_providers.").map((top) => ({ ...NOTHING, top })),
    inline("model_providers.").map((top) => ({ ...NOTHING, top })),
  );
}

const table: fc.Arbitrary<Lines> = fc
  .tuple(fc.constantFrom("projects", "mcp_servers", "tui"), key, blanks, trailing, others(key), fc.boolean())
  .map(([group, name, indent, end, body, isArray]) =>
    isArray
      ? [`${indent}[[list.${quotedKey(`${group}${name}`)}]]${end}`, ...body]
      : [`${indent}[${group}.${quotedKey(name)}]${end}`, ...body],
  );

const eol = fc.constantFrom("lf", "crlf", "mixed");

export const someToml: fc.Arbitrary<SomeToml> = fc
  .tuple(fc.uniqueArray(key, { maxLength: 3 }), fc.boolean())
  .chain(([ids, inTable]) =>
    fc.record({
      providers: fc.tuple(...ids.map((id) => provider(id, inTable).map((one) => ({ id, ...one })))),
      active: fc.nat(),
      top: fc
        .tuple(fc.boolean(), fc.boolean(), fc.boolean())
        .chain(([hasUrl, hasModel, hasOther]) =>
          block([
            ...(hasUrl ? [assign(fc.constantFrom("openai_base_url", '"openai_base_url"'), urlValue)] : []),
            ...(hasModel
              ? [
                  assign(
                    fc.constant("model_provider"),
                    fc.constantFrom<Lines>(['"relay"'], ["'relay'"], ['"""openai"""']),
                  ),
                ]
              : []),
            ...(hasOther ? [others(key)] : []),
          ]),
        ),
      head: filler,
      tables: fc.uniqueArray(table, {
        maxLength: 3,
        selector: (lines) => lines[0]?.trim().replace(/\].*$/, ""),
      }),
      kind: fc.constantFrom("provider", "provider", "openai", "own"),
      eol,
      mix: fc.infiniteStream(fc.boolean()),
      bom: fc.boolean(),
      hasFinalEol: fc.boolean(),
    }),
  )
  .map((made) => {
    const inProviders = made.providers.flatMap(({ inProviders: lines }) => lines);
    const lines = [
      ...made.head,
      ...made.top,
      ...made.providers.flatMap(({ top }) => top),
      ...(inProviders.length > 0 ? ["[model_providers]", ...inProviders] : []),
      ...made.tables.flat(),
      ...made.providers.flatMap(({ tables }) => tables),
    ];
    const chosen = made.providers[made.active % Math.max(1, made.providers.length)];
    const route: CodexRoute =
      made.kind === "provider" && chosen !== undefined
        ? { kind: "provider", id: chosen.id }
        : { kind: made.kind === "own" ? "own" : "openai" };
    return { text: (made.bom ? "\ufeff" : "") + join(lines, made), route };
  });

function join(
  lines: Lines,
  {
    eol: style,
    mix,
    hasFinalEol,
  }: { readonly eol: string; readonly mix: fc.Stream<boolean>; readonly hasFinalEol: boolean },
): string {
  let text = "";
  for (const [at, line] of lines.entries()) {
    const isWindows = style === "crlf" || (style === "mixed" && mix.next().value === true);
    text += at === lines.length - 1 && !hasFinalEol ? line : `${line}${isWindows ? "\r\n" : "\n"}`;
  }
  return text;
}

/** As a second parser reads it. */
export function readToml(text: string): TomlTable {
  return parse(text.replace(/^\ufeff/, ""), { integersAsBigInt: "asNeeded" });
}

/** What the file should say afterwards, set on the parsed value. */
export function withRoute(table: TomlTable, route: CodexRoute, address: string): TomlTable {
  if (route.kind === "openai") return { ...table, openai_base_url: address };
  const own = { name: "codex-helper", base_url: address, wire_api: "responses" };
  const providers = inner(table, "model_providers");
  if (route.kind === "own") {
    return { ...table, model_provider: "codex_proxy", model_providers: { ...providers, codex_proxy: own } };
  }
  const changed = Object.entries({ ...providers }).map(([id, provider]): [string, TomlTable[string]] =>
    id === route.id ? [id, { ...inner(providers, id), base_url: address }] : [id, provider],
  );
  return { ...table, model_providers: Object.fromEntries(changed) };
}

function inner(table: TomlTable, key: string): TomlTable {
  const value = Object.hasOwn(table, key) ? table[key] : undefined;
  return isTable(value) ? value : {};
}
