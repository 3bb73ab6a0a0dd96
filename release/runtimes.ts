// Finds the Bun that a release's programs are made of, by the sum in runtimes.json: `bun build --compile --target` takes what the
// registry, or a cache, gives it without a check. After a new version of Bun, `bun release/runtimes.ts` writes the sums anew.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "fflate";
import { unpackTar } from "modern-tar";
import { PLATFORMS } from "./platforms.ts";
import pinned from "./runtimes.json";
import { runTool } from "./tool.ts";

const FILE = join(import.meta.dir, "runtimes.json");
const PINNED: { readonly version: string; readonly sha256: Readonly<Record<string, string>> } = pinned;

export const sha256 = (data: Uint8Array): string => new Bun.CryptoHasher("sha256").update(data).digest("hex");

/** The path of a program that may be embedded for this target. Throws when what can be had is another one. */
export async function findRuntime(target: string): Promise<string> {
  const { sha256: sums, version } = PINNED;
  // What one version compiles to bytecode another one does not run.
  if (Bun.version !== version)
    throw new Error(`a release is made with Bun ${version}, and this is ${Bun.version}`);
  const cached = join(await bun("pm", "cache"), `${target}-v${version}-${sums[target]?.slice(0, 16)}`);
  const here = [process.execPath, cached].find(
    (file) => existsSync(file) && sha256(readFileSync(file)) === sums[target],
  );
  if (here !== undefined) return here;
  const { program } = await download(target, version);
  if (sha256(program) !== sums[target]) {
    throw new Error(
      `${packageOf(target)} ${version} is not what release/runtimes.json says; nothing was made of it`,
    );
  }
  mkdirSync(join(cached, ".."), { recursive: true });
  // Whole or not at all: another one may be looking.
  writeFileSync(`${cached}.${process.pid}`, program, { mode: 0o755 });
  renameSync(`${cached}.${process.pid}`, cached);
  return cached;
}

/** As the registry has it, checked against the registry's own sum. */
async function download(target: string, version: string): Promise<{ readonly program: Uint8Array }> {
  const name = `${packageOf(target)}@${version}`;
  const [url, integrity] = await Promise.all([
    bun("pm", "view", name, "dist.tarball"),
    bun("pm", "view", name, "dist.integrity"),
  ]);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const archive = await response.bytes();
  const sum = `sha512-${new Bun.CryptoHasher("sha512").update(archive).digest("base64")}`;
  if (sum !== integrity) throw new Error(`${url} is not what the registry says`);
  const entries = await unpackTar(gunzipSync(archive));
  const program = entries.find(({ header }) => /^package\/bin\/bun(\.exe)?$/.test(header.name))?.data;
  if (program === undefined) throw new Error(`${url} holds no program`);
  return { program };
}

/** The packages call the processor aarch64, the targets arm64. */
const packageOf = (target: string): string => `@oven/${target.replace("arm64", "aarch64")}`;

async function bun(...args: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: join(import.meta.dir, ".."),
    stderr: "inherit",
  });
  const [words, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (code !== 0) throw new Error(`bun ${args.join(" ")} failed`);
  return words.trim();
}

const HELP = `Writes the sums of the Bun that runs this, for each platform, into release/runtimes.json.

  bun release/runtimes.ts
`;

if (import.meta.main) {
  await runTool(HELP, {}, async ({ positionals }) => {
    if (positionals.length > 0) throw new Error(`what is ${positionals.join(" ")}?`);
    const sums: Record<string, string> = {};
    for (const { target } of PLATFORMS) {
      sums[target] = sha256((await download(target, Bun.version)).program);
      process.stdout.write(`${sums[target]}  ${packageOf(target)}\n`);
    }
    writeFileSync(FILE, `${JSON.stringify({ version: Bun.version, sha256: sums }, null, 2)}\n`);
  });
}
