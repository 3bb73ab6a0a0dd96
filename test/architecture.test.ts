import { Glob } from "bun";
import { describe, expect, test } from "bun:test";
import { dirname, join, normalize, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
const SRC = join(ROOT, "src");
const MAX_LINES = 400;
/** Tables of data, which may be longer. */
const TABLES = new Set(["routing/classify-rules.ts"]);
/** Rooms with rooms inside, and how many files may lie loose in them. */
const MAX_LOOSE: Readonly<Record<string, number>> = { app: 8, clients: 4 };
/** Lower number = lower room. Imports go to a lower number, or stay in their room. */
const LEVEL: Readonly<Record<string, number>> = {
  base: 0,
  routing: 1,
  filter: 1,
  usage: 1,
  log: 1,
  config: 1,
  state: 1,
  sessions: 1,
  proxy: 2,
  quota: 2,
  clients: 2,
  doctor: 2,
  app: 3,
  cli: 4,
  main: 5,
};
/** Nouns of routing and of the log: types that several rooms speak in. */
const SHARED_TYPES = new Set(["routing/types.ts", "log/record.ts"]);
/** Bun.CryptoHasher only calculates. */
const IMPURE =
  /\bBun\.(?!CryptoHasher\b)|\bfetch\(|\bprocess\b|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\(|\bperformance\.now\b|\bconsole\.|\bcrypto\./;
/** A comparison, a case, a list or a table that names services, or a flag's text. */
const TELLS_SERVICES_APART =
  /[=!]==? ?"(?:codex|claude)"|"(?:codex|claude)" ?[=!]==?|\bcase "(?:codex|claude)"|"codex", "claude"|" ?--(?:codex|claude)"|\bcodex: [^{};]*\bclaude: /;
const IMPURE_MODULES = /^(?:node:(?!buffer|util)|bun:|bun$)/;
/** Pure in what they do, though the platform keeps them in a module of its own. */
const PURE_MODULES = new Set(["node:crypto", "node:path"]);

interface Source {
  readonly name: string;
  readonly text: string;
  readonly header: string;
  readonly room: string;
  readonly imports: readonly { readonly path: string; readonly isTypeOnly: boolean }[];
}

const sources: readonly Source[] = await Promise.all(
  [...new Glob("**/*.ts").scanSync(SRC)].toSorted().map(async (name): Promise<Source> => {
    const text = await Bun.file(join(SRC, name)).text();
    const lines = text.split("\n").filter((line) => !line.startsWith("#!"));
    const end = lines.findIndex((line) => !line.startsWith("//"));
    return {
      name,
      text,
      header: lines.slice(0, end).join("\n"),
      room: name === "main.ts" ? "main" : (name.split("/")[0] ?? ""),
      imports: listImports(text),
    };
  }),
);
const byName = new Map(sources.map((source) => [source.name, source]));

/** Every import and re-export, of values and of types. */
function listImports(text: string): Source["imports"] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:[\w*{][^;]*?\sfrom\s+)?"([^"]+)"/gms);
  const lazy = text.matchAll(/\bimport\("([^"]+)"\)/g);
  return [
    ...[...statements].map(([, type, path = ""]) => ({ path, isTypeOnly: type !== undefined })),
    ...[...lazy].map(([, path = ""]) => ({ path, isTypeOnly: false })),
  ];
}

function resolveImport(from: Source, path: string): string | null {
  return path.startsWith(".") ? normalize(join(dirname(from.name), path)) : null;
}

const isPure = (source: Source): boolean => /^\/\/ Pure\.$/m.test(source.header);
/** Comments say what they like; only code is looked at. */
const codeOf = (source: Source): string =>
  source.text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");

