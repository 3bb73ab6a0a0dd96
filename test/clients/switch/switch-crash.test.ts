// What a switch leaves behind when it ends in the middle: killed, refused by the disk, or overtaken by the client.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Service } from "../../../src/base/service.ts";
import { inEnglish } from "../../../src/base/text.ts";
import { installStatusLine, uninstallStatusLine } from "../../../src/clients/switch/status-line.ts";
import { repairDeadSwitch, switchOff, switchOn } from "../../../src/clients/switch/switch.ts";
import { readSwitchStatus } from "../../../src/clients/switch/status.ts";
import type { FsFault } from "../../helpers/fs-faults.ts";
import { CLAUDE_TEXT, CODEX_TEXT, type SwitchHome, makeSwitchHome } from "./switch-home.ts";

const HELPER = Bun.fileURLToPath(import.meta.resolve("../../helpers/fs-faults.ts"));
/** Of the less simple cases, every so many calls are tried; all of them under VERIFY=full. */
const STRIDE = process.env["VERIFY"] === "full" ? 1 : 3;
const AT_ONCE = 4;
const TIMEOUT_MS = 60_000;
const USER = { kind: "user" } as const;
const IS_WINDOWS = process.platform === "win32";

let build = "";
/** In one file, it starts in half the time. */
let child = "";
beforeAll(async () => {
  build = mkdtempSync(join(tmpdir(), "switch-child-"));
  child = join(build, "switch-child.js");
  const entrypoints = [Bun.fileURLToPath(import.meta.resolve("./switch-child.ts"))];
  const { outputs } = await Bun.build({ entrypoints, target: "bun" });
  const [output] = outputs;
  if (output === undefined) throw new Error("nothing was built");
  await Bun.write(child, output);
});
afterAll(() => rmSync(build, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | number | null;
  readonly words: string;
}

async function runChild(
  home: SwitchHome,
  args: readonly string[],
  fault: FsFault,
  wrapper: readonly string[] = [],
): Promise<Ended> {
  const running = Bun.spawn(
    [...wrapper, process.execPath, "--preload", HELPER, child, home.directory, ...args],
    {
      env: { ...process.env, FS_FAULT: JSON.stringify(fault) },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [words, bug] = await Promise.all([
    new Response(running.stdout).text(),
    new Response(running.stderr).text(),
  ]);
  await running.exited;
  if (bug !== "") throw new Error(bug);
  // Windows knows no signals: a killed process ends with 1, and has printed nothing.
  const signal = IS_WINDOWS && running.exitCode === 1 && words === "" ? "SIGKILL" : running.signalCode;
  return { code: running.exitCode, signal, words: words.trim() };
}

interface Scenario {
  readonly name: string;
  readonly service: Service;
  readonly text: string | null;
  /** Ports switched to before the child runs. */
  readonly before: readonly number[];
  /** A status line is below that. */
  readonly hasLine?: boolean;
  readonly args: readonly string[];
  /** 1: each of its calls is tried. */
  readonly stride: number;
}

const LINE = { program: ["/opt/ch"], isThere: () => true };
/** Of a status line, below a switch and without one. */
const LINES: readonly Scenario[] = [
  { action: "install", text: CLAUDE_TEXT, before: [], stride: STRIDE },
  { action: "install", text: CLAUDE_TEXT, before: [4000], stride: 1 },
  { action: "install", text: null, before: [4000], stride: STRIDE },
  { action: "uninstall", text: CLAUDE_TEXT, before: [4000], stride: STRIDE },
  { action: "uninstall", text: null, before: [4000], stride: STRIDE },
].map(({ action, ...scene }) => ({
  ...scene,
  name: `${action} (${scene.text === null ? "no file" : "a file"}, ${scene.before.length > 0 ? "switched" : "not switched"})`,
  service: "claude",
  hasLine: action === "uninstall",
  args: ["claude", action],
}));

const SWITCHES: readonly Scenario[] = (["codex", "claude"] as const).flatMap((service) => {
  const text = service === "codex" ? CODEX_TEXT : CLAUDE_TEXT;
  const on = [service, "on", "3211"];
  const off = [service, "off"];
  return [
    { name: `on (${service})`, service, text, before: [], args: on, stride: 1 },
    { name: `off (${service})`, service, text, before: [4000], args: off, stride: 1 },
    { name: `on at another port (${service})`, service, text, before: [4000], args: on, stride: STRIDE },
    { name: `on without a file (${service})`, service, text: null, before: [], args: on, stride: STRIDE },
    {
      name: `off of a made file (${service})`,
      service,
      text: null,
      before: [4000],
      args: off,
      stride: STRIDE,
    },
  ];
});

const SCENARIOS = [...SWITCHES, ...LINES];

async function makeScene({ service, text, before, hasLine = false }: Scenario): Promise<SwitchHome> {
  const home = makeSwitchHome(text === null ? {} : { [service]: text });
  for (const port of before) await switchOn(home.target(service), { port, prefersOwnProvider: false }, USER);
  if (hasLine) await installStatusLine(home.target(service), LINE);
  return home;
}

async function countCalls(scenario: Scenario): Promise<{ calls: number; after: string | null }> {
  using home = await makeScene(scenario);
  const file = join(home.directory, "count");
  const ended = await runChild(home, scenario.args, { kind: "count", file });
  expect(ended).toMatchObject({ code: 0 });
  return { calls: Number(readFileSync(file, "utf8")), after: home.read(scenario.service) };
}

/** Runs the scenario once for each call, or every so many of them, a few at a time. */
async function atCalls(
  { calls, stride }: { readonly calls: number; readonly stride: number },
  run: (at: number) => Promise<void>,
): Promise<void> {
  const left = Array.from({ length: Math.ceil(calls / stride) }, (_, index) => index * stride + 1);
  const work = async (): Promise<void> => {
    for (let at = left.pop(); at !== undefined; at = left.pop()) await run(at);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

let turn = 0;

/** After `off`, nothing may tell that there ever was a switch. */
async function expectPutRight(home: SwitchHome, { service, text }: Scenario): Promise<void> {
  const target = home.target(service);
  const { file } = await readSwitchStatus(target);
  const undo = [() => switchOff(target), () => (service === "claude" ? uninstallStatusLine(target) : null)];
  // In either order, from one call to the next.
  for (const step of (turn += 1) % 2 === 0 ? undo : undo.toReversed()) await step();
  expect(home.read(service)).toBe(text);
  if (text === null) expect(existsSync(dirname(file))).toBe(false);
  else expect(readdirSync(dirname(file))).toHaveLength(1);
  expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
}

describe("a switch that is killed at any of its calls", () => {
  for (const scenario of SCENARIOS) {
    test(
      `leaves the old file or the new one, and off puts it right: ${scenario.name}`,
      async () => {
        const { calls, after } = await countCalls(scenario);
        expect(calls).toBeGreaterThan(5);
        await atCalls({ calls, stride: scenario.stride }, async (at) => {
          using home = await makeScene(scenario);
          const old = home.read(scenario.service);
          const ended = await runChild(home, scenario.args, { kind: "kill", at });
          expect(ended.signal).toBe("SIGKILL");
          expect([old, after]).toContain(home.read(scenario.service));
          expect((await readSwitchStatus(home.target(scenario.service))).problem).toBeNull();
          await expectPutRight(home, scenario);
        });
      },
      TIMEOUT_MS,
    );
  }

  test(
    "is picked up by the next on",
    async () => {
      const [scenario] = SCENARIOS;
      if (scenario === undefined) throw new Error("no scenario");
      const { calls, after } = await countCalls(scenario);
      await atCalls({ calls, stride: STRIDE }, async (at) => {
        using home = await makeScene(scenario);
        await runChild(home, scenario.args, { kind: "kill", at });
        await switchOn(home.target("codex"), { port: 3211, prefersOwnProvider: false }, USER);
        expect(home.read("codex")).toBe(after);
        await expectPutRight(home, scenario);
      });
    },
    TIMEOUT_MS,
  );
});

describe("a file with two names, which is written in place,", () => {
  const scenes = (["on", "off"] as const).map((action) => ({
    service: "codex" as const,
    action,
    text: CODEX_TEXT,
  }));
  type Scene = (typeof scenes)[number];
  const link = (home: SwitchHome): string => join(home.directory, "other-name");
  const makeLinked = async ({ action, service, text }: Scene): Promise<SwitchHome> => {
    const home = makeSwitchHome({ [service]: text });
    linkSync(home.paths.codexConfig, link(home));
    if (action === "off")
      await switchOn(home.target(service), { port: 3211, prefersOwnProvider: false }, USER);
    return home;
  };
  const expectWhole = async (home: SwitchHome, { service, text }: Scene): Promise<void> => {
    expect(readFileSync(link(home), "utf8")).toBe(home.read(service) ?? "");
    await switchOff(home.target(service));
    expect(home.read(service)).toBe(text);
    expect(readFileSync(link(home), "utf8")).toBe(text);
    expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
  };
  const countIn = async (scene: Scene): Promise<{ calls: number; after: string | null }> => {
    using home = await makeLinked(scene);
    const file = join(home.directory, "count");
    await runChild(home, [scene.service, scene.action], { kind: "count", file });
    return { calls: Number(readFileSync(file, "utf8")), after: home.read(scene.service) };
  };

  for (const scene of scenes) {
    const { action, service } = scene;
    test(
      `is healed after a kill at any call: ${action}`,
      async () => {
        const { calls, after } = await countIn(scene);
        let halves = 0;
        await atCalls({ calls, stride: 1 }, async (at) => {
          using home = await makeLinked(scene);
          const old = home.read(service);
          const ended = await runChild(home, [service, action], { kind: "kill", at });
          expect(ended.signal).toBe("SIGKILL");
          const isHalf = ![old, after].includes(home.read(service));
          const status = await readSwitchStatus(home.target(service));
          expect(status.isInterrupted).toBe(isHalf);
          if (isHalf) {
            halves += 1;
            expect(inEnglish(status.problem ?? "")).toContain("was interrupted: ch doctor --fix");
            await repairDeadSwitch(home.target(service));
            expect(home.read(service)).toBe(old);
          }
          await expectWhole(home, scene);
        });
        expect(halves).toBeGreaterThan(0);
      },
      TIMEOUT_MS,
    );

    test(
      `is the old or the new one when the disk refuses a call: ${action}`,
      async () => {
        const { calls, after } = await countIn(scene);
        await atCalls({ calls, stride: STRIDE }, async (at) => {
          using home = await makeLinked(scene);
          const old = home.read(service);
          const code = ["ENOSPC", "EIO", "EDQUOT"][at % 3] ?? "EIO";
          const ended = await runChild(home, [service, action], { kind: "fail", at, code });
          if (ended.code !== 0) expect(ended.words).toContain(code);
          expect([old, after]).toContain(home.read(service));
          await expectWhole(home, scene);
        });
      },
      TIMEOUT_MS,
    );
  }
});

describe("a disk that refuses any of its calls", () => {
  const CODES = ["ENOSPC", "EIO", "EACCES", "EROFS"];
  for (const scenario of SCENARIOS) {
    test(
      `gets one clear error, and no half of a switch: ${scenario.name}`,
      async () => {
        const { calls, after } = await countCalls(scenario);
        await atCalls({ calls, stride: STRIDE }, async (at) => {
          using home = await makeScene(scenario);
          const old = home.read(scenario.service);
          const code = CODES[at % CODES.length] ?? "EIO";
          const ended = await runChild(home, scenario.args, { kind: "fail", at, code });
          const now = home.read(scenario.service);
          if (ended.code === 0) expect(now).toBe(after);
          else {
            expect(ended.words).toContain(code);
            expect(ended.words.split("\n")).toHaveLength(1);
            // What a disk refuses after an `off` has put the client back is only the tidying up.
            if (scenario.args[1] === "on") expect(now).toBe(old);
            else expect([old, after]).toContain(now);
          }
          await expectPutRight(home, scenario);
        });
      },
      TIMEOUT_MS,
    );
  }
});

describe("a client that writes its file right before ours replaces it", () => {
  const edits = (count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${CODEX_TEXT}\n[projects."/p${n}"]\ntrust_level = "trusted"\n`);

  test("loses nothing: the switch starts over, three times at most", async () => {
    for (const count of [1, 2, 3]) {
      using home = makeSwitchHome({ codex: CODEX_TEXT });
      const texts = edits(count);
      const fault: FsFault = { kind: "write-first", file: home.paths.codexConfig, texts };
      expect(await runChild(home, ["codex", "on"], fault)).toMatchObject({ code: 0 });
      expect(home.read("codex")).toContain(`projects."/p${count - 1}"`);
      expect(home.read("codex")).toContain("http://127.0.0.1:3211/v1");
      await switchOff(home.target("codex"));
      expect(home.read("codex")).toBe(texts.at(-1) ?? "");
    }
  });

  test("and does not stop is left alone, with an error", async () => {
    using home = makeSwitchHome({ codex: CODEX_TEXT });
    const texts = edits(9);
    const fault: FsFault = { kind: "write-first", file: home.paths.codexConfig, texts };
    const ended = await runChild(home, ["codex", "on"], fault);
    expect(ended.code).toBe(1);
    expect(ended.words).toContain("keeps being written by another program");
    expect(home.read("codex")).toBe(texts[3] ?? "");
    expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
  });

  test("loses nothing at off either", async () => {
    using home = makeSwitchHome({ codex: CODEX_TEXT });
    const { file } = await switchOn(home.target("codex"), { port: 3211, prefersOwnProvider: false }, USER);
    const added = '\n[projects."/p"]\ntrust_level = "trusted"\n';
    const fault: FsFault = { kind: "write-first", file, texts: [home.read("codex") + added] };
    expect(await runChild(home, ["codex", "off"], fault)).toMatchObject({ code: 0 });
    expect(home.read("codex")).toBe(CODEX_TEXT + added);
  });
});

describe("a file that may not be written", () => {
  /** The modes of files do not hold for root, unless that right is taken from it. */
  const wrapper =
    process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] : [];
  const cases: readonly (readonly [name: string, close: (home: SwitchHome) => void, words: RegExp])[] = [
    [
      "for its own mode",
      (home) => chmodSync(home.paths.codexConfig, 0o444),
      /config\.toml is not writable: (?:permission denied|operation not permitted)/,
    ],
    [
      "for its directory's mode",
      (home) => chmodSync(home.paths.codexHome, 0o555),
      /cannot write .*config\.toml: permission denied/,
    ],
    [
      "because our own home is closed",
      (home) => chmodSync(home.directory, 0o555),
      /cannot use the directory .*run: permission denied/,
    ],
  ];
  for (const [name, close, words] of cases) {
    test(`is left alone, ${name}`, async () => {
      using home = makeSwitchHome({ codex: CODEX_TEXT });
      close(home);
      const ended = await runChild(home, ["codex", "on"], { kind: "kill", at: 0 }, wrapper);
      chmodSync(home.directory, 0o700);
      chmodSync(home.paths.codexHome, 0o700);
      // Windows has modes for files only: a directory is not closed by one.
      if (IS_WINDOWS && statSync(home.paths.codexConfig).mode & 0o200) {
        expect(ended).toMatchObject({ code: 0, words: "" });
        await switchOff(home.target("codex"));
        expect(home.read("codex")).toBe(CODEX_TEXT);
        return;
      }
      expect(ended.words).toMatch(words);
      expect(ended.code).toBe(1);
      expect(home.list()).toEqual({ ".codex/config.toml": CODEX_TEXT });
    });
  }
});

describe("two processes that switch the same client on and off 200 times", () => {
  test(
    "leave it as it was",
    async () => {
      using home = makeSwitchHome({ codex: CODEX_TEXT });
      const none: FsFault = { kind: "kill", at: 0 };
      const ended = await Promise.all([
        runChild(home, ["codex", "both", "3211", "100"], none),
        runChild(home, ["codex", "both", "4000", "100"], none),
      ]);
      expect(ended).toEqual([
        { code: 0, signal: null, words: "" },
        { code: 0, signal: null, words: "" },
      ]);
      expect(home.read("codex")).toBe(CODEX_TEXT);
      expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
      expect(readdirSync(home.paths.codexHome)).toEqual(["config.toml"]);
    },
    TIMEOUT_MS,
  );
});
