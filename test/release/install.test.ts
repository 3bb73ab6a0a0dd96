import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey } from "node:crypto";
import {
  chmodSync,
  existsSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Language, Parser } from "web-tree-sitter";
import { makeTarGz } from "../../release/archive.ts";
import { PLATFORMS } from "../../release/platforms.ts";
import { makeSecretKey, publicKeyOf, signSums, stampScript, versionedName } from "../../release/signing.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { installStatusLine, uninstallStatusLine } from "../../src/clients/switch/status-line.ts";
import { switchOff, switchOn } from "../../src/clients/switch/switch.ts";
import { GOOD_CERTIFICATE, TEST_KEY } from "../helpers/certificates.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const ROOT = join(import.meta.dir, "../..");
const SOURCE = readFileSync(join(ROOT, "install.sh"), "utf8");
/** What the script says that it uses, with sha256sum for the sums and openssl for the signature. */
const TOOLS =
  "sh uname tar gzip mkdir mktemp mv ln readlink rm rmdir cat cp sed curl sha256sum openssl".split(" ");
const ARCHIVE = "codex-helper-linux-x64.tar.gz";
const SECRET = makeSecretKey("test");
const KEY = publicKeyOf(SECRET);

interface Installed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let release: string;
/** The install script as it is released, but for an address: it has the key of these tests. */
let script: string;
beforeAll(async () => {
  script = join(mkdtempSync(join(tmpdir(), "codex-helper-script-")), "install.sh");
  writeFileSync(script, stampScript(SOURCE, { keys: [KEY] }));
  release = mkdtempSync(join(tmpdir(), "codex-helper-release-"));
  for (const { name, archive } of PLATFORMS) {
    if (archive === "tar.gz") writeFileSync(join(release, `codex-helper-${name}.tar.gz`), await pack(name));
  }
  writeSums(release, sumsOf(release));
});
afterAll(() => {
  for (const directory of [release, dirname(script)]) rmSync(directory, { recursive: true });
});

/** A program that only says what it is and notes what it is asked to do. */
function pack(platform: string): Promise<Uint8Array> {
  const script = `#!/bin/sh
case $1 in --version) echo "codex-helper 9.8.7 (${platform})" ;; *) echo "$*" >>"$HOME/asked" ;; esac
[ ! -e "$HOME/broken" ]
`;
  const folder = `codex-helper-${platform}`;
  const data = new TextEncoder().encode(script);
  return makeTarGz([{ path: `${folder}/codex-helper`, data, isProgram: true }], 0);
}

const lineOf = (file: string): string => `${Bun.SHA256.hash(readFileSync(file), "hex")}  ${basename(file)}\n`;

/** Of all archives there, as sums of this version. */
const sumsOf = (directory: string, version = "9.8.7"): string =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".tar.gz"))
    .map((name) => lineOf(join(directory, name)))
    .concat(`${"0".repeat(64)}  ${versionedName(version)}\n`)
    .join("");

/** And their signatures. */
function writeSums(directory: string, text: string, secret = SECRET): void {
  writeFileSync(join(directory, "SHA256SUMS"), text);
  for (const [name, data] of Object.entries(signSums(Buffer.from(text), "9.8.7", secret))) {
    writeFileSync(join(directory, name), data);
  }
}

