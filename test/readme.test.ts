// What the documents say is done: commands are run, data is parsed, links are followed.
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse as parseToml } from "smol-toml";
import manifest from "../package.json";
import { COMMANDS } from "../src/cli/root.ts";
import { parseConfig } from "../src/config/parse.ts";
import { runCli, startCli } from "./helpers/cli.ts";
import { runInProcess } from "./helpers/in-process-cli.ts";
import { makeTempHome, type TempHome } from "./helpers/temp-home.ts";

const ROOT = join(import.meta.dir, "..");
const READMES = ["README.md", "README.zh-CN.md"];
const DOCUMENTS = [
  ...READMES,
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...new Bun.Glob("docs/**/*.md").scanSync(ROOT),
].toSorted();
const DECISIONS = "docs/decisions/README.md";
/** Pages of the project's own site, beside its files. */
const OF_THE_SITE = /^(?:\.\.\/)+(?:releases|security)\b/;

const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/** The bodies of a document's fenced blocks in one of these languages. */
const blocks = (text: string, ...languages: readonly string[]): string[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)]
    .filter(([, language = ""]) => languages.includes(language))
    .map(([, , body = ""]) => body);

/** "ch config list   # words" as words, quotes taken off and what a comment or a pipe begins left out. */
function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const [, single, double, plain] of line.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)) {
    if (plain !== undefined && /^[#|<>;&]/.test(plain)) break;
    words.push(single ?? double ?? plain ?? "");
  }
  return words;
}

interface Line {
  readonly words: readonly string[];
  /** It reads a file from its standard input: `< relay.key`. */
  readonly readsInput: boolean;
}

/** `$ ch config list` in a console block. */
const commands = (text: string): Line[] =>
  blocks(text, "console")
    .flatMap((block) => block.split("\n"))
    .filter((line) => line.startsWith("$ "))
    .map((line) => ({ words: splitWords(line.slice(2)), readsInput: / < \S+$/.test(line) }));

/** Every command of ours that a document names in code, whether it is run here or not. */
function mentions(text: string): string[][] {
  const prose = text.replaceAll(/^```(\w*)\n[\s\S]*?^```/gm, "");
  const lines = [
    ...blocks(text, "console", "sh", "").flatMap((block) => block.split("\n")),
    ...[...prose.matchAll(/^ {4}(.+)$/gm)].map(([, line = ""]) => line),
    ...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code),
  ];
  return lines
    .map((line) => line.replace(/^\$ /, ""))
    .filter((line) => /^ch(?= |$)/.test(line))
    .map((line) => splitWords(line).slice(1));
}

/** A home with both clients set up, as a reader has it, and keys in the variables that the documents name. */
function makeReadersHome(name: string): TempHome {
  const text = read(name);
  const keys = [...text.matchAll(/\b[A-Z]+_(?:API_)?KEY\b/g)].map(([name]) => [name, "sk-nobody"]);
  const home = makeTempHome(Object.fromEntries(keys));
  for (const client of ["codex", "claude"]) {
    chmodSync(home.write(`bin/${client}`, "#!/bin/sh\nexit 0\n"), 0o755);
  }
  home.write(
    ".codex/config.toml",
    'model_provider = "relay"\n[model_providers.relay]\nname = "Relay"\nbase_url = "https://relay.example/v1"\nenv_key = "RELAY_KEY"\n',
  );
  home.write(".claude/settings.json", {
    env: { ANTHROPIC_BASE_URL: "https://relay.example", ANTHROPIC_AUTH_TOKEN: "sk-x" },
  });
  home.write(".codex-helper/filter.json", blocks(text, "json")[0] ?? "[]");
  // The readmes begin at the beginning; whoever reads on has a config.
  const upstreams = ["https://relay.example/v1", "https://other.example/v1"].map((base_url) => ({
    base_url,
  }));
  if (!name.startsWith("README"))
    home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  return home;
}

