import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GOOD } from "../helpers/answers.ts";
import { type CliResult, runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { fieldValue } from "../helpers/http-message.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

// The proof that a client is one folder, one line of the registry and the data of its service: a copy of src gets a client
// that nobody has, is type-checked, and is run.

const ROOT = join(import.meta.dir, "../..");
const FIXTURE = join(ROOT, "test/fixtures/third-client");

interface Copy extends Disposable {
  readonly edit: (file: string, from: string, to: string) => void;
  readonly path: string;
}

/** A copy of the sources, with a Parrot among the names of services and nothing else of it. */
function copySources(): Copy {
  const path = mkdtempSync(join(tmpdir(), "third-client-"));
  cpSync(join(ROOT, "src"), join(path, "src"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(path, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(path, "node_modules"), "junction");
  const tsconfig: unknown = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8"));
  writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ ...(tsconfig as object), include: ["src"] }));
  const edit: Copy["edit"] = (file, from, to) => {
    const text = readFileSync(join(path, file), "utf8");
    if (!text.includes(from)) throw new Error(`${file} holds no ${from}`);
    writeFileSync(
      join(path, file),
      text.replace(from, () => to),
    );
  };
  edit("src/base/service.ts", '"codex" | "claude";', '"codex" | "claude" | "parrot";');
  return { edit, path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The whole client: its folder, its line, its data. */
function addParrot({ edit, path }: Copy): void {
  mkdirSync(join(path, "src/clients/parrot"));
  cpSync(join(FIXTURE, "client.ts.txt"), join(path, "src/clients/parrot/client.ts"));
  edit("src/clients/registry.ts", "  claude,\n", "  claude,\n  parrot,\n");
  edit(
    "src/clients/registry.ts",
    "\nexport const",
    'import { parrot } from "./parrot/client.ts";\n\nexport const',
  );
  const facts = readFileSync(join(FIXTURE, "facts.txt"), "utf8");
  edit("src/base/service.ts", "  },\n};\n", `  },\n${facts}};\n`);
}

function checkTypes({ path }: Copy): { readonly code: number; readonly files: readonly string[] } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [process.execPath, "check", "--no-script", "--no-pretty"],
    { cwd: path },
  );
  const errors = `${stdout.toString()}${stderr.toString()}`.matchAll(/^(\S+?)\(\d+,\d+\): error/gm);
  return { code: exitCode, files: [...new Set([...errors].map(([, file = ""]) => file))].toSorted() };
}

test("a value added to Service alone is missed in the registry and in base/service.ts, and nowhere else", () => {
  using copy = copySources();
  expect(checkTypes(copy).files).toEqual(["src/base/service.ts", "src/clients/registry.ts"]);
});

describe("a third client", () => {
  let copy: Copy;
  let home: TempHome;
  const run = async (args: readonly string[]): Promise<CliResult> =>
    await runCli(args, { home, program: programOf(copy) });

  beforeAll(() => {
    copy = copySources();
    addParrot(copy);
    home = makeTempHome({ PARROT_KEY: "sk-parrot" });
  });
  afterAll(() => {
    copy[Symbol.dispose]();
    home[Symbol.dispose]();
  });

  test("has the right types with one folder, one line and its data", () => {
    expect(checkTypes(copy)).toEqual({ code: 0, files: [] });
  });

  test("has configs, requests, usage, a switch and a status", async () => {
    await using upstream = await startFakeUpstream([GOOD.responses({ text: "hello" })]);
    const address = ["--base-url", upstream.baseUrl, "--auth-token-env", "PARROT_KEY"];
    const added = await run(["config", "add", "main", ...address, "--parrot"]);
    expect(added.stderr).toContain("Parrot: added main#1");
    expect(added.stderr).toContain("ch serve --parrot");
    const list = await run(["config", "list", "--parrot", "--json"]);
    expect(JSON.parse(list.stdout)).toMatchObject({ service: "parrot", configs: [{ name: "main" }] });

    const port = freePort();
    const file = join(home.path, ".parrot/address");
    await using serving = startCli(["serve", "--parrot", "--port", `${port}`], {
      home,
      program: programOf(copy),
    });
    await serving.waitFor(/open Parrot sessions keep their address/);
    expect(readFileSync(file, "utf8")).toBe(`http://127.0.0.1:${port}/v1`);
    const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      body: '{"model":"parrot-1","stream":true,"input":[]}',
    });
    expect(await answer.text()).toContain("hello");
    expect(
      upstream.requests.map(({ fields }) => fieldValue({ startLine: "", fields }, "authorization")),
    ).toEqual(["Bearer sk-parrot"]);
    expect((await run(["status"])).stdout).toContain("Parrot");
    const status = await run(["status", "--parrot", "--json"]);
    expect(JSON.parse(status.stdout)).toMatchObject({
      services: [{ service: "parrot", instances: [{ port }], today: { requests: 1, failures: 0 } }],
    });
    expect((await run(["switch", "status", "--parrot"])).stdout).toContain(`http://127.0.0.1:${port}/v1`);
    expect((await run(["doctor", "--parrot"])).stdout).toContain("Parrot has a single upstream");
    expect(await findOwnChecks(run)).toEqual([
      { id: "parrot-address", status: "ok", message: "Parrot has an address" },
    ]);
    expect(await serving.stop()).toBe(130);
    expect(existsSync(file)).toBe(false);
    expect(await findOwnChecks(run)).toMatchObject([
      { status: "info", message: "Parrot has no address", hint: "ch switch on --parrot" },
    ]);
    const usage = await run(["usage", "summary", "--parrot", "--json"]);
    expect(JSON.parse(usage.stdout)).toMatchObject({ total: { requests: 1, errors: 0 } });
  });
});

/** What the doctor says of checks that are in the client's folder. */
async function findOwnChecks(run: (args: readonly string[]) => Promise<CliResult>): Promise<unknown[]> {
  const { checks } = JSON.parse((await run(["doctor", "--json"])).stdout) as { checks: { id: string }[] };
  return checks.filter(({ id }) => id.startsWith("parrot-"));
}

function programOf({ path }: Copy): readonly string[] {
  return [process.execPath, "--max-http-header-size=65536", join(path, "src/main.ts")];
}