/** A machine of that name: nothing on PATH but the tools, and a uname that tells stories. */
function makeMachine(
  uname: readonly [system: string, machine: string],
  more: Record<string, string> = {},
): TempHome {
  const home = makeTempHome();
  mkdirSync(join(home.path, "bin"));
  for (const tool of TOOLS) {
    const found = Bun.which(tool);
    if (found === null) throw new Error(`${tool} is not here`);
    symlinkSync(found, join(home.path, "bin", tool));
  }
  const scripts = { uname: `[ "$1" = -s ] && echo ${uname[0]} || echo ${uname[1]}`, ...more };
  for (const [name, script] of Object.entries(scripts)) {
    const file = join(home.path, "bin", name);
    rmSync(file, { force: true });
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
  return home;
}

const GLIBC = { ldd: 'echo "ldd (GNU libc) 2.36"' };
const MUSL = { ldd: 'echo "musl libc (x86_64)" >&2; exit 1' };
const onLinux = (): TempHome => makeMachine(["Linux", "x86_64"], GLIBC);

function install(
  home: TempHome,
  args: readonly string[],
  env: Record<string, string> = {},
  file = script,
): Installed {
  const { exitCode, stdout, stderr } = Bun.spawnSync([join(home.path, "bin/sh"), file, ...args], {
    cwd: home.path,
    env: { HOME: home.path, PATH: `${home.path}/bin:${home.path}/.local/bin`, ...env },
  });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

const installedIn = (home: TempHome): string[] => {
  const directory = join(home.path, ".local/bin");
  return existsSync(directory) ? readdirSync(directory).toSorted() : [];
};

test.each([
  ["linux-x64", ["Linux", "x86_64"], GLIBC],
  ["linux-x64-musl", ["Linux", "x86_64"], MUSL],
  ["linux-arm64", ["Linux", "aarch64"], GLIBC],
  ["linux-arm64-musl", ["Linux", "aarch64"], MUSL],
  ["darwin-x64", ["Darwin", "x86_64"], { sysctl: "echo 0" }],
  ["darwin-x64", ["Darwin", "x86_64"], { sysctl: "exit 1" }],
  ["darwin-arm64", ["Darwin", "arm64"], {}],
  // A terminal under Rosetta.
  ["darwin-arm64", ["Darwin", "x86_64"], { sysctl: "echo 1" }],
] as const)("%s is what a machine that says %j gets", (platform, uname, more) => {
  using home = makeMachine(uname, more);
  const { code, stdout, stderr } = install(home, ["--from", release]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Installed codex-helper 9.8.7 (${platform}) in ${home.path}/.local/bin`);
  expect(installedIn(home)).toEqual(["ch", "codex-helper"]);
});

test.each([
  [["Linux", "riscv64"], "there is no release for a riscv64 processor"],
  [["FreeBSD", "amd64"], "there is no release for FreeBSD"],
  [["MINGW64_NT-10.0", "x86_64"], "on Windows use install.ps1"],
] as const)("a machine that says %j is told that there is nothing for it", (uname, words) => {
  using home = makeMachine(uname, GLIBC);
  const { code, stderr } = install(home, ["--from", release]);
  expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: [] });
  expect(stderr).toContain(words);
});

describe("a place to install from", () => {
  test.each(["", "file://", "file:// with a slash at its end"])("may be a directory: %s", (form) => {
    using home = onLinux();
    const place = form === "" ? release : `file://${release}${form.endsWith("end") ? "/" : ""}`;
    expect(install(home, ["--from", place])).toMatchObject({ code: 0, stderr: "" });
  });

  test.each([
    "http://relay.example/release",
    "http://127.0.0.1.relay.example/release",
    "http://localhost.relay.example",
    "ftp://127.0.0.1/release",
    "http://127.0.0.1:80@relay.example/release",
    "http://localhost:x@relay.example",
  ])("may not be %s", (place) => {
    using home = onLinux();
    const { code, stderr } = install(home, ["--from", place]);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: [] });
    expect(stderr).toContain(`not a place to install from: ${place}`);
  });

  test("has to be given to a script that is not out of a release", () => {
    using home = onLinux();
    const { code, stderr } = install(home, []);
    expect(code).toBe(1);
    expect(stderr).toContain("give --from PLACE");
  });
});