// The Chinese readme has the same ones, which is a test of its own.
const RUN = DOCUMENTS.filter((name) => name !== "README.zh-CN.md" && commands(read(name)).length > 0);

test.each(RUN)(
  "%s: every command works as it stands, one after the other",
  async (name) => {
    using home = makeReadersHome(name);
    const env = { PATH: `${join(home.path, "bin")}:${home.env["PATH"]}` };
    for (const { readsInput, words } of commands(read(name))) {
      const [program, ...args] = words;
      expect(program).toBe("ch");
      if (args.length === 0 || args[0] === "serve") {
        await using serving = startCli(args, { home, env });
        await serving.waitFor(/on http:\/\/127\.0\.0\.1:32\d\d/);
        expect({ args, code: await serving.stop() }).toEqual({ args, code: 130 });
        continue;
      }
      const { code, stderr } = await runCli(args, {
        home,
        env,
        ...(readsInput ? { stdin: "sk-nobody" } : {}),
      });
      // It finds that relay.example is not there.
      if (args[0] === "doctor" && code === 1) continue;
      expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
    }
  },
  60_000,
);

describe("every command that is named", () => {
  /** One for each command, however often it is named. */
  const helps = new Map<string, Promise<string>>();
  const help = (path: readonly string[]): Promise<string> => {
    const key = path.join(" ");
    const known = helps.get(key);
    if (known !== undefined) return known;
    const asked = (async () => {
      using home = makeTempHome({ COLUMNS: "200" });
      const { code, stdout } = await runInProcess([...path, "--help"], home.env);
      expect({ path, code }).toEqual({ path, code: 0 });
      return stdout;
    })();
    helps.set(key, asked);
    return asked;
  };

  test.each(DOCUMENTS)(
    "in %s is there, with its flags",
    async (name) => {
      for (const words of mentions(read(name))) {
        const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
        const [command, sub] = own;
        const path: string[] = [];
        if (command !== undefined && /^[a-z]+$/.test(command)) {
          expect(Object.keys(COMMANDS)).toContain(command);
          path.push(command);
          const [, usual, listed] =
            /^Commands(?: \((?:default: (\S+)|.+)\))?\n((?: {2}.*\n)+)/m.exec(await help(path)) ?? [];
          if (usual !== undefined && sub?.startsWith("--") === true) path.push(usual);
          if (listed !== undefined && sub !== undefined && /^[a-z][a-z-]*$/.test(sub)) {
            expect({ name, words, listed }).toMatchObject({
              listed: expect.stringMatching(new RegExp(`^ {2}${sub} `, "m")),
            });
            path.push(sub);
          }
        }
        for (const flag of own.filter((word) => /^--[a-z]/.test(word))) {
          const shown = await help(path.length === 0 ? ["serve"] : path);
          expect({
            name,
            words,
            flag,
            known: `${shown} --version`.includes(flag.replace(/=.*/, "")),
          }).toMatchObject({ known: true });
        }
      }
    },
    30_000,
  );
});

describe.each(DOCUMENTS)("%s", (name) => {
  const text = read(name);

  test("holds only data that can be read", () => {
    for (const block of blocks(text, "json")) JSON.parse(block);
    for (const block of blocks(text, "jsonc")) {
      const value = Bun.JSONC.parse(block);
      expect(value).toBeInstanceOf(Object);
      if (block.includes('"upstreams"')) expect(parseConfig(block, name).warnings).toEqual([]);
    }
    for (const block of blocks(text, "toml")) expect(Object.keys(parseToml(block)).length).toBeGreaterThan(0);
  });

  test("has links that lead somewhere", () => {
    for (const [, target = ""] of text.matchAll(/\]\((?!https:)([^)]+)\)/g)) {
      if (OF_THE_SITE.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? join(ROOT, name) : join(ROOT, dirname(name), path);
      expect({ target, exists: existsSync(file) }).toEqual({ target, exists: true });
      if (anchor !== undefined) expect(anchors(readFileSync(file, "utf8"))).toContain(anchor);
    }
  });
});

