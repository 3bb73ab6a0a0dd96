// Files that Notepad or PowerShell 5 has saved: what is ours is read in any of these encodings, and a client's file in those that the
// client reads. None is damaged.
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Encoding, encodeAs } from "../../src/base/bytes.ts";
import { copyPathFor, healInterrupted } from "../../src/clients/switch/in-place.ts";
import { PROGRAM, runCli } from "../helpers/cli.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const CONFIG = `{
  // 我的中转
  "codex": { "active": "m", "configs": { "m": { "upstreams": [{ "base_url": "https://relay.example/v1", "auth": { "auth_token_env": "K" } }] } } }
}
`;
const TOML =
  'model_provider = "r" # 中转\n[model_providers.r]\nname = "R"\nbase_url = "https://relay.example/v1"\n';
const SETTINGS =
  '{\n  "note": "中转",\n  "env": { "ANTHROPIC_AUTH_TOKEN": "sk-a", "ANTHROPIC_BASE_URL": "https://relay.example" }\n}\n';

function save(home: TempHome, file: string, bytes: string | Uint8Array): string {
  const path = join(home.path, file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
}

const WITH_MARK: readonly Encoding[] = ["UTF-8", "UTF-16LE", "UTF-16BE"];

describe.each(WITH_MARK)("%s with a byte order mark", (encoding) => {
  const make = (text: string): Uint8Array => encodeAs(`\ufeff${text}`, encoding);

  test("config.json is read, and written as UTF-8 with its comments", async () => {
    using home = makeTempHome();
    const before = make(CONFIG.replaceAll("\n", "\r\n"));
    const path = save(home, ".codex-helper/config.json", before);
    expect(await runCli(["config", "list", "--json"], { home })).toMatchObject({ code: 0 });
    expect(await runCli(["config", "set", "m", "--alias", "主力"], { home })).toMatchObject({ code: 0 });
    const after = readFileSync(path, "utf8");
    expect(after).toStartWith("\ufeff{\r\n  // 我的中转\r\n");
    expect(after).toContain('"alias": "主力"');
    const backups = join(home.path, ".codex-helper/backups");
    expect(readdirSync(backups).map((name) => readFileSync(join(backups, name)))).toEqual([
      Buffer.from(before),
    ]);
  });

  test("filter.json is read, and a pack is added to it", async () => {
    using home = makeTempHome();
    const path = save(
      home,
      ".codex-helper/filter.json",
      make('[{ "op": "replace", "source": "内网", "target": "X" }]\n'),
    );
    const { code, stdout } = await runCli(["filter", "test", "-"], { home, stdin: "在内网里" });
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("在X里") });
    expect(await runCli(["filter", "add", "secrets"], { home })).toMatchObject({ code: 0 });
    expect(readFileSync(path, "utf8")).toContain("内网");
  });

  test("an export is imported", async () => {
    using home = makeTempHome();
    const path = save(home, "export.json", make(CONFIG));
    expect(await runCli(["config", "import", path, "--yes"], { home })).toMatchObject({ code: 0 });
    expect((await runCli(["config", "list", "--json"], { home })).stdout).toContain("relay.example");
  });
});

test.each(WITH_MARK)("a key comes through standard input in %s with a byte order mark", async (encoding) => {
  using home = makeTempHome();
  const key = save(home, "key.txt", encodeAs("\ufeffsk-0123456789abcdef\r\n", encoding));
  const child = Bun.spawn(
    [...PROGRAM, "config", "add", "m", "--base-url", "https://relay.example/v1", "--auth-token-stdin"],
    { cwd: home.path, env: home.env, stdin: Bun.file(key), stdout: "ignore", stderr: "ignore" },
  );
  expect(await child.exited).toBe(0);
  expect(readFileSync(home.paths.config, "utf8")).toContain('"sk-0123456789abcdef"');
});

describe("a client's file", () => {
  test("of Claude Code is edited in UTF-16LE, and restored to the byte", async () => {
    using home = makeTempHome();
    const before = Buffer.from(encodeAs(`\ufeff${SETTINGS}`, "UTF-16LE"));
    const path = save(home, ".claude/settings.json", before);
    expect(await runCli(["switch", "on", "--claude"], { home })).toMatchObject({ code: 0 });
    const on = readFileSync(path);
    expect(on.toString("utf16le")).toBe(
      `\ufeff${SETTINGS.replace("https://relay.example", "http://127.0.0.1:3210")}`,
    );
    expect((await runCli(["switch", "status", "--json"], { home })).stdout).toContain("3210");
    expect(await runCli(["switch", "off", "--claude"], { home })).toMatchObject({ code: 0 });
    expect(readFileSync(path)).toEqual(before);
  });

  test.each([
    ["codex", ".codex/config.toml", TOML, "UTF-16LE"],
    ["codex", ".codex/config.toml", TOML, "UTF-16BE"],
    ["claude", ".claude/settings.json", SETTINGS, "UTF-16BE"],
  ] as const)(
    "of %s (%s) is not touched where the client does not read it",
    async (service, file, text, encoding) => {
      using home = makeTempHome();
      const before = Buffer.from(encodeAs(`\ufeff${text}`, encoding));
      const path = save(home, file, before);
      const words = `is ${encoding}: save it as UTF-8`;
      for (const [args, expected] of [
        [["switch", "on", `--${service}`], 1],
        [["switch", "off", `--${service}`], 1],
        [["switch", "status", `--${service}`], 0],
        [["config", "import", "--from", service], 1],
      ] as const) {
        const { code, stdout, stderr } = await runCli(args, { home });
        expect({ args, code, isSaid: (stdout + stderr).includes(words) }).toEqual({
          args,
          code: expected,
          isSaid: true,
        });
      }
      expect((await runCli(["doctor"], { home })).stdout).toContain(words);
      expect(readFileSync(path)).toEqual(before);
    },
  );

  test("without a mark, with NUL bytes or in another encoding is refused by name and line", async () => {
    using home = makeTempHome();
    const refusalOf = async (bytes: Uint8Array): Promise<string> => {
      save(home, ".codex/config.toml", bytes);
      const { code, stderr } = await runCli(["switch", "on", "--codex"], { home });
      expect(code).toBe(1);
      expect(readFileSync(join(home.path, ".codex/config.toml"))).toEqual(Buffer.from(bytes));
      return stderr;
    };
    expect(await refusalOf(encodeAs(TOML, "UTF-16LE"))).toContain("is UTF-16 without a byte order mark");
    expect(await refusalOf(encodeAs(TOML, "UTF-16BE"))).toContain("is UTF-16 without a byte order mark");
    expect(await refusalOf(Buffer.from(`${TOML}x = "\0"\n`))).toContain("line 5: a NUL character");
    // GB 18030, as the Windows code page 936 has it.
    const gbk = Buffer.concat([Buffer.from("# a\n# "), Buffer.from([0xd6, 0xd0]), Buffer.from(`\n${TOML}`)]);
    expect(await refusalOf(gbk)).toContain("is not valid UTF-8 (line 2): save it as UTF-8");
  });

  test("that was half written in place is restored in its encoding", async () => {
    using home = makeTempHome();
    const file = save(home, "settings.json", "");
    const copy = copyPathFor(join(home.path, "journal.json"));
    const [before, after] = [
      `\ufeff${SETTINGS}`,
      `\ufeff${SETTINGS.replace("relay.example", "other.example")}`,
    ];
    writeFileSync(copy, JSON.stringify({ file, encoding: "UTF-16LE", before, after }));
    const [one, other] = [encodeAs(before, "UTF-16LE"), encodeAs(after, "UTF-16LE")];
    const at = one.length - 30;
    writeFileSync(file, Buffer.concat([other.subarray(0, at), one.subarray(at)]));
    await healInterrupted(copy);
    expect(readFileSync(file)).toEqual(Buffer.from(one));
  });
});