test("what was built in a clone is installed from its directory, under both names", () => {
  using home = onLinux();
  const built = join(home.path, "dist");
  mkdirSync(built);
  const program = "#!/bin/sh\necho codex-helper 9.8.7 built";
  writeFileSync(join(built, "codex-helper"), program, { mode: 0o755 });
  const { code, stdout, stderr } = install(home, ["--from", built]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Installed codex-helper 9.8.7 built in ${home.path}/.local/bin`);
  expect(installedIn(home)).toEqual(["ch", "codex-helper"]);
  expect(readFileSync(join(home.path, ".local/bin/codex-helper"), "utf8")).toBe(program);
});

describe("nothing is installed", () => {
  const refuses = (home: TempHome, words: string, env: Record<string, string> = {}): void => {
    const { code, stderr } = install(home, ["--from", join(home.path, "release")], env);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: [] });
    expect(stderr).toContain(words);
  };
  const withRelease = (): TempHome => {
    const home = onLinux();
    for (const name of ["SHA256SUMS", "SHA256SUMS.sig", "SHA256SUMS.minisig", ARCHIVE]) {
      copyFileSync(join(release, name), home.write(`release/${name}`, ""));
    }
    return home;
  };
  const placeOf = (home: TempHome): string => join(home.path, "release");
  /** Verified by minisign, because there is no openssl. */
  const withMinisign = (home: TempHome): TempHome => {
    rmSync(join(home.path, "bin/openssl"));
    symlinkSync(Bun.which("minisign") ?? "/missing/minisign", join(home.path, "bin/minisign"));
    return home;
  };
  const unsigned = "SHA256SUMS is not signed with a key of codex-helper; nothing was installed";

  test("when the archive is not the one that was published", async () => {
    using home = withRelease();
    writeFileSync(join(home.path, "release", ARCHIVE), await pack("linux-x64 and more"));
    refuses(home, "is not the file that SHA256SUMS describes; nothing was installed");
  });

  describe.each([
    ["openssl", "SHA256SUMS.sig", (home: TempHome) => home],
    ["minisign", "SHA256SUMS.minisig", withMinisign],
  ])("with %s, whose signature is %s,", (_, signature, withTool) => {
    test("but for what is signed", () => {
      using home = withTool(withRelease());
      expect(install(home, ["--from", placeOf(home)])).toMatchObject({ code: 0, stderr: "" });
    });

    test("when archive and sums were both exchanged", async () => {
      using home = withTool(withRelease());
      writeFileSync(join(home.path, "release", ARCHIVE), await pack("linux-x64 and more"));
      writeFileSync(join(placeOf(home), "SHA256SUMS"), sumsOf(placeOf(home)));
      refuses(home, unsigned);
    });

    test("when a line was added to the sums, or a byte at their end", () => {
      using home = withTool(withRelease());
      const text = readFileSync(join(placeOf(home), "SHA256SUMS"), "utf8");
      for (const changed of [`${text}${"0".repeat(64)}  other\n`, `${text}\n`, text.trimEnd(), ""]) {
        writeFileSync(join(placeOf(home), "SHA256SUMS"), changed);
        refuses(home, unsigned);
      }
    });

    test("when the signature is missing, empty, cut off, of another key or of other sums", () => {
      using home = withTool(withRelease());
      const file = join(placeOf(home), signature);
      const good = readFileSync(file);
      const sums = readFileSync(join(placeOf(home), "SHA256SUMS"));
      const other = signSums(sums, "9.8.7", makeSecretKey("other"))[signature] ?? good;
      const ofOther = signSums(Buffer.from("other sums"), "9.8.7", SECRET)[signature] ?? good;
      for (const bad of [Buffer.alloc(0), good.subarray(0, -9), other, ofOther, Buffer.alloc(64)]) {
        writeFileSync(file, bad);
        refuses(home, unsigned);
      }
      rmSync(file);
      refuses(home, `there is no ${file}`);
    });
  });

  test("when nothing is here that could check a signature", () => {
    using home = withRelease();
    rmSync(join(home.path, "bin/openssl"));
    refuses(home, "neither openssl nor minisign is here to check the signature with");
  });

  test("by a script that has no key yet, as that of the repository", () => {
    using home = withRelease();
    const file = home.write("install.sh", stampScript(SOURCE, { keys: [] }));
    const { code, stderr } = install(home, ["--from", placeOf(home)], {}, file);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: [] });
    expect(stderr).toContain("this copy of the script has no key to check a release with");
  });

  test("when a released script is given a program without a signature", () => {
    using home = withRelease();
    const file = home.write("install.sh", stampScript(SOURCE, { keys: [KEY], version: "9.8.7" }));
    home.write("release/codex-helper", "#!/bin/sh\necho codex-helper 9.8.7");
    const { code, stderr } = install(home, ["--from", placeOf(home)], {}, file);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: [] });
    expect(stderr).toContain("release/codex-helper has no signature");
  });

  test("when the sums do not name the archive, or name it in another way", () => {
    using home = withRelease();
    const sum = Bun.SHA256.hash(readFileSync(join(release, ARCHIVE)), "hex");
    const version = sumsOf(home.path);
    for (const line of [
      "",
      `${sum}  other-${ARCHIVE}`,
      `${sum.slice(1)}  ${ARCHIVE}`,
      `${sum}  codex-helper-linux-x64xtar.gz`,
      `${sum}  ${ARCHIVE}.sig`,
      `${sum} *${ARCHIVE}`,
      `${"g".repeat(64)}  ${ARCHIVE}`,
    ]) {
      writeSums(placeOf(home), `${version}${line}\n`);
      refuses(home, `SHA256SUMS does not name ${ARCHIVE}`);
    }
  });

  test("when the sums name the archive twice, with two sums", () => {
    using home = withRelease();
    const line = lineOf(join(release, ARCHIVE));
    const version = sumsOf(home.path);
    writeSums(placeOf(home), `${version}${line}${"0".repeat(64)}  ${ARCHIVE}\n`);
    refuses(home, `SHA256SUMS names ${ARCHIVE} twice`);
    writeSums(placeOf(home), `${version}${line}${line.trimEnd()}`);
    expect(install(home, ["--from", placeOf(home)]).code).toBe(0);
  });

  test("when the signed sums are of no version, of two, or of one that is none", () => {
    using home = withRelease();
    const line = lineOf(join(release, ARCHIVE));
    const versionLine = (version: string): string => `${"0".repeat(64)}  ${versionedName(version)}\n`;
    writeSums(placeOf(home), line);
    refuses(home, "SHA256SUMS does not say of which version it is");
    writeSums(placeOf(home), line + versionLine("9.8.7") + versionLine("9.8.8"));
    refuses(home, "SHA256SUMS names two versions");
    for (const version of ["x", "9.8.x", "../9.8.7"]) {
      writeSums(placeOf(home), line + versionLine(version));
      refuses(home, "SHA256SUMS does not say of which version it is");
    }
  });

  test("when the program is of another version than what was signed", () => {
    using home = withRelease();
    writeSums(placeOf(home), sumsOf(placeOf(home), "9.9.0"));
    refuses(home, "asked for 9.9.0, but this is codex-helper 9.8.7");
  });

  test.each([
    [{ HOME: "home" }, "HOME must be a whole path: home"],
    [{ CODEX_HELPER_HOME: "x/../y" }, "CODEX_HELPER_HOME must be a whole path"],
    [{ CODEX_HELPER_INSTALL_DIR: "bin" }, "CODEX_HELPER_INSTALL_DIR must be a whole path"],
    [{ CODEX_HELPER_VERSION: "1/../../evil" }, "CODEX_HELPER_VERSION is not a version"],
  ])("with %j", (env, words) => {
    using home = withRelease();
    refuses(home, words, env);
  });

  test("when the release lacks the archive", () => {
    using home = withRelease();
    rmSync(join(placeOf(home), ARCHIVE));
    refuses(home, `there is no ${placeOf(home)}/${ARCHIVE}`);
  });

  test("when the program does not start", () => {
    using home = withRelease();
    home.write("broken", "");
    refuses(home, "the program does not start here");
  });

  test("when another version was asked for", () => {
    using home = withRelease();
    refuses(home, "asked for 9.8.6, but this is codex-helper 9.8.7", { CODEX_HELPER_VERSION: "v9.8.6" });
    expect(install(home, ["--from", release], { CODEX_HELPER_VERSION: "9.8.7" }).code).toBe(0);
  });

  test("when the script arrives only in part", () => {
    using home = withRelease();
    const part = home.write("part.sh", SOURCE.slice(0, SOURCE.lastIndexOf("main")));
    const { exitCode } = Bun.spawnSync(["sh", part, "--from", release], {
      env: { HOME: home.path, PATH: home.env["PATH"] ?? "" },
    });
    expect({ exitCode, installed: installedIn(home) }).toEqual({ exitCode: 0, installed: [] });
  });
});

describe("a release that is properly signed, but an older one,", () => {
  const offer = (ownVersion: string, signed = "9.8.7"): TempHome => {
    const home = onLinux();
    copyFileSync(join(release, ARCHIVE), home.write(`release/${ARCHIVE}`, ""));
    writeSums(join(home.path, "release"), sumsOf(join(home.path, "release"), signed));
    home.write("install.sh", stampScript(SOURCE, { keys: [KEY], version: ownVersion }));
    return home;
  };
  const tryIt = (home: TempHome, env: Record<string, string> = {}): Installed =>
    install(home, ["--from", join(home.path, "release")], env, join(home.path, "install.sh"));

  test.each(["9.8.8", "9.9.0", "10.0.0", "9.8.10", "9.8.8-rc.1", "9.8.7.1"])(
    "is refused by the script of %s, unless it is asked for by its version",
    (own) => {
      using home = offer(own);
      const { code, stderr } = tryIt(home);
      expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: [] });
      expect(stderr).toContain(
        `offers 9.8.7, which is older than this script (${own}); if you want it: CODEX_HELPER_VERSION=9.8.7`,
      );
      expect(tryIt(home, { CODEX_HELPER_VERSION: "v9.8.7" })).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test.each(["9.8.7", "9.8.6", "9.7.9", "8.10.10", "9.8.7-rc.1", "9.8.7+build.5"])(
    "is none for the script of %s",
    (own) => {
      using home = offer(own);
      expect(tryIt(home)).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("is refused where a newer one is installed, and a broken program in its place does not matter", () => {
    using home = offer("");
    const program = home.write(".local/bin/codex-helper", "#!/bin/sh\necho 'codex-helper 9.10.0 (x)'\n");
    chmodSync(program, 0o755);
    const { code, stderr } = tryIt(home);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: ["codex-helper"] });
    expect(stderr).toContain("offers 9.8.7, which is older than what is installed (9.10.0)");
    home.write(".local/bin/codex-helper", "#!/bin/sh\nexit 1\n");
    expect(tryIt(home).code).toBe(0);
  });

  test("is refused as a pre-release of what is there", () => {
    using home = offer("9.8.7", "9.8.7-rc.2");
    expect(tryIt(home).stderr).toContain("offers 9.8.7-rc.2, which is older than this script (9.8.7)");
  });
});

test("a script beside a release installs that one, without being told and without a network", () => {
  using home = onLinux();
  const carried = join(home.path, "carried here");
  for (const name of ["SHA256SUMS", "SHA256SUMS.sig", ARCHIVE]) {
    copyFileSync(join(release, name), home.write(`carried here/${name}`, ""));
  }
  // Where nothing answers.
  const stamp = { keys: [KEY], version: "9.8.7", releasesUrl: "https://127.0.0.1:1" };
  const file = home.write("carried here/install.sh", stampScript(SOURCE, stamp));
  expect(install(home, [], {}, file)).toMatchObject({ code: 0, stderr: "" });
  expect(installedIn(home)).toEqual(["ch", "codex-helper"]);
  // Others find themselves in another way.
  for (const shell of ["bash", "zsh"]) {
    const env = { HOME: home.path, PATH: join(home.path, "bin") };
    const { exitCode, stderr } = Bun.spawnSync([Bun.which(shell) ?? shell, file], { env, cwd: "/" });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
  }

  rmSync(join(carried, ARCHIVE));
  expect(install(home, [], {}, file).stderr).toContain(
    `cannot download https://127.0.0.1:1/download/v9.8.7/${ARCHIVE}`,
  );
  rmSync(join(carried, "SHA256SUMS"));
  expect(install(home, [], {}, file).stderr).toContain(
    "cannot download https://127.0.0.1:1/latest/download/SHA256SUMS",
  );
});

