// Installs, runs and removes the packages that make.ts has made, each with its own manager in a directory that is thrown away; the
// others are checked by their linter or against their schema. What is downloaded comes from a server on this machine.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { RELEASE_FILE } from "../../src/app/upgrade/newest-release.ts";
import { readArchive } from "../archive.ts";
import { runTool } from "../tool.ts";
import { type Facts, NAME, readFacts } from "./facts.ts";
import { makeManifests } from "./make.ts";

const ROOT = join(import.meta.dir, "../..");
const isWindows = process.platform === "win32";

interface Place {
  readonly facts: Facts;
  readonly release: string;
  /** The manifests, with addresses of the server. */
  readonly manifests: string;
  /** Packed files for npm. */
  readonly npm: string;
  /** To be filled and thrown away. */
  readonly work: string;
  /** Of the server, without a slash at the end. */
  readonly address: string;
  readonly schemas: string | undefined;
}

interface Try {
  readonly name: string;
  /** All of these programs; without them it is not tried. */
  readonly needs: readonly string[];
  readonly needsRoot?: boolean;
  readonly run: (place: Place) => Promise<string>;
}

const TRIES: readonly Try[] = [
  { name: "npm", needs: ["node", "npm", "npx"], run: tryNpm },
  { name: "deb", needs: ["dpkg"], run: tryDeb },
  { name: "lintian", needs: ["lintian"], run: runLintian },
  { name: "rpm", needs: ["rpm"], needsRoot: true, run: tryRpm },
  { name: "aur", needs: ["makepkg"], run: tryAur },
  { name: "pacman", needs: ["makepkg", "pacman", "runuser"], needsRoot: true, run: tryPacman },
  { name: "brew", needs: ["brew"], run: tryBrew },
  { name: "ruby", needs: ["ruby"], run: checkFormula },
  { name: "nix", needs: ["nix", "patchelf"], run: tryNix },
  { name: "winget", needs: ["winget"], run: validateWinget },
  { name: "schemas", needs: ["pwsh"], run: checkSchemas },
  { name: "man", needs: ["mandoc"], run: checkMan },
];

const HELP = `Tries the packages of dist/packages and dist/release, each whose manager is here: ${TRIES.map(({ name }) => name).join(", ")}.

  bun release/packages/try.ts [--from DIR] [--packages DIR] [--schemas DIR] [--must NAMES] [NAME ...]

  --from DIR       the release, instead of dist/release
  --packages DIR   instead of dist/packages
  --schemas DIR    with schema.json of Scoop and manifest.KIND.1.12.0.json of winget
  --must NAMES     fails where one of these, divided by commas, cannot be tried here
  NAME             only these
  -h, --help       this
  -V, --version    the version of this source
`;

const OPTIONS = {
  from: { type: "string", default: join(ROOT, "dist/release") },
  packages: { type: "string", default: join(ROOT, "dist/packages") },
  schemas: { type: "string" },
  must: { type: "string", default: "" },
} as const;

