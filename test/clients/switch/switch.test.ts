import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { identifyProcess } from "../../../src/base/process-identity.ts";
import { type Paths, resolvePaths } from "../../../src/base/paths.ts";
import type { Owner } from "../../../src/clients/switch/journal.ts";
import { switchOff, switchOn } from "../../../src/clients/switch/switch.ts";
import { readSwitchStatus } from "../../../src/clients/switch/status.ts";
import {
  CLAUDE_TEXT,
  CODEX_TEXT,
  SWITCHED,
  type SwitchHome,
  type Switched,
  makeSwitchHome,
} from "./switch-home.ts";
import { modeHere } from "../../helpers/modes.ts";

const USER: Owner = { kind: "user" };
const GOAL = { port: 3211, prefersOwnProvider: false };
const CODEX_ADDRESS = "http://127.0.0.1:3211/v1";
const TEXTS = { codex: CODEX_TEXT, claude: CLAUDE_TEXT };

function ownerOf(pid: number): Owner {
  const identity = identifyProcess(pid);
  if (identity === null) throw new Error(`no process ${pid}`);
  return { kind: "process", ...identity };
}

async function deadOwner(): Promise<Owner> {
  const child = Bun.spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
  const owner = ownerOf(child.pid);
  child.kill("SIGKILL");
  await child.exited;
  return owner;
}

/** The paths of one whose CODEX_HOME or CLAUDE_CONFIG_DIR is that directory. */
function pathsWithHome({ directory }: SwitchHome, service: Switched, own: string): Paths {
  const name = service === "codex" ? "CODEX_HOME" : "CLAUDE_CONFIG_DIR";
  return resolvePaths({ HOME: directory, USERPROFILE: directory, [name]: own });
}

async function failureOf(promise: Promise<unknown>): Promise<UserError> {
  const failure = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (failure instanceof UserError) return failure;
  throw new Error("expected a UserError", { cause: failure });
}

