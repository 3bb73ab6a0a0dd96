// File systems on which a mode is ignored (NTFS, FAT, WSL's /mnt/c) or may not be changed, made by bindfs where a test may mount
// one: as root, with /dev/fuse. Elsewhere the same commands run on the file system that there is, where a mode holds.
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../helpers/cli.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const TOML =
  'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\n';

interface Mounted extends Disposable {
  readonly home: TempHome;
  /** Null where nothing could be mounted. */
  readonly codex: string;
  readonly isMounted: boolean;
}

/** A home on a file system of its own, with a config that others may read where modes hold. */
function mountHome(...options: readonly string[]): Mounted {
  const home = makeTempHome();
  const [real, codexHelper] = [join(home.path, "real"), home.paths.home];
  mkdirSync(real);
  mkdirSync(codexHelper, { recursive: true });
  const isMounted =
    Bun.which("bindfs") !== null && Bun.spawnSync(["bindfs", ...options, real, codexHelper]).exitCode === 0;
  const config = {
    codex: { active: "main", configs: { main: { upstreams: [{ base_url: "https://relay.example/v1" }] } } },
  };
  home.write(".codex-helper/config.json", config);
  return {
    home,
    isMounted,
    codex: home.write(".codex/config.toml", TOML),
    [Symbol.dispose]() {
      if (isMounted) Bun.spawnSync(["umount", codexHelper]);
      home[Symbol.dispose]();
    },
  };
}

describe.each([
  ["all may write", ["--chmod-ignore", "-p", "0777"]],
  ["all may read", ["--chmod-ignore", "-p", "u=rwD:go=rD"]],
])("a home on a file system that ignores modes, where %s", (_name, options) => {
  test("is told of once, and repaired in no word", async () => {
    using mounted = mountHome(...options);
    const { home, isMounted } = mounted;
    const { stdout } = await runCli(["doctor", "--json"], { home });
    const { checks } = JSON.parse(stdout) as {
      checks: { id: string; status: string; message: string; hint?: string }[];
    };
    const about = checks.filter(({ message, status }) => status !== "ok" && /other users/.test(message));
    if (isMounted) {
      expect(about).toMatchObject([
        {
          id: "file-modes",
          status: "warn",
          message: expect.stringContaining("has no permissions"),
          hint: expect.stringContaining("CODEX_HELPER_HOME"),
        },
      ]);
    }
    for (const round of [1, 2]) {
      const { stderr } = await runCli(["doctor", "--fix"], { home });
      expect({ round, lines: stderr.match(/not fixed: .*permissions.*\n/g)?.length ?? 0 }).toEqual({
        round,
        lines: isMounted ? 1 : 0,
      });
      if (isMounted) expect(stderr).not.toMatch(/^fixed: .*private/m);
    }
    const exported = await runCli(["config", "export", join(home.paths.home, "a b.json")], { home });
    expect(/only you can read it/.test(exported.stderr)).toBe(!isMounted);
    expect(exported.stderr).toContain(`ch config import '${join(home.paths.home, "a b.json")}'\n`);
  });
});

test("a client's file keeps its mode where modes may not be changed", async () => {
  using home = makeTempHome();
  const real = join(home.path, "real");
  mkdirSync(join(real, "codex"), { recursive: true });
  mkdirSync(join(home.path, "mnt"));
  const isMounted =
    Bun.which("bindfs") !== null &&
    Bun.spawnSync(["bindfs", "--chmod-deny", real, join(home.path, "mnt")]).exitCode === 0;
  try {
    const codexHome = join(home.path, isMounted ? "mnt/codex" : "real/codex");
    const file = join(codexHome, "config.toml");
    await Bun.write(join(real, "codex/config.toml"), TOML);
    const env = { CODEX_HOME: codexHome };
    for (const mode of [0o644, 0o600]) {
      chmodSync(join(real, "codex/config.toml"), mode);
      const on = await runCli(["switch", "on", "--port", "39417"], { home, env });
      expect({ mode, code: on.code, has: statSync(file).mode & 0o777 }).toEqual({ mode, code: 0, has: mode });
      expect((await runCli(["switch", "off"], { home, env })).code).toBe(0);
      expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual([TOML, mode]);
    }
  } finally {
    if (isMounted) Bun.spawnSync(["umount", join(home.path, "mnt")]);
  }
});