/** The release as a forge serves it, and a registry for npm with what is packed. */
function serve(release: string, npm: string) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch({ url }) {
      const { origin, pathname } = new URL(url);
      const path = decodeURIComponent(pathname);
      const [, download] = /^\/releases\/download\/[^/]+\/([^/]+)$/.exec(path) ?? [];
      if (download !== undefined) return new Response(Bun.file(join(release, download)));
      const [, packed] = /^\/npm\/-\/([^/]+\.tgz)$/.exec(path) ?? [];
      if (packed !== undefined) return new Response(Bun.file(join(npm, packed)));
      const found = path.startsWith("/npm/")
        ? await findPackage(npm, path.slice(5), `${origin}/npm/-`)
        : null;
      return found === null ? new Response(null, { status: 404 }) : Response.json(found);
    },
  });
  return { address: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** As the registry describes a package. */
async function findPackage(npm: string, name: string, tarballs: string): Promise<object | null> {
  const start = `${name.replace(/^@/, "").replace("/", "-")}-`;
  const file = readdirSync(npm).find((one) => one.startsWith(start) && /^\d/.test(one.slice(start.length)));
  if (file === undefined) return null;
  const data = readFileSync(join(npm, file));
  const text = (await readArchive(data, "package")).get("package.json");
  const described = JSON.parse(new TextDecoder().decode(text)) as { readonly version: string };
  const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(data).digest("base64")}`;
  const dist = { tarball: `${tarballs}/${file}`, integrity };
  return {
    name,
    "dist-tags": { latest: described.version },
    versions: { [described.version]: { ...described, dist } },
  };
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What it prints. Throws where it fails, with all that it has said. The server is in this process, so nothing may block it. */
async function run(words: readonly string[], { cwd, env = {} }: RunOptions = {}): Promise<string> {
  const child = Bun.spawn([...words], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    ...(cwd !== undefined && { cwd }),
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) === 0) return stdout;
  throw new Error(`${words.join(" ")} ended with ${child.exitCode}:\n${stdout}${stderr}`);
}

/** Both names say the version, and the demo answers every turn. */
async function useProgram(
  directory: string,
  { facts, work }: Place,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const home = { HOME: join(work, "home"), USERPROFILE: join(work, "home"), ...env };
  mkdirSync(home.HOME, { recursive: true });
  for (const name of ["ch", NAME]) {
    const found = Bun.which(name, { PATH: directory });
    const said = await run([found ?? join(directory, name), "--version"], { env: home });
    if (!said.startsWith(`${NAME} ${facts.version} `)) throw new Error(`${name} --version says ${said}`);
  }
  const demo = await run([Bun.which("ch", { PATH: directory }) ?? "ch", "demo"], { env: home });
  if (!demo.includes("5 answered, 0 errors")) throw new Error(`ch demo says ${demo}`);
  return "installed, ran";
}

function assertGone(directory: string, kept: RegExp): void {
  const left = existsSync(directory) ? readdirSync(directory, { recursive: true, withFileTypes: true }) : [];
  const files = left
    .filter((one) => !one.isDirectory())
    .map(({ name, parentPath }) => join(parentPath, name));
  const ours = files.filter((path) => !kept.test(path));
  if (ours.length > 0) throw new Error(`left behind: ${ours.join(", ")}`);
}

/** As on a machine with Node alone: no Bun on the search path. */
async function tryNpm(place: Place): Promise<string> {
  const prefix = join(place.work, "prefix");
  const bin = isWindows ? prefix : join(prefix, "bin");
  const divider = isWindows ? ";" : ":";
  const others = (process.env["PATH"] ?? "")
    .split(divider)
    .filter((path) => Bun.which("bun", { PATH: path }) === null);
  const env = {
    PATH: [bin, ...others].join(divider),
    HOME: join(place.work, "npm-home"),
    npm_config_registry: `${place.address}/npm/`,
    npm_config_cache: join(place.work, "cache"),
    npm_config_prefix: prefix,
    npm_config_update_notifier: "false",
  };
  mkdirSync(env.HOME);
  const npm = Bun.which("npm") ?? "npm";
  await run([npm, "install", "--global", NAME], { env });
  await useProgram(bin, place, { PATH: env.PATH });
  // Not in a directory whose own package has this name.
  const once = await run([Bun.which("npx") ?? "npx", "--yes", NAME, "demo"], {
    cwd: place.work,
    env: { ...env, npm_config_prefix: join(place.work, "none") },
  });
  if (!once.includes("5 answered, 0 errors")) throw new Error(`npx ${NAME} demo says ${once}`);
  await run([npm, "uninstall", "--global", NAME], { env });
  assertGone(prefix, /\.package-lock\.json$/);
  return "installed, ran without Bun, also by npx; removed without a rest";
}

const DPKG_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const debOf = ({ facts, release }: Place): string =>
  join(release, `${NAME}_${facts.version}_${DPKG_ARCHITECTURES[process.arch] ?? ""}.deb`);

async function tryDeb(place: Place): Promise<string> {
  const root = join(place.work, "root");
  for (const path of ["info", "updates", "triggers"])
    mkdirSync(join(root, "var/lib/dpkg", path), { recursive: true });
  for (const path of ["status", "available"]) put(join(root, "var/lib/dpkg", path), "");
  const dpkg = ["dpkg", `--root=${root}`, "--force-not-root", "--force-depends"];
  await run([...dpkg, "--install", debOf(place)]);
  const used = await useProgram(join(root, "usr/bin"), place);
  await run([...dpkg, "--verify", NAME]);
  await run([...dpkg, "--purge", NAME]);
  assertGone(root, /\/var\/(?:lib\/dpkg|log)\//);
  return `${used}, removed without a rest`;
}

async function runLintian(place: Place): Promise<string> {
  await run(["lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning", debOf(place)]);
  return "no complaint";
}

async function tryRpm(place: Place): Promise<string> {
  const { facts, release, work } = place;
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  const root = join(work, "root");
  mkdirSync(root);
  // Its database is named, for Debian's rpm has it in the home; what libraries it asks for are no packages there.
  const rpm = ["rpm", `--root=${root}`, "--dbpath=/var/lib/rpm", "--nodeps"];
  await run([...rpm, "--install", join(release, `${NAME}-${facts.version}-1.${architecture}.rpm`)]);
  const used = await useProgram(join(root, "usr/bin"), place);
  await run([...rpm, "--verify", NAME]);
  await run([...rpm, "--erase", NAME]);
  assertGone(root, /\/var\/lib\/rpm\//);
  const left = readdirSync(join(root, "usr/share"), { recursive: true });
  if (left.some((path) => /codex-helper|zsh|fish|bash/.test(String(path))))
    throw new Error(`left: ${left.join(", ")}`);
  return `${used}, removed without a rest`;
}

/** makepkg does not run as root. */
async function runAsNobody(words: readonly string[], cwd: string): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await run(["chown", "-R", "nobody", cwd]);
  return await run([...(isRoot ? ["runuser", "-u", "nobody", "--"] : []), ...words], {
    cwd,
    env: { HOME: cwd, PKGEXT: ".pkg.tar.gz" },
  });
}

async function tryAur({ manifests }: Place): Promise<string> {
  const aur = join(manifests, "aur");
  const printed = await runAsNobody(["makepkg", "--printsrcinfo"], aur);
  if (printed !== readFileSync(join(aur, ".SRCINFO"), "utf8"))
    throw new Error(`.SRCINFO differs from:\n${printed}`);
  if (Bun.which("shellcheck") === null) return ".SRCINFO is what makepkg prints";
  await run(["shellcheck", "--shell=bash", "--exclude=SC2034,SC2154", join(aur, "PKGBUILD")]);
  return ".SRCINFO is what makepkg prints, and shellcheck has no complaint";
}

async function tryPacman(place: Place): Promise<string> {
  const { facts, manifests, release, work } = place;
  const aur = join(manifests, "aur");
  for (const { file, platform } of facts.archives) {
    const name = `${NAME}-${facts.version.replaceAll("-", "_")}-${platform.name.endsWith("arm64") ? "aarch64" : "x86_64"}.tar.gz`;
    if (/^linux-\w+$/.test(platform.name)) cpSync(join(release, file), join(aur, name));
  }
  await runAsNobody(["makepkg", "--nodeps", "--nocheck"], aur);
  const [made] = readdirSync(aur).filter((name) => name.endsWith(".pkg.tar.gz"));
  const root = join(work, "root");
  mkdirSync(join(root, "var/lib/pacman"), { recursive: true });
  const pacman = [
    "pacman",
    "--noconfirm",
    `--root=${root}`,
    `--dbpath=${root}/var/lib/pacman`,
    `--cachedir=${root}/cache`,
  ];
  await run([...pacman, "-Udd", join(aur, made ?? "")]);
  const used = await useProgram(join(root, "usr/bin"), place);
  await run([...pacman, "-Rdd", `${NAME}-bin`]);
  assertGone(root, /\/var\//);
  return `built by makepkg, ${used}, removed without a rest`;
}

async function tryBrew(place: Place): Promise<string> {
  const tap = `${NAME}/try`;
  const formula = `${tap}/${NAME}`;
  const env = { HOMEBREW_NO_AUTO_UPDATE: "1", HOMEBREW_NO_INSTALL_CLEANUP: "1", HOMEBREW_NO_ENV_HINTS: "1" };
  await run(["brew", "tap-new", "--no-git", tap], { env });
  try {
    const directory = (await run(["brew", "--repository", tap])).trim();
    cpSync(join(place.manifests, `homebrew/${NAME}.rb`), join(directory, `Formula/${NAME}.rb`));
    await run(["brew", "style", "--formula", formula], { env });
    await run(["brew", "install", "--formula", formula], { env });
    const used = await useProgram(join((await run(["brew", "--prefix"])).trim(), "bin"), place);
    await run(["brew", "test", formula], { env });
    await run(["brew", "uninstall", "--formula", formula], { env });
    return `${used}, removed; brew has no complaint`;
  } finally {
    await run(["brew", "untap", "--force", tap], { env });
  }
}

/** What the formula calls, so that it installs without Homebrew. */
const FORMULA_STUB = `require "fileutils"; require "pathname"
class Dir_ < Pathname
  def install(what)
    FileUtils.mkdir_p(to_s)
    (what.is_a?(Hash) ? what : { what => File.basename(what) }).each { |from, name| FileUtils.cp(from, join(name).to_s) }
  end
  def install_symlink(what)
    what.each { |from, name| File.symlink(from, join(name).to_s) }
  end
end
class Formula
  %i[desc homepage version license livecheck test].each { |name| define_singleton_method(name) { |*, **, &_| } }
  %w[macos linux arm intel].each do |name|
    is_here = name == (RUBY_PLATFORM.include?("darwin") ? "macos" : "linux") || name == (RUBY_PLATFORM =~ /arm|aarch/ ? "arm" : "intel")
    define_singleton_method("on_#{name}") { |&block| block.call if is_here }
  end
  def self.url(url) = @@url = url
  def self.sha256(sum) = puts("#{@@url} #{sum}")
  ROOT = ENV.fetch("ROOT")
  { bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d", zsh_completion: "share/zsh/site-functions",
    fish_completion: "share/fish/vendor_completions.d" }.each { |name, path| define_method(name) { Dir_.new("#{ROOT}/#{path}") } }
end
`;

async function checkFormula(place: Place): Promise<string> {
  const { facts, manifests, release, work } = place;
  const formula = join(manifests, `homebrew/${NAME}.rb`);
  await run(["ruby", "-c", formula]);
  const [system, name] = [process.platform, `${process.platform}-${process.arch}`];
  const archive = facts.archives.find(({ platform }) => platform.name === name);
  if (archive === undefined) return `read by Ruby; there is no archive for ${system}`;
  put(join(work, "stub.rb"), `${FORMULA_STUB}require ${JSON.stringify(formula)}\nCodexHelper.new.install\n`);
  await run(["tar", "-xzf", join(release, archive.file), "-C", work]);
  const said = await run(["ruby", join(work, "stub.rb")], {
    cwd: join(work, archive.folder),
    env: { ROOT: join(work, "root") },
  });
  if (said.trim() !== `${archive.url} ${archive.sha256}`) throw new Error(`the formula takes ${said}`);
  await useProgram(join(work, "root/bin"), place);
  return "read by Ruby; its steps install a program that runs";
}

/** The part of nixpkgs that the flake uses; the builder is the shell of this machine. */
const NIXPKGS_STUB = `{
  outputs = _: {
    lib = {
      optional = is: one: if is then [ one ] else [ ];
      optionalString = is: one: if is then one else "";
      getLicenseFromSpdxId = id: { spdxId = id; };
      sourceTypes.binaryNativeCode = { };
    };
    legacyPackages = builtins.listToAttrs (map (system: {
      name = system;
      value = {
        patchelf = "patchelf";
        stdenv.hostPlatform.isLinux = builtins.match ".*-linux" system != null;
        stdenv.cc = builtins.toFile "cc" "";
        fetchurl = { url, hash }: builtins.fetchurl { inherit url; sha256 = hash; };
        stdenvNoCC.mkDerivation = args: derivation {
          inherit system;
          name = "\${args.pname}-\${args.version}";
          builder = "/bin/bash";
          args = [ "-ec" ''
            export PATH=@PATH@
            cc=$(mktemp -d); mkdir "$cc/nix-support"; echo @LOADER@ >"$cc/nix-support/dynamic-linker"
            runHook() { :; }
            mkdir "$TMPDIR/source"; cd "$TMPDIR/source"; tar -xzf \${args.src}; cd */
            \${args.installPhase}
            \${builtins.replaceStrings [ "\${builtins.toFile "cc" ""}" ] [ "$cc" ] args.postFixup}
            \${args.installCheckPhase}
          '' ];
        };
      };
    }) [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ]);
  };
}
`;

async function tryNix(place: Place): Promise<string> {
  const { manifests, work } = place;
  const loader = process.arch === "arm64" ? "/lib/ld-linux-aarch64.so.1" : "/lib64/ld-linux-x86-64.so.2";
  const stub = NIXPKGS_STUB.replace("@PATH@", "/usr/bin:/bin").replace("@LOADER@", loader);
  put(join(work, "nixpkgs/flake.nix"), stub);
  const words = [
    "--extra-experimental-features",
    "nix-command flakes",
    "--option",
    "sandbox",
    "false",
    "--option",
    "substituters",
    "",
    "--option",
    "build-users-group",
    "",
  ];
  const flake = `path:${join(manifests, "nix")}`;
  const more = [
    "--override-input",
    "nixpkgs",
    `path:${join(work, "nixpkgs")}`,
    "--no-write-lock-file",
    "--impure",
  ];
  const env = { HOME: join(work, "nix-home") };
  mkdirSync(env.HOME);
  const said = await run(["nix", ...words, "build", "--no-link", "--json", ...more, `${flake}#default`], {
    env,
  });
  const [built] = JSON.parse(said) as readonly { readonly outputs: { readonly out: string } }[];
  const used = await useProgram(join(built?.outputs.out ?? "", "bin"), place);
  return `${used}, from a build of the flake with a stand-in for nixpkgs`;
}