test("while keys change, a release is accepted with either of them", () => {
  using home = onLinux();
  const next = publicKeyOf(makeSecretKey("next"));
  for (const keys of [
    [KEY, next],
    [next, KEY],
  ]) {
    const file = home.write("install.sh", stampScript(SOURCE, { keys }));
    expect(install(home, ["--from", release], {}, file)).toMatchObject({ code: 0, stderr: "" });
  }
  const file = home.write("install.sh", stampScript(SOURCE, { keys: [next] }));
  expect(install(home, ["--from", release], {}, file).code).toBe(1);
});

describe("a download", () => {
  /** Each with its name, and the file of its own in a home that makes it trust the test's certificate. */
  const kinds = [
    { name: "curl", program: Bun.which("curl"), args: "" },
    { name: "GNU wget", program: isGnuWget() ? Bun.which("wget") : null, args: "" },
    { name: "busybox wget", program: Bun.which("busybox"), args: "wget" },
  ].filter(({ program }) => program !== null);

  function isGnuWget(): boolean {
    const wget = Bun.which("wget");
    return wget !== null && Bun.spawnSync([wget, "--version"]).stdout.toString().includes("GNU");
  }

  /** A machine whose only program for downloads is that one. */
  function makeDownloader({ args, name, program }: (typeof kinds)[number]): TempHome {
    const home = makeMachine(["Linux", "x86_64"], GLIBC);
    rmSync(join(home.path, "bin/curl"));
    const file = join(home.path, "bin", name === "curl" ? "curl" : "wget");
    writeFileSync(file, `#!/bin/sh\nexec ${program} ${args} "$@"\n`);
    chmodSync(file, 0o755);
    home.write(".wgetrc", `ca_certificate = ${home.write("ca.pem", GOOD_CERTIFICATE)}\n`);
    return home;
  }

  const download = async (home: TempHome, place: string): Promise<Installed> => {
    const child = Bun.spawn([join(home.path, "bin/sh"), script, "--from", place], {
      cwd: home.path,
      env: {
        HOME: home.path,
        PATH: `${home.path}/bin:${home.path}/.local/bin`,
        CURL_CA_BUNDLE: join(home.path, "ca.pem"),
        // What the machine's own proxy would be must not matter for an address on this machine.
        http_proxy: "",
      },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code: await child.exited, stdout, stderr };
  };

  /** Serves the release; below /away it sends on to another server. */
  function serveRelease(tls: boolean, away = ""): Bun.Server<undefined> & { readonly asked: string[] } {
    const asked: string[] = [];
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      ...(tls ? { tls: { cert: GOOD_CERTIFICATE, key: TEST_KEY } } : {}),
      fetch(request) {
        const { pathname } = new URL(request.url);
        asked.push(pathname);
        if (pathname.startsWith("/away/"))
          return Response.redirect(`${away}${pathname.slice("/away".length)}`, 302);
        return new Response(Bun.file(join(release, basename(pathname))));
      },
    });
    return Object.assign(server, { asked });
  }

  test.each(kinds)("over http from this machine works with $name", async (kind) => {
    using home = makeDownloader(kind);
    using server = serveRelease(false);
    expect(await download(home, `http://127.0.0.1:${server.port}`)).toMatchObject({ code: 0, stderr: "" });
    expect(installedIn(home)).toEqual(["ch", "codex-helper"]);
  });

  test.each(kinds)("over https is never sent on to http with $name", async (kind) => {
    using home = makeDownloader(kind);
    using plain = serveRelease(false);
    using server = serveRelease(true, `http://127.0.0.1:${plain.port}`);
    const { code, stderr } = await download(home, `https://127.0.0.1:${server.port}/away`);
    expect(code).toBe(1);
    expect(stderr).toContain(`install.sh: cannot download https://127.0.0.1:${server.port}/away/SHA256SUMS`);
    // Some of busybox cannot speak to this server at all.
    if (kind.name !== "busybox wget") expect(server.asked).not.toEqual([]);
    expect(plain.asked).toEqual([]);
    expect(installedIn(home)).toEqual([]);
  });

  test.each(kinds.filter(({ name }) => name !== "busybox wget"))(
    "over https may be sent on to https with $name",
    async (kind) => {
      using home = makeDownloader(kind);
      using other = serveRelease(true);
      using server = serveRelease(true, `https://127.0.0.1:${other.port}`);
      const { code, stderr } = await download(home, `https://127.0.0.1:${server.port}/away`);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(installedIn(home)).toEqual(["ch", "codex-helper"]);
    },
  );
});