for (const service of SWITCHED) {
  describe(`switching ${service}`, () => {
    test("on and off gives the same bytes and the same mode, and leaves nothing behind", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const before = home.list();
      const target = home.target(service);
      const file = (await switchOn(target, GOAL, USER)).file;
      chmodSync(file, 0o640);
      expect(home.read(service)).toContain("http://127.0.0.1:3211");
      expect(await readSwitchStatus(target)).toMatchObject({
        isOn: true,
        port: 3211,
        owner: USER,
        isOwnerDead: false,
      });
      expect(await switchOff(target)).toMatchObject({
        isEdited: false,
        isFileRemoved: false,
        journalProblem: null,
      });
      expect(home.list()).toEqual(before);
      expect(statSync(file).mode & 0o777).toBe(modeHere(0o640));
      expect(await readSwitchStatus(target)).toMatchObject({
        isOn: false,
        port: null,
        owner: null,
        problem: null,
      });
    });

    test("on twice is the same as once, and another port is one off away from the beginning", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const target = home.target(service);
      await switchOn(target, GOAL, USER);
      const once = home.list();
      await switchOn(target, GOAL, USER);
      expect(home.list()).toEqual(once);
      await switchOn(target, { ...GOAL, port: 4000 }, USER);
      expect(home.read(service)).toContain("http://127.0.0.1:4000");
      await switchOff(target);
      expect(home.read(service)).toBe(TEXTS[service]);
    });

    test("makes a missing file and directory, and removes what nobody else has touched", async () => {
      using home = makeSwitchHome();
      const target = home.target(service);
      const on = await switchOn(target, GOAL, USER);
      expect(on.created).toEqual({ file: true, directory: true });
      expect(statSync(on.file).mode & 0o777).toBe(modeHere(0o600));
      expect(statSync(dirname(on.file)).mode & 0o777).toBe(modeHere(0o700));
      expect(await switchOff(target)).toMatchObject({ isFileRemoved: true });
      expect(existsSync(dirname(on.file))).toBe(false);
    });

    test("keeps a file and a directory that it made and somebody uses by now", async () => {
      using home = makeSwitchHome();
      const target = home.target(service);
      const { file } = await switchOn(target, GOAL, USER);
      writeFileSync(join(dirname(file), "auth.json"), "{}");
      await switchOff(target);
      expect(readdirSync(dirname(file))).toEqual(["auth.json"]);
    });

    test("follows a link to the real file, and keeps the link", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const target = home.target(service);
      const { file } = await readSwitchStatus(target);
      const real = join(home.directory, "dotfiles");
      writeFileSync(real, TEXTS[service], { mode: 0o644 });
      rmSync(file);
      symlinkSync(real, file);
      await switchOn(target, GOAL, USER);
      expect(readlinkSync(file)).toBe(real);
      expect(lstatSync(real).isFile()).toBe(true);
      expect(await Bun.file(real).text()).toContain("http://127.0.0.1:3211");
      await switchOff(target);
      expect(await Bun.file(real).text()).toBe(TEXTS[service]);
      expect(statSync(real).mode & 0o777).toBe(modeHere(0o644));
    });

    test("knows its file under any name: by a link, or moved behind one since", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const target = home.target(service);
      const { file } = await switchOn(target, { ...GOAL, port: 4000 }, USER);
      const moved = join(home.directory, "dotfiles");
      renameSync(dirname(file), moved);
      symlinkSync(moved, dirname(file));
      const byReal = { ...target, paths: pathsWithHome(home, service, moved) };
      expect(await readSwitchStatus(byReal)).toMatchObject({ isOn: true, port: 4000, owner: USER });
      await switchOn(byReal, GOAL, USER);
      expect(await readSwitchStatus(target)).toMatchObject({ isOn: true, port: 3211, owner: USER });
      await switchOff(byReal);
      expect(home.read(service)).toBe(TEXTS[service]);
      await switchOn(byReal, GOAL, USER);
      await switchOff(target);
      expect(home.read(service)).toBe(TEXTS[service]);
      expect(readdirSync(home.paths.run).filter((name) => name.endsWith(".json"))).toEqual([]);
    });

    test("refuses a directory, a dangling link, bad UTF-8 and a broken file, and changes nothing", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const target = home.target(service);
      const { file } = await readSwitchStatus(target);
      const obstacles: readonly [string, () => void][] = [
        ["is not a file", () => mkdirSync(file)],
        ["is a link to a file that does not exist", () => symlinkSync(join(home.directory, "nowhere"), file)],
        ["is not valid UTF-8", () => writeFileSync(file, new Uint8Array([0x61, 0xff, 0x0a]))],
        [`${file}: line 1, column`, () => writeFileSync(file, "{ = \n")],
      ];
      for (const [words, make] of obstacles) {
        rmSync(file, { recursive: true, force: true });
        make();
        const before = readdirSync(home.directory, { recursive: true });
        const failure = await failureOf(switchOn(target, GOAL, USER));
        expect(failure.message).toContain(words);
        expect(failure.message).toContain(file);
        expect(
          readdirSync(home.directory, { recursive: true }).filter(
            (name) => !/codex-helper/.test(String(name)),
          ),
        ).toEqual(before.filter((name) => !/codex-helper/.test(String(name))));
        expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
      }
    });

    test("keeps what the client and the user wrote in between", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const target = home.target(service);
      await switchOn(target, GOAL, USER);
      const added = service === "codex" ? ["\n[tui]\nx = 1\n", ""] : ["", ""];
      const edited = (home.read(service) ?? "").replace("mine", "ours") + (added[0] ?? "");
      home.write(service, edited);
      expect(await switchOff(target)).toMatchObject({ isEdited: true });
      expect(home.read(service)).toBe(TEXTS[service].replace("mine", "ours") + (added[0] ?? ""));
    });

    test("leaves a value of ours that the user has changed, and takes it as the user's at the next on", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const target = home.target(service);
      await switchOn(target, GOAL, USER);
      home.write(
        service,
        (home.read(service) ?? "").replace(/http:\/\/127\.0\.0\.1:3211(\/v1)?/, "https://new.example"),
      );
      expect((await readSwitchStatus(target)).isOn).toBe(false);
      expect((await switchOn(target, GOAL, USER)).overwritten.map(({ kind }) => kind)).toEqual(["changed"]);
      await switchOff(target);
      expect(home.read(service)).toBe(
        TEXTS[service].replace(/https:\/\/relay\.example(\/v1)?/, "https://new.example"),
      );
    });

    test("puts back what it recognises when the journal is lost or damaged", async () => {
      for (const damage of ["lost", '{"version":', '{"version":1}', "\u0000"]) {
        using home = makeSwitchHome({ [service]: TEXTS[service] });
        const target = home.target(service);
        await switchOn(target, { ...GOAL, port: service === "codex" ? 3211 : 3210 }, USER);
        const journal = join(
          home.paths.run,
          readdirSync(home.paths.run).find((name) => name.endsWith(".json")) ?? "",
        );
        if (damage === "lost") rmSync(journal);
        else writeFileSync(journal, damage);
        expect((await readSwitchStatus(target)).isOn).toBe(true);
        const off = await switchOff(target);
        expect(off?.journalProblem === null).toBe(damage === "lost");
        expect(home.read(service)).not.toContain("127.0.0.1");
        if (service === "codex") expect(home.read(service)).toBe(CODEX_TEXT);
        expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
      }
    });

    test("off where nothing was switched changes nothing", async () => {
      using home = makeSwitchHome({ [service]: TEXTS[service] });
      const before = home.list();
      expect(await switchOff(home.target(service))).toMatchObject({ keys: [], isFileRemoved: false });
      expect(home.list()).toEqual(before);
    });
  });
}