async function validateWinget({ manifests }: Place): Promise<string> {
  const folders = readdirSync(join(manifests, "winget"), { recursive: true, withFileTypes: true });
  const folder = folders.find(({ name }) => name.endsWith(".yaml"))?.parentPath ?? "";
  await run(["winget", "validate", "--manifest", folder, "--ignore-warnings", "--disable-interactivity"]);
  return "winget has no complaint";
}

/** By PowerShell 7, which knows JSON Schema. */
async function checkSchemas({ manifests, schemas, work }: Place): Promise<string> {
  if (schemas === undefined) return "not tried, --schemas names none";
  const paths = readdirSync(manifests, { recursive: true }).map(String);
  const checks = paths.flatMap((path): (readonly [string, unknown])[] => {
    if (!/\.yaml$|^scoop.*\.json$/.test(path)) return [];
    const text = readFileSync(join(manifests, path), "utf8");
    if (path.endsWith(".json")) return [["schema.json", JSON.parse(text)]];
    const value = Bun.YAML.parse(text) as { readonly ManifestType: string; readonly ManifestVersion: string };
    return [[`manifest.${value.ManifestType}.${value.ManifestVersion}.json`, value]];
  });
  for (const [schema, value] of checks) {
    put(join(work, "value.json"), JSON.stringify(value));
    const words = [
      "Test-Json",
      "-ErrorAction",
      "Stop",
      "-Path",
      join(work, "value.json"),
      "-SchemaFile",
      join(schemas, schema),
    ];
    await run([
      "pwsh",
      "-NoProfile",
      "-Command",
      words.map((word) => (/^[-\w]+$/.test(word) ? word : `'${word}'`)).join(" "),
    ]);
  }
  return `${checks.length} manifests of winget and Scoop are as their schemas say`;
}