test("another program called ch is left alone, at the beginning and at the end", () => {
  using home = onLinux();
  home.write(".local/bin/ch", "somebody else's");
  const { stdout } = install(home, ["--from", release]);
  expect(stdout).toContain("is another program and was left alone; type codex-helper instead");
  expect(install(home, ["--uninstall"]).code).toBe(0);
  expect(installedIn(home)).toEqual(["ch"]);
  expect(readFileSync(join(home.path, ".local/bin/ch"), "utf8")).toBe("somebody else's");
});

test("a directory that is not on PATH comes with the line to type", () => {
  using home = onLinux();
  const env = { CODEX_HELPER_INSTALL_DIR: join(home.path, "my programs"), SHELL: "/usr/bin/zsh" };
  const { code, stdout } = install(home, ["--from", release], env);
  expect(code).toBe(0);
  expect(stdout).toContain(`echo 'export PATH="${home.path}/my programs:$PATH"' >>~/.zshrc`);
  expect(readdirSync(join(home.path, "my programs")).toSorted()).toEqual(["ch", "codex-helper"]);
});

test("a second install replaces the first and says that a running proxy stays as it was", () => {
  using home = onLinux();
  install(home, ["--from", release]);
  const { code, stdout } = install(home, ["--from", release]);
  expect({ code, installed: installedIn(home) }).toEqual({ code: 0, installed: ["ch", "codex-helper"] });
  expect(stdout).toContain("stays the old version until it is started again");
});