describe("the house", () => {
  test("imports point down, and rooms on one level do not know each other", () => {
    const wrong = sources.flatMap((source) =>
      source.imports.flatMap(({ path }) => {
        const target = resolveImport(source, path);
        if (target === null || target.startsWith("..")) return [];
        const room = target === "main.ts" ? "main" : (target.split("/")[0] ?? "");
        const isShared = SHARED_TYPES.has(target) && source.room !== "base";
        if (room === source.room || isShared) return [];
        return (LEVEL[room] ?? 99) < (LEVEL[source.room] ?? -1) ? [] : [`${source.name} -> ${target}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("no circle joins two rooms or two inner rooms, not even one of types", () => {
    const arrows = listArrows(({ name }) => innerRoomOf(name));
    expect(findCircles(arrows)).toEqual([]);
  });

  test("no circle joins two files, not even one of types", () => {
    expect(findCircles(listArrows(({ name }) => name))).toEqual([]);
  });

  test("few files lie loose in a room that has rooms inside", () => {
    const loose = Object.entries(MAX_LOOSE).filter(
      ([room, most]) => sources.filter(({ name }) => dirname(name) === room).length > most,
    );
    expect(loose).toEqual([]);
  });

  test("every room is on the plan", () => {
    expect([...new Set(sources.map(({ room }) => room))].filter((room) => LEVEL[room] === undefined)).toEqual(
      [],
    );
  });

  test("what says that it is pure does no IO, reads no clock, and imports nothing that does", () => {
    const wrong = sources.filter(isPure).flatMap((source) => {
      const problems: string[] = [];
      const match = IMPURE.exec(codeOf(source));
      if (match !== null) problems.push(`${source.name} uses ${match[0]}`);
      for (const { path, isTypeOnly } of source.imports) {
        if (isTypeOnly) continue;
        const target = byName.get(resolveImport(source, path) ?? "");
        if (target !== undefined && !isPure(target) && !importsOnlyTypes(source, path))
          problems.push(`${source.name} -> ${target.name}`);
        if (IMPURE_MODULES.test(path) && !PURE_MODULES.has(path)) problems.push(`${source.name} -> ${path}`);
      }
      return problems;
    });
    expect(wrong).toEqual([]);
  });

  test("no file is longer than its limit", () => {
    const long = sources.filter(
      ({ name, text }) => !TABLES.has(name) && text.split("\n").length - 1 > MAX_LINES,
    );
    expect(long.map(({ name }) => name)).toEqual([]);
  });

  test("every file begins by saying what it answers for, in at most five lines", () => {
    const wrong = sources.filter(({ header }) => header === "" || header.split("\n").length > 5);
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test("files are named in kebab case, and no drawer is called utils", () => {
    const wrong = sources.filter(
      ({ name }) =>
        !/^[a-z0-9/-]+(?:\.d)?\.ts$/.test(name) ||
        /(?:^|\/)(?:utils?|helpers?|common|lib|misc|index)(?:\/|\.ts)/.test(name),
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test("only main.ts reads the environment and sets the exit code, only cli/ prints", () => {
    const wrong = sources.flatMap((source) => {
      const code = codeOf(source);
      const problems: string[] = [];
      if (
        source.name !== "main.ts" &&
        /\bprocess\.(?:env|exitCode|exit\()|\bBun\.env\b|\benv\b.* = process\b/.test(code)
      )
        problems.push(`${source.name}: process`);
      if (source.name !== "base/paths.ts" && /\bhomedir\b/.test(code))
        problems.push(`${source.name}: homedir`);
      if (source.room !== "cli" && /\bconsole\b|\bprocess\.std(?:out|err)\b/.test(code))
        problems.push(`${source.name}: console`);
      if (/^export default|\bas default\b/m.test(code)) problems.push(`${source.name}: default export`);
      return problems;
    });
    expect(wrong).toEqual([]);
  });

  test("only a client's own folder and base/service.ts tell one service from another", () => {
    const wrong = sources
      .filter(({ name, room }) => room !== "clients" && name !== "base/service.ts")
      .flatMap((source) => {
        const match = TELLS_SERVICES_APART.exec(codeOf(source));
        return match === null ? [] : [`${source.name}: ${match[0]}`];
      });
    expect(wrong).toEqual([]);
  });

  test("tests never skip, focus or wait for time to pass", async () => {
    const wrong: string[] = [];
    for (const name of new Glob("**/*.ts").scanSync(import.meta.dir)) {
      if (name === relative(import.meta.dir, import.meta.path)) continue;
      const text = await Bun.file(join(import.meta.dir, name)).text();
      if (/\b(?:test|it|describe)\.(?:skip|only|todo|skipIf|if|failing)\b/.test(text))
        wrong.push(`${name}: skips or focuses`);
      if (name !== "helpers/wait.ts" && /\bBun\.sleep\(|\bsetTimeout\(\s*(?:resolve|\w+,)/.test(text))
        wrong.push(`${name}: sleeps`);
    }
    expect(wrong).toEqual([]);
  });
});

/** "app/quota" for a file of an inner room of app or clients; a loose one is a place of its own: it joins the rooms. */
function innerRoomOf(name: string): string {
  const [room = "", inner = ""] = name.split("/");
  if (MAX_LOOSE[room] === undefined) return room;
  return inner.endsWith(".ts") ? name : `${room}/${inner}`;
}

/** Which place imports which. A file that all rooms may import the types of is no arrow between rooms. */
function listArrows(placeOf: (source: Source) => string): ReadonlyMap<string, ReadonlySet<string>> {
  const arrows = new Map<string, Set<string>>();
  for (const source of sources) {
    for (const { path } of source.imports) {
      const target = byName.get(resolveImport(source, path) ?? "");
      if (target === undefined) continue;
      const [from, to] = [placeOf(source), placeOf(target)];
      if (from === to || (SHARED_TYPES.has(target.name) && to !== target.name)) continue;
      arrows.set(from, (arrows.get(from) ?? new Set<string>()).add(to));
    }
  }
  return arrows;
}

/** Each circle once, as the places on it in order. */
function findCircles(arrows: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (place: string, way: readonly string[]): void => {
    const at = way.indexOf(place);
    if (at !== -1) circles.push([...way.slice(at), place].join(" -> "));
    if (at !== -1 || done.has(place)) return;
    for (const next of arrows.get(place) ?? []) visit(next, [...way, place]);
    done.add(place);
  };
  for (const place of arrows.keys()) visit(place, []);
  return circles;
}

/** `import { type A, type B } from` brings no code along. */
function importsOnlyTypes(source: Source, path: string): boolean {
  const pattern = new RegExp(
    `^import\\s+\\{([^}]*)\\}\\s+from\\s+"${path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}"`,
    "m",
  );
  const names = pattern
    .exec(source.text)?.[1]
    ?.split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return names !== undefined && names.every((name) => name.startsWith("type "));
}