describe.each(READMES)("%s", (name) => {
  const text = read(name);

  test("names the pinned Bun and existing scripts for a fresh machine", () => {
    const lines = [...text.matchAll(/npx -y bun@(\S+) run (\w+)/g)];
    expect(lines.map(([, , script]) => script)).toEqual(expect.arrayContaining(["demo", "test"]));
    for (const [, version, script = ""] of lines) {
      expect(version).toBe(manifest.engines.bun);
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
  });

  test("begins with what a clone can run: see it work, install it, set it up", () => {
    const typed = [...text.matchAll(/^(?: {4}|\$ )(\S.*)$/gm)].map(([, line = ""]) => line);
    expect(typed.slice(0, 3)).toEqual([
      `npx -y bun@${manifest.engines.bun} run demo`,
      `npx -y bun@${manifest.engines.bun} run build && sh install.sh --from dist`,
      "ch",
    ]);
    expect(text).not.toContain("/releases");
  });

  test("has a line for every command that there is", () => {
    const missing = Object.keys(COMMANDS).filter((command) => !text.includes(`\`ch ${command}`));
    expect(missing).toEqual([]);
  });

  test("leads to every document, and shows a whole config.json", () => {
    const others = DOCUMENTS.filter(
      (document) => !READMES.includes(document) && dirname(document) !== dirname(DECISIONS),
    );
    expect(others.filter((document) => !text.includes(`](${document})`))).toEqual([]);
    expect(blocks(text, "jsonc").some((block) => block.includes('"upstreams"'))).toBe(true);
  });
});

test("both readmes have the same commands, data and pictures, section for section", () => {
  const [english, chinese] = READMES.map((name) => {
    const text = read(name);
    const pictures = [...text.matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(([, path = ""]) =>
      path.replace(".zh-CN", ""),
    );
    return {
      commands: commands(text),
      data: blocks(text, "json").length,
      sections: text.match(/^#+ /gm),
      pictures,
    };
  });
  expect(chinese).toEqual(english);
});

test("the install scripts have the options that the documents give them", () => {
  const help = Bun.spawnSync(["sh", join(ROOT, "install.sh"), "--help"]).stdout.toString();
  const shell = readFileSync(join(ROOT, "install.ps1"), "utf8");
  let found = 0;
  for (const [, script, options = ""] of DOCUMENTS.map(read)
    .join("\n")
    .matchAll(/install\.(sh|ps1)((?: --?[\w-]+)+)/g)) {
    for (const option of options.trim().split(" ")) {
      expect(script === "sh" ? help : shell).toContain(script === "sh" ? option : `$${option.slice(1)}`);
      found += 1;
    }
  }
  expect(found).toBeGreaterThan(3);
});

test("CONTRIBUTING.md leads to the index of decisions, and the index to each of them", () => {
  expect(read("CONTRIBUTING.md")).toContain(`](${DECISIONS})`);
  const records = DOCUMENTS.filter((name) => dirname(name) === dirname(DECISIONS) && name !== DECISIONS);
  expect(records.length).toBeGreaterThan(10);
  expect(records.filter((name) => !read(DECISIONS).includes(`](${basename(name)})`))).toEqual([]);
});

test.each(DOCUMENTS.filter((name) => /CONTRIBUTING|architecture|decisions/.test(name)))(
  "%s names only files that there are",
  (name) => {
    const named = [...read(name).matchAll(/`((?:[\w.-]+\/)+[\w-]+\.(?:ts|md|json|yml))`/g)].map(
      ([, path = ""]) => path,
    );
    const missing = named
      .filter((path) => !path.includes("NAME"))
      .filter((path) => !existsSync(join(ROOT, path)) && !existsSync(join(ROOT, "src", path)));
    expect(missing).toEqual([]);
  },
);

test("the changelog has a section for what is not released yet", () => {
  expect(read("CHANGELOG.md")).toMatch(/^## Unreleased$/m);
});

/** As GitHub names a heading. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