describe("uninstalling", () => {
  test("puts both clients back before the program goes", () => {
    using home = onLinux();
    install(home, ["--from", release]);
    expect(install(home, ["--uninstall"])).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(join(home.path, "asked"), "utf8")).toBe(
      "switch off --codex\nswitch off --claude\nstatusline uninstall --claude\n",
    );
    expect(installedIn(home)).toEqual([]);
  });

  test("keeps the program where a client cannot be put back", () => {
    using home = onLinux();
    install(home, ["--from", release]);
    home.write("broken", "");
    const { code, stderr } = install(home, ["--uninstall"]);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: ["ch", "codex-helper"] });
    expect(stderr).toContain("nothing was removed");
  });

  test("keeps what another directory of a client needs to be put back, and says how", async () => {
    using home = onLinux();
    install(home, ["--from", release]);
    const other = join(home.path, "it's my 工作");
    mkdirSync(other);
    const env = { HOME: home.path, CLAUDE_CONFIG_DIR: other };
    const target = { service: "claude", paths: resolvePaths(env), env } as const;
    await switchOn(target, { port: 3210, prefersOwnProvider: false }, { kind: "user" });
    for (const flags of [["--uninstall"], ["--uninstall", "--purge"]]) {
      const { code, stderr } = install(home, flags);
      expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: ["ch", "codex-helper"] });
      expect(stderr).toContain(`${other}/settings.json is still switched, so nothing was removed; first:`);
      const command = String(stderr.split("\n")[1]).trim();
      const asked = Bun.spawnSync(["sh", "-c", `env() { printf '%s|' "$@"; }; ${command}`]);
      const program = join(home.path, ".local/bin/codex-helper");
      expect(asked.stdout.toString()).toBe(`CLAUDE_CONFIG_DIR=${other}|${program}|switch|off|--claude|`);
    }
    await switchOff(target);
    expect(install(home, ["--uninstall", "--purge"])).toMatchObject({ code: 0 });
  });

  test("keeps what the status line of another directory needs to be taken out, and says how", async () => {
    using home = onLinux();
    install(home, ["--from", release]);
    const other = join(home.path, "it's my 工作");
    mkdirSync(other);
    const env = { HOME: home.path, CLAUDE_CONFIG_DIR: other };
    const target = { service: "claude", paths: resolvePaths(env), env } as const;
    await installStatusLine(target, { program: ["/opt/ch"], isThere: () => true });
    const { code, stderr } = install(home, ["--uninstall", "--purge"]);
    expect({ code, installed: installedIn(home) }).toEqual({ code: 1, installed: ["ch", "codex-helper"] });
    expect(stderr).toContain(
      `${other}/settings.json still has the status line, so nothing was removed; first:`,
    );
    const command = String(stderr.split("\n")[1]).trim();
    const asked = Bun.spawnSync(["sh", "-c", `env() { printf '%s|' "$@"; }; ${command}`]);
    const program = join(home.path, ".local/bin/codex-helper");
    expect(asked.stdout.toString()).toBe(
      `CLAUDE_CONFIG_DIR=${other}|${program}|statusline|uninstall|--claude|`,
    );
    await uninstallStatusLine(target);
    expect(install(home, ["--uninstall", "--purge"])).toMatchObject({ code: 0 });
  });

  test("keeps configs and keys, and with --purge removes what is ours and nothing else", () => {
    using home = onLinux();
    home.write(".codex-helper/config.json", {});
    home.write(".codex-helper/logs/requests.jsonl", "");
    expect(install(home, ["--uninstall"]).stdout).toContain(`still in ${home.path}/.codex-helper`);
    home.write(".codex-helper/notes.txt", "mine");
    expect(install(home, ["--uninstall", "--purge"])).toMatchObject({ code: 1 });
    expect(readdirSync(home.paths.home)).toEqual(["notes.txt"]);
    rmSync(join(home.paths.home, "notes.txt"));
    expect(install(home, ["--uninstall", "--purge"])).toMatchObject({ code: 0 });
    expect(existsSync(home.paths.home)).toBe(false);
  });
});

