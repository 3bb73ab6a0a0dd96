import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { type Entry, makeTarGz, makeZip } from "../../release/archive.ts";
import { LICENCES } from "../../release/packages/tree.ts";
import { makeManifests, makePackages } from "../../release/packages/make.ts";
import { readFacts, readSums } from "../../release/packages/facts.ts";
import { makeSpec } from "../../release/packages/rpm.ts";
import { PLATFORMS } from "../../release/platforms.ts";

const ROOT = join(import.meta.dir, "../..");
const URL_OF_RELEASES = "https://forge.example/someone/codex-helper/releases";
/** Another than package.json's: what was typed instead of passed on would show. */
const VERSION = "7.8.9";
const OWN = `linux-${process.arch === "arm64" ? "arm64" : "x64"}`;

let release: string;
let packages: string;
let made: readonly string[];

/** Programs that only say what they are, in archives of the real form. */
async function makeRelease(directory: string): Promise<void> {
  const sums = ["0".repeat(64) + "  install.sh\n"];
  for (const { archive, name } of PLATFORMS) {
    const isZip = archive === "zip";
    const program = `codex-helper${isZip ? ".exe" : ""}`;
    const folder = `codex-helper-${name}`;
    const data = await (isZip ? makeZip : makeTarGz)(
      [
        entry(program, `#!/bin/sh\n# ${name}\n${PROGRAM}`, true),
        ...(isZip ? [entry("ch.cmd", "")] : [{ ...entry("ch", ""), linkTo: program }]),
        ...["README.md", "README.zh-CN.md", "CHANGELOG.md", "man/ch.1"].map((path) =>
          entry(path, `${path}\n`),
        ),
        ...LICENCES.map((path) => entry(path, readFileSync(join(ROOT, "LICENSE-MIT"), "utf8"))),
        ...["ch.bash", "_ch", "ch.fish", "ch.ps1"].map((path) => entry(`completions/${path}`, "")),
      ].map((one) => ({ ...one, path: `${folder}/${one.path}` })),
      86_400,
    );
    writeFileSync(join(directory, `${folder}.${archive}`), data);
    sums.push(`${Bun.SHA256.hash(data, "hex")}  ${folder}.${archive}\n`);
  }
  writeFileSync(join(directory, "SHA256SUMS"), sums.join(""));
  writeFileSync(join(directory, "release.json"), JSON.stringify({ version: VERSION }));
}

/** Tells its arguments and where it stands; "end N", "read", "wait" as a program would. */
const PROGRAM = `case $1 in
  end) exit $2 ;;
  read) read -r line && echo "read $line" ;;
  wait) trap 'echo told; exit 3' TERM; trap 'echo asked; exit 4' INT; echo ready; while :; do sleep 0.05; done ;;
  die) kill -KILL $$ ;;
  *) echo "$0|$*" ;;
esac
`;

const entry = (path: string, text: string, isProgram = false): Entry => ({
  path,
  data: new TextEncoder().encode(text),
  isProgram,
});

beforeAll(async () => {
  release = mkdtempSync(join(tmpdir(), "codex-helper-release-"));
  packages = mkdtempSync(join(tmpdir(), "codex-helper-packages-"));
  await makeRelease(release);
  made = await makePackages({ from: release, out: packages, releasesUrl: URL_OF_RELEASES, hasRpm: false });
});
afterAll(() => {
  for (const directory of [release, packages]) rmSync(directory, { recursive: true });
});

const readSumsFile = (): ReadonlyMap<string, string> =>
  readSums(readFileSync(join(release, "SHA256SUMS"), "utf8"));
const readFactsOf = (version: string) =>
  readFacts({
    manifest: { ...manifest, version },
    sums: readFileSync(join(release, "SHA256SUMS"), "utf8"),
    releasesUrl: URL_OF_RELEASES,
    releasedSecs: 86_400,
  });