describe("the owner of a switch", () => {
  test("that runs keeps others from taking it, and says how to go on", async () => {
    using home = makeSwitchHome(TEXTS);
    const target = home.target("codex");
    const running = Bun.spawn([process.execPath, "-e", "setInterval(() => {}, 1000)"]);
    const theirs = ownerOf(running.pid);
    try {
      await switchOn(target, GOAL, theirs);
      const failure = await failureOf(switchOn(target, { ...GOAL, port: 4000 }, ownerOf(process.pid)));
      expect(failure.message).toContain(`pid ${running.pid}`);
      expect(failure.hint).toContain("--no-switch");
      expect(await failureOf(switchOn(target, { ...GOAL, port: 4000 }, USER))).toBeInstanceOf(UserError);
      expect((await switchOn(target, GOAL, USER)).owner).toEqual(theirs);
      expect(await switchOff(target, ownerOf(process.pid))).toBeNull();
      expect(home.read("codex")).toContain(CODEX_ADDRESS);
      expect((await switchOff(target))?.runningOwner).toMatchObject({ pid: running.pid });
      expect(home.read("codex")).toBe(CODEX_TEXT);
      expect(await switchOff(target, theirs)).toBeNull();
    } finally {
      running.kill("SIGKILL");
    }
  });

  test("that has died is reported, and its switch is taken over and put back", async () => {
    using home = makeSwitchHome(TEXTS);
    const target = home.target("codex");
    await switchOn(target, GOAL, await deadOwner());
    expect(await readSwitchStatus(target)).toMatchObject({ isOn: true, isOwnerDead: true });
    const mine = ownerOf(process.pid);
    expect((await switchOn(target, { ...GOAL, port: 4000 }, mine)).owner).toEqual(mine);
    expect(await readSwitchStatus(target)).toMatchObject({ isOwnerDead: false, port: 4000 });
    expect(await switchOff(target, mine)).not.toBeNull();
    expect(home.read("codex")).toBe(CODEX_TEXT);
  });

  test("is a person until a proxy adopts it", async () => {
    using home = makeSwitchHome(TEXTS);
    const target = home.target("codex");
    await switchOn(target, GOAL, USER);
    const mine = ownerOf(process.pid);
    expect(await switchOff(target, mine)).toBeNull();
    await switchOn(target, GOAL, mine);
    expect(await switchOff(target, mine)).toMatchObject({ file: home.paths.codexConfig });
    expect(home.read("codex")).toBe(CODEX_TEXT);
  });
});