test.each([["--frm"], ["--from"], ["--purge"]])("%s is refused", (argument) => {
  using home = onLinux();
  const { code, stderr } = install(home, [argument]);
  expect({ code, installed: installedIn(home) }).toEqual({ code: 2, installed: [] });
  expect(stderr).toContain("install.sh: ");
});

describe("the script for Windows", () => {
  const source = readFileSync(join(ROOT, "install.ps1"), "utf8");

  test("is PowerShell, as its grammar says, whatever keys it holds, and so are those that try it", async () => {
    await Parser.init();
    const grammar = import.meta.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
    const parser = new Parser().setLanguage(await Language.load(fileURLToPath(grammar)));
    const isGood = (text: string): boolean => parser.parse(text)?.rootNode.hasError === false;
    const next = publicKeyOf(makeSecretKey("next"));
    const stamped = stampScript(source, {
      keys: [KEY, next],
      version: "9.8.7",
      releasesUrl: "https://x.example",
    });
    expect([source, stamped, source.replace(/\}\s*$/, "")].map(isGood)).toEqual([true, true, false]);
    for (const name of new Bun.Glob("{release,.github}/**/*.ps1").scanSync({ cwd: ROOT, dot: true })) {
      expect({ name, isGood: isGood(readFileSync(join(ROOT, name), "utf8")) }).toEqual({
        name,
        isGood: true,
      });
    }
  });

  test("says what the script that tampers on Windows expects of it, and that one has a key that is none of ours", () => {
    const tampering = readFileSync(join(ROOT, "release/try/tampering.ps1"), "utf8");
    const expected = [...tampering.matchAll(/^(?:Assert-Refused '[^']+'|\$unsigned =) '([^']+)'/gm)];
    // Up to the first figure: what follows depends on the version.
    const words = expected.map(([, text = ""]) => text.replace(/ \S*\d.*|\.sig$/, ""));
    expect(words.length).toBeGreaterThan(4);
    for (const text of words) expect(source.includes(text) ? "" : text).toBe("");
    const [, spki = ""] = /^\$otherKey = '\S+ (\S+) /m.exec(tampering) ?? [];
    const key = createPublicKey({ key: Buffer.from(spki, "base64"), format: "der", type: "spki" });
    expect(key.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  test("knows the platforms of a release", () => {
    const asked = [...source.matchAll(/return '(windows-\w+)'/g)].map(([, name]) => name);
    const zips = PLATFORMS.filter(({ archive }) => archive === "zip");
    expect(new Set(asked)).toEqual(new Set(zips.map(({ name }) => name)));
  });

  test("purges the same names as the other one, which are all that we ever write", () => {
    using place = makeTempHome();
    const { home } = place.paths;
    const all = Object.values(place.paths)
      .filter((path) => dirname(path) === home)
      .map((path) => basename(path))
      .toSorted();
    const inShell = /for name in (config\.json.*); do/.exec(SOURCE)?.[1]?.split(" ");
    const inPowerShell = /'config\.json', .*(?=\))/
      .exec(source)?.[0]
      .split(", ")
      .map((name) => name.slice(1, -1));
    expect(all).toContain("config.json");
    expect(inShell?.toSorted()).toEqual(all);
    expect(inPowerShell?.toSorted()).toEqual(all);
  });
});