async function checkMan({ facts, release, work }: Place): Promise<string> {
  const [archive] = facts.archives;
  if (archive === undefined) throw new Error("there is no archive");
  const files = await readArchive(readFileSync(join(release, archive.file)), archive.folder);
  const page = join(work, "ch.1");
  writeFileSync(page, files.get("man/ch.1") ?? "");
  await run(["mandoc", "-T", "lint", "-W", "warning,stop", page]);
  return "mandoc has no complaint";
}

await runTool(HELP, OPTIONS, async ({ positionals, values }) => {
  const [release, packages] = [resolve(values.from), resolve(values.packages)];
  const must = values.must.split(",").filter((name) => name !== "");
  const chosen = TRIES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  await using server = serve(release, join(packages, "npm"));
  const { version } = JSON.parse(readFileSync(join(release, RELEASE_FILE), "utf8")) as {
    readonly version: string;
  };
  const facts = readFacts({
    manifest: { ...manifest, version },
    sums: readFileSync(join(release, "SHA256SUMS"), "utf8"),
    releasesUrl: `${server.address}/releases`,
    releasedSecs: 0,
  });
  for (const { name, needs, needsRoot = false, run } of chosen) {
    const missing = needs.find((program) => Bun.which(program) === null);
    const lacks = missing ?? (needsRoot && process.getuid?.() !== 0 ? "root" : null);
    if (lacks !== null) {
      if (must.includes(name)) throw new Error(`${name} must be tried, and ${lacks} is missing`);
      process.stdout.write(`${name}: not tried, ${lacks} is missing\n`);
      continue;
    }
    const work = mkdtempSync(join(tmpdir(), "codex-helper-try-"));
    // makepkg runs as another user.
    chmodSync(work, 0o755);
    try {
      const manifests = join(work, "manifests");
      for (const [path, text] of Object.entries(makeManifests(facts))) put(join(manifests, path), text);
      const place = {
        facts,
        release,
        manifests,
        npm: join(packages, "npm"),
        work,
        address: server.address,
      };
      process.stdout.write(`${name}: ${await run({ ...place, schemas: values.schemas })}\n`);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
});