describe("which key of Codex moves", () => {
  const LOGIN = JSON.stringify({ OPENAI_API_KEY: "sk-test" });
  const on = async (home: SwitchHome): Promise<string> => {
    await switchOn(home.target("codex"), GOAL, USER);
    return home.read("codex") ?? "";
  };

  test("is openai_base_url for the built-in provider with a login", async () => {
    using home = makeSwitchHome({ codex: 'model = "a"\n' });
    writeFileSync(home.paths.codexAuth, LOGIN);
    expect(await on(home)).toContain(`openai_base_url = "${CODEX_ADDRESS}"`);
  });

  test("is a provider of our own where nobody is signed in", async () => {
    using home = makeSwitchHome({ codex: "" });
    const text = await on(home);
    expect(text).toContain('model_provider = "codex_proxy"');
    expect(await on(home)).toBe(text);
  });

  test("stays our own provider's table while a stored session names it", async () => {
    using home = makeSwitchHome({ codex: 'model = "a"\n' });
    await switchOn(home.target("codex"), { ...GOAL, prefersOwnProvider: true }, USER);
    const sessions = join(home.paths.codexHome, "sessions", "2026", "01", "02");
    mkdirSync(sessions, { recursive: true });
    const rollout = join(sessions, "rollout-2026-01-02T03-04-05-0.jsonl");
    writeFileSync(rollout, `{"type":"session_meta","payload":{"id":"0","model_provider":"codex_proxy"}}\n`);
    await switchOff(home.target("codex"));
    expect(home.read("codex")).toContain("[model_providers.codex_proxy]");
    expect(home.read("codex")).not.toContain("model_provider =");
    expect((await readSwitchStatus(home.target("codex"))).isOn).toBe(false);
    rmSync(rollout);
    await switchOff(home.target("codex"));
    expect(home.read("codex")).toBe('model = "a"\n');
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["ollama", 'model_provider = "ollama"\n', /"ollama"/],
    ["lmstudio", 'model_provider = "lmstudio"\n', /"lmstudio"/],
    ["a provider that no file defines", 'model_provider = "gone"\n', /"gone", and no file defines it/],
    ["a model_provider that is no text", "model_provider = 1\n", /must be a string/],
    ["model_providers that is no table", 'model_providers = "x"\n', /must be a table/],
  ];
  for (const [name, text, words] of refused) {
    test(`is none for ${name}, and the way out is named`, async () => {
      using home = makeSwitchHome({ codex: text });
      const failure = await failureOf(switchOn(home.target("codex"), GOAL, USER));
      expect(failure.message).toMatch(words);
      expect(home.read("codex")).toBe(text);
    });
  }

  test("is none where the machine's own file defines the provider", async () => {
    using home = makeSwitchHome({ codex: 'model = "a"\n' });
    mkdirSync(join(home.directory, "etc"));
    writeFileSync(join(home.directory, "etc", "config.toml"), CODEX_TEXT);
    const failure = await failureOf(switchOn(home.target("codex"), GOAL, USER));
    expect(failure.message).toContain(join(home.directory, "etc", "config.toml"));
    expect(failure.hint).toContain("--own-provider");
  });

  test("is none where a managed file has the last word", async () => {
    using home = makeSwitchHome({ codex: CODEX_TEXT });
    mkdirSync(join(home.directory, "etc"));
    writeFileSync(
      join(home.directory, "etc", "managed_config.toml"),
      '[model_providers.relay]\nbase_url = "https://work.example"\n',
    );
    const failure = await failureOf(switchOn(home.target("codex"), GOAL, USER));
    expect(failure.message).toContain("managed_config.toml");
    expect(home.read("codex")).toBe(CODEX_TEXT);
  });
});

describe("Claude Code without a credential", () => {
  test("gets a placeholder, which a second on keeps and off takes away", async () => {
    using home = makeSwitchHome({ claude: "{}\n" });
    const target = home.target("claude");
    await switchOn(target, GOAL, USER);
    const once = home.read("claude");
    expect(once).toContain("ANTHROPIC_AUTH_TOKEN");
    await switchOn(target, GOAL, USER);
    expect(home.read("claude")).toBe(once);
    await switchOff(target);
    expect(home.read("claude")).toBe("{}\n");
  });

  test("gets none where the account is signed in", async () => {
    using home = makeSwitchHome({ claude: "{}\n" });
    writeFileSync(join(home.paths.claudeHome, ".credentials.json"), '{"claudeAiOauth":{}}');
    await switchOn(home.target("claude"), GOAL, USER);
    expect(home.read("claude")).not.toContain("ANTHROPIC_AUTH_TOKEN");
  });
});