describe("one source of truth", () => {
  test("every form is made, and each platform is in one of npm's packages", () => {
    const names = made.map((path) => relative(path.startsWith(release) ? release : packages, path));
    const winget = `winget/manifests/s/someone/codex-helper/${VERSION}/someone.codex-helper`;
    expect(names.toSorted()).toEqual(
      [
        "aur/.SRCINFO",
        "aur/PKGBUILD",
        "homebrew/codex-helper.rb",
        "nix/flake.nix",
        `npm/codex-helper-${VERSION}.tgz`,
        ...PLATFORMS.map(({ name }) => `npm/codex-helper-${name}-${VERSION}.tgz`),
        "scoop/codex-helper.json",
        ...["", ".installer", ".locale.en-US", ".locale.zh-CN"].map((part) => `${winget}${part}.yaml`),
        `codex-helper_${VERSION}_amd64.deb`,
        `codex-helper_${VERSION}_arm64.deb`,
      ].toSorted(),
    );
  });

  test("no version and no checksum is typed in what makes the packages", () => {
    const files = readdirSync(join(ROOT, "release/packages")).map((name) =>
      join(ROOT, "release/packages", name),
    );
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) {
      const text = readFileSync(file, "utf8");
      expect({ file, found: text.match(/[0-9a-f]{40,}|sha256-[\w+/]{20,}/gi) }).toEqual({
        file,
        found: null,
      });
      expect({ file, hasVersion: text.includes(manifest.version) }).toEqual({ file, hasVersion: false });
    }
  });

  test("each address in a manifest stands beside the sum that SHA256SUMS gives its file, and names the version", () => {
    const sums = readSumsFile();
    const facts = readFactsOf(VERSION);
    const texts = {
      ...makeManifests(facts),
      spec: facts.archives
        .slice(0, 1)
        .map((one) => makeSpec(facts, one))
        .join(""),
    };
    const named = new Set<string>();
    for (const [path, text] of Object.entries(texts)) {
      expect({ path, isOld: text.includes(manifest.version) }).toEqual({ path, isOld: false });
      const asHex = text.replace(/sha256-([\w+/]+=)/g, (_, base64: string) =>
        Buffer.from(base64, "base64").toString("hex"),
      );
      const addresses = [...text.matchAll(/https:\/\/[^\s"']*\/(codex-helper-[^\s"'/]*\.(?:tar\.gz|zip))/g)];
      const wanted = addresses.filter(([address]) => !address.includes("$version"));
      for (const [address, file = ""] of wanted) {
        named.add(file);
        expect(address).toBe(`${URL_OF_RELEASES}/download/v${VERSION}/${file}`);
      }
      const found = [...asHex.matchAll(/\b[0-9A-Fa-f]{64}\b/g)].map(([sum]) => sum.toLowerCase());
      expect({ path, found }).toEqual({
        path,
        found: wanted.map(([, file = ""]) => sums.get(file) ?? "none"),
      });
    }
    const glibc = PLATFORMS.filter(({ name }) => !name.endsWith("-musl"));
    expect([...named].toSorted()).toEqual(
      glibc.map(({ archive, name }) => `codex-helper-${name}.${archive}`).toSorted(),
    );
  });

  test("the .deb files are in SHA256SUMS, once, also when they are made again", async () => {
    await makePackages({ from: release, out: packages, releasesUrl: URL_OF_RELEASES, hasRpm: false });
    const debs = readdirSync(release).filter((name) => name.endsWith(".deb"));
    expect(debs).toHaveLength(2);
    for (const name of debs)
      expect(readSumsFile().get(name)).toBe(Bun.SHA256.hash(readFileSync(join(release, name)), "hex"));
    expect(readSumsFile().has("install.sh")).toBe(true);
  });

  test("an archive that is not the one of SHA256SUMS makes no package", async () => {
    const other = mkdtempSync(join(tmpdir(), "codex-helper-tampered-"));
    try {
      await makeRelease(other);
      writeFileSync(join(other, "codex-helper-linux-x64.tar.gz"), "another");
      const options = { from: other, out: join(other, "out"), releasesUrl: URL_OF_RELEASES, hasRpm: false };
      const failed = await makePackages(options).catch((error: unknown) => error);
      expect(String(failed)).toContain(
        "codex-helper-linux-x64.tar.gz is not the file that SHA256SUMS describes",
      );
      expect(readdirSync(other).filter((name) => name.endsWith(".deb"))).toEqual([]);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  test.each([
    ["", "packages need --releases-url"],
    ["releases", "packages need --releases-url"],
  ])("the address %j is refused", (releasesUrl, message) => {
    const release = {
      manifest,
      sums: `${"a".repeat(64)}  codex-helper-linux-x64.tar.gz\n`,
      releasesUrl,
      releasedSecs: 0,
    };
    expect(() => readFacts(release)).toThrow(message);
  });

  test("a file that is named twice, and a release without an archive, are refused", () => {
    const line = `${"a".repeat(64)}  codex-helper-linux-x64.tar.gz\n`;
    const facts = (sums: string) => () =>
      readFacts({ manifest, sums, releasesUrl: URL_OF_RELEASES, releasedSecs: 0 });
    expect(facts(line + line)).toThrow("names codex-helper-linux-x64.tar.gz twice");
    expect(facts("")).toThrow("names no archive");
  });

  test("a candidate comes before its release for every manager", () => {
    const facts = readFactsOf("7.9.0-rc.1");
    const texts = makeManifests(facts);
    expect(texts["aur/PKGBUILD"]).toContain("\npkgver=7.9.0_rc.1\n");
    const [archive] = facts.archives;
    if (archive === undefined) throw new Error("no archive");
    expect(makeSpec(facts, archive)).toContain("\nVersion: 7.9.0~rc.1\n");
  });
});

describe("the manifests", () => {
  const read = (path: string): string => readFileSync(join(packages, path), "utf8");

  test("Scoop's starts the same file by both names, from the directory that has no version", () => {
    const scoop = JSON.parse(read("scoop/codex-helper.json"));
    expect(scoop.bin).toEqual(["codex-helper.exe", ["codex-helper.exe", "ch"]]);
    expect(scoop.architecture.arm64.extract_dir).toBe("codex-helper-windows-arm64");
    expect(scoop.autoupdate.architecture["64bit"].url).toBe(
      `${URL_OF_RELEASES}/download/v$version/codex-helper-windows-x64.zip`,
    );
  });

  test("winget's are one version, and both names are found in the folder of its archive", () => {
    const folder = `winget/manifests/s/someone/codex-helper/${VERSION}`;
    const files = readdirSync(join(packages, folder)).map((name) =>
      Bun.YAML.parse(read(`${folder}/${name}`)),
    );
    for (const file of files)
      expect(file).toMatchObject({ PackageIdentifier: "someone.codex-helper", PackageVersion: VERSION });
    expect(files).toContainEqual(
      expect.objectContaining({
        ArchiveBinariesDependOnPath: true,
        Installers: expect.arrayContaining([
          {
            Architecture: "x64",
            NestedInstallerFiles: [
              {
                RelativeFilePath: "codex-helper-windows-x64\\codex-helper.exe",
                PortableCommandAlias: "codex-helper",
              },
            ],
            InstallerUrl: `${URL_OF_RELEASES}/download/v${VERSION}/codex-helper-windows-x64.zip`,
            InstallerSha256: readSumsFile().get("codex-helper-windows-x64.zip")?.toUpperCase(),
          },
        ]),
      }),
    );
  });
});

test("a .deb has its directories, links and modes, a compressed page of the manual, and no script", () => {
  const deb = readFileSync(join(release, `codex-helper_${VERSION}_amd64.deb`));
  const members = readAr(deb);
  expect(Object.keys(members)).toEqual(["debian-binary", "control.tar.gz", "data.tar.gz"]);
  expect(members["debian-binary"]?.toString()).toBe("2.0\n");
  const work = mkdtempSync(join(tmpdir(), "codex-helper-deb-"));
  try {
    const list = (name: string, ...flags: string[]): string => {
      writeFileSync(join(work, name), members[name] ?? "");
      return Bun.spawnSync(["tar", ...flags, "-f", name], { cwd: work }).stdout.toString();
    };
    expect(list("control.tar.gz", "-tz").trim().split("\n")).toEqual(["./", "./control", "./md5sums"]);
    const paths = list("data.tar.gz", "-tz").trim().split("\n");
    for (const path of paths) {
      const parent = path.replace(/[^/]+\/?$/, "");
      expect({ path, hasParent: parent === "" || paths.indexOf(parent) < paths.indexOf(path) }).toEqual({
        path,
        hasParent: true,
      });
    }
    expect(paths).toContain("./usr/share/man/man1/ch.1.gz");
    const lines = list("data.tar.gz", "-tvz").split("\n");
    expect(lines.filter((line) => line.endsWith("./usr/bin/ch -> codex-helper"))).toHaveLength(1);
    expect(lines.find((line) => line.endsWith(" ./usr/bin/codex-helper"))).toStartWith("-rwxr-xr-x");
    list("control.tar.gz", "-xz");
    const control = readFileSync(join(work, "control"), "utf8");
    expect(control).toContain(`\nVersion: ${VERSION}\nArchitecture: amd64\n`);
    expect(control.split("\n").filter((line) => line.length > 80)).toEqual([]);
  } finally {
    rmSync(work, { recursive: true });
  }
});

function readAr(file: Buffer): Record<string, Buffer> {
  expect(file.toString("latin1", 0, 8)).toBe("!<arch>\n");
  const members: Record<string, Buffer> = {};
  for (let at = 8; at < file.length;) {
    const name = file.toString("latin1", at, at + 16).trim();
    const size = Number(file.toString("latin1", at + 48, at + 58));
    expect(file.toString("latin1", at + 58, at + 60)).toBe("`\n");
    members[name] = file.subarray(at + 60, at + 60 + size);
    at += 60 + size + (size % 2);
  }
  return members;
}

describe("npm", () => {
  const own = process.platform === "darwin" ? `darwin-${process.arch}` : OWN;
  let prefix: string;

  beforeAll(() => {
    prefix = mkdtempSync(join(tmpdir(), "codex-helper-npm-"));
    const tarballs = ["codex-helper", `codex-helper-${own}`].map((name) =>
      join(packages, "npm", `${name}-${VERSION}.tgz`),
    );
    const { exitCode, stderr } = Bun.spawnSync(
      ["npm", "install", "--global", "--offline", "--prefix", prefix, ...tarballs],
      {
        env: { ...process.env, HOME: prefix, npm_config_update_notifier: "false", npm_config_audit: "false" },
      },
    );
    expect({ exitCode, stderr: stderr.toString() }).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => rmSync(prefix, { recursive: true }));

  const start = (words: readonly string[], name = "ch") =>
    Bun.spawn([join(prefix, "bin", name), ...words], {
      env: { PATH: process.env["PATH"] ?? "" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
  const installed = (): string => join(prefix, "lib/node_modules/codex-helper");

  test("no package runs anything when it is installed", () => {
    const tarballs = readdirSync(join(packages, "npm"));
    expect(tarballs).toHaveLength(PLATFORMS.length + 1);
    for (const name of tarballs) {
      const { stdout } = Bun.spawnSync(["tar", "-xzOf", join(packages, "npm", name), "package/package.json"]);
      const text = JSON.parse(stdout.toString());
      expect({ name, scripts: text.scripts, version: text.version }).toEqual({
        name,
        scripts: undefined,
        version: VERSION,
      });
      expect(text.private).toBeUndefined();
    }
  });

  test("each platform's package is taken by machines of its kind alone, at the version of the thin one", () => {
    const { optionalDependencies } = JSON.parse(readFileSync(join(installed(), "package.json"), "utf8"));
    expect(optionalDependencies).toEqual(
      Object.fromEntries(PLATFORMS.map(({ name }) => [`@codex-helper/${name}`, VERSION])),
    );
  });

  test.each(["ch", "codex-helper"])("%s starts the program with its arguments as they are", async (name) => {
    const child = start(["a b", "", "--json", "$HOME", "'"], name);
    expect(await new Response(child.stdout).text()).toEndWith(
      `@codex-helper/${own}/bin/codex-helper|a b  --json $HOME '\n`,
    );
    expect(await child.exited).toBe(0);
  });

  test("its exit code and its standard input are the program's", async () => {
    expect(await start(["end", "7"]).exited).toBe(7);
    const child = start(["read"]);
    void child.stdin.write("something\n");
    void child.stdin.end();
    expect(await new Response(child.stdout).text()).toBe("read something\n");
  });

  test("a signal reaches the program, whose own end counts", async () => {
    for (const [signal, word, code] of [
      ["SIGTERM", "told", 3],
      ["SIGINT", "asked", 4],
    ] as const) {
      const child = start(["wait"]);
      const reader = child.stdout.getReader();
      const decoder = new TextDecoder();
      let said = "";
      while (!said.includes("ready")) said += decoder.decode((await reader.read()).value);
      child.kill(signal);
      for (let part = await reader.read(); !part.done; part = await reader.read())
        said += decoder.decode(part.value);
      expect({ said, code: await child.exited }).toEqual({ said: `ready\n${word}\n`, code });
    }
    const died = start(["die"]);
    await died.exited;
    expect(died.signalCode).toBe("SIGKILL");
  });

  /** The launcher with parts of the machine changed before its first line. */
  const launch = (before: string) => {
    const script = `${before}; require(${JSON.stringify(join(installed(), "launch.cjs"))})("ch")`;
    const { exitCode, stderr, stdout } = Bun.spawnSync(["node", "-e", script]);
    return { exitCode, stderr: stderr.toString(), stdout: stdout.toString() };
  };
  const be = (platform: string, arch: string): string =>
    `for (const [name, value] of [["platform", "${platform}"], ["arch", "${arch}"]]) Object.defineProperty(process, name, { value })`;

  test.each([
    ["sunos", "x64", /^ch: there is no release for sunos on x64\n {2}there are: @codex-helper\/linux-x64, /],
    ["linux", "riscv64", /^ch: there is no release for linux on riscv64\n/],
    [
      "win32",
      "x64",
      /^ch: the package @codex-helper\/windows-x64, which holds the program, is not installed\n {2}npm .*npm install -g --include=optional codex-helper@7\.8\.9\n$/,
    ],
    [
      "darwin",
      process.arch === "arm64" ? "x64" : "arm64",
      /^ch: the package @codex-helper\/darwin-\w+, which holds the program, is not installed\n/,
    ],
  ])("on %s with %s it says in a sentence what is missing and what to type", (platform, arch, words) => {
    const { exitCode, stderr } = launch(be(platform, arch));
    expect(stderr).toMatch(words);
    expect(exitCode).toBe(1);
  });

  /** Packages of the launcher's neighbours, each a script that says its own name. */
  const putBeside = (...names: readonly string[]): void => {
    for (const name of names) {
      const folder = join(installed(), `node_modules/@codex-helper/${name}/bin`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "codex-helper"), `#!/bin/sh\necho ${name}\n`, { mode: 0o755 });
    }
  };

  test.each([
    ["glibc's loader", "/lib64/ld-linux-x86-64.so.2", "2.36", "linux-x64"],
    ["musl's loader", "/lib/ld-musl-x86_64.so.1", undefined, "linux-x64-musl"],
    ["both, and a Node with glibc", "", "2.36", "linux-x64"],
    ["both, and a Node with musl", "", undefined, "linux-x64-musl"],
  ])("on a system with %s, of both packages the one that fits is started", (_, loader, glibc, wanted) => {
    putBeside("linux-x64", "linux-x64-musl");
    const machine = [
      `require("node:fs").existsSync = (path) => path.includes(${JSON.stringify(loader)})`,
      `process.report.getReport = () => ({ header: { glibcVersionRuntime: ${JSON.stringify(glibc)} } })`,
      be("linux", "x64"),
    ].join("; ");
    expect(launch(machine)).toEqual({ exitCode: 0, stderr: "", stdout: `${wanted}\n` });
  });

  test("a package that was copied from a system with another libc is named, not started", () => {
    putBeside("linux-x64-musl");
    const hide = `const fs = require("node:fs"); fs.existsSync = () => false`;
    const { exitCode, stderr } = launch(`${hide}; ${be("linux", "x64")}`);
    expect(stderr).toMatch(
      /^ch: the package @codex-helper\/linux-x64\S* is not for this system: \/lib\S+ is missing\n {2}if it was copied/,
    );
    expect(exitCode).toBe(1);
  });
});
