import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createOwnedNames } from "../../src/app/owned-names.ts";
import type { Service } from "../../src/base/service.ts";
import { switchOff, switchOn } from "../../src/clients/switch/switch.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const CONFIG = ".codex/config.toml";
const SETTINGS = ".claude/settings.json";
const USER = { kind: "user" } as const;
const TABLE = `model_provider = "a"
[model_providers.a]
name = "A"
base_url = "https://relay-a.example/v1"
http_headers = { "X-Relay-Key" = " secret " }
env_http_headers = { "X-Goog-Api-Key" = "A_KEY" }
query_params = { "key" = "one&two=2", "api-version" = "1" }
`;

/** The time moves on with every look, so that each is a real one. */
function openStore(home: TempHome, service: Service, env: Readonly<Record<string, string>> = {}) {
  let time = Date.now();
  const systemDirectory = join(home.path, "etc");
  const target = { service, paths: home.paths, env: { ...home.env, ...env }, systemDirectory };
  const store = createOwnedNames({ ...target, now: () => (time += 10) });
  return {
    target,
    store,
    look: async (): Promise<Record<string, string[]>> => {
      await store.current();
      const all: Record<string, string[]> = {};
      for (const { kind, name, origin } of store.list()) {
        const key = kind === "header" ? name : `?${name}`;
        all[key] = [...new Set([...(all[key] ?? []), origin ?? "nobody"])];
      }
      return all;
    },
  };
}

const A = ["https://relay-a.example"];
const OF_A = { "x-relay-key": A, "x-goog-api-key": A, "?key": A, "?two": A, "?api-version": A };

describe("Codex", () => {
  test("a table's names belong to its address, before, during and after a switch", async () => {
    using home = makeTempHome();
    home.write(CONFIG, TABLE);
    const { look, target } = openStore(home, "codex");
    expect(await look()).toEqual(OF_A);
    await switchOn(target, { port: 4321, prefersOwnProvider: false }, USER);
    expect(await look()).toEqual(OF_A);
    // One that starts now has only the journal to go by.
    expect(await openStore(home, "codex").look()).toEqual(OF_A);
    await switchOff(target);
    expect(await look()).toEqual(OF_A);
  });

  test("without the journal the mark behind the value tells", async () => {
    using home = makeTempHome();
    home.write(CONFIG, TABLE);
    const { target } = openStore(home, "codex");
    await switchOn(target, { port: 3211, prefersOwnProvider: false }, USER);
    rmSync(home.paths.run, { recursive: true });
    expect(await openStore(home, "codex").look()).toEqual(OF_A);
  });

  test("a table that was pointed at the proxy by hand belongs to nobody", async () => {
    using home = makeTempHome();
    home.write(CONFIG, TABLE.replace("https://relay-a.example", "http://127.0.0.1:3211"));
    const found = await openStore(home, "codex").look();
    expect(found["x-relay-key"]).toEqual(["nobody"]);
  });

  test("a local relay's address is its own", async () => {
    using home = makeTempHome();
    home.write(CONFIG, TABLE.replace("https://relay-a.example", "http://127.0.0.1:9000"));
    expect((await openStore(home, "codex").look())["x-relay-key"]).toEqual(["http://127.0.0.1:9000"]);
  });

  test("several tables, profiles and the machine's own file are all read", async () => {
    using home = makeTempHome();
    home.write(
      CONFIG,
      `${TABLE}[model_providers.b]\nname = "B"\nbase_url = "https://b.example"\nhttp_headers = { "x-relay-key" = "b" }\n`,
    );
    home.write(
      ".codex/work.config.toml",
      'model_provider = "c"\n[model_providers.c]\nname = "C"\nbase_url = "https://c.example"\nhttp_headers = { "X-Work" = "c" }\n',
    );
    home.write("etc/config.toml", '[model_providers.d]\nname = "D"\nhttp_headers = { "X-Machine" = "d" }\n');
    expect(await openStore(home, "codex").look()).toEqual({
      ...OF_A,
      "x-relay-key": [...A, "https://b.example"],
      "x-work": ["https://c.example"],
      // A table without an address goes to OpenAI.
      "x-machine": ["https://api.openai.com"],
    });
  });

  test("a file that changes is read again at once, and nothing is forgotten that an open session may send", async () => {
    using home = makeTempHome();
    const { look } = openStore(home, "codex");
    expect(await look()).toEqual({});
    const file = home.write(CONFIG, TABLE);
    expect(await look()).toEqual(OF_A);
    writeFileSync(file, TABLE.slice(0, TABLE.indexOf("X-Relay")));
    expect(await look()).toEqual(OF_A);
    writeFileSync(file, "");
    expect(await look()).toEqual(OF_A);
    writeFileSync(file, TABLE.replace("X-Relay-Key", "X-New"));
    expect(await look()).toEqual({ ...OF_A, "x-new": A });
    rmSync(file);
    expect(await look()).toEqual({ ...OF_A, "x-new": A });
  });

  test("what describes the message is nobody's", async () => {
    using home = makeTempHome();
    home.write(
      CONFIG,
      TABLE.replace('"X-Relay-Key"', '"Content-Type" = "application/json", Accept = "*/*", "X-Relay-Key"'),
    );
    expect(await openStore(home, "codex").look()).toEqual(OF_A);
  });

  test.each([
    ['"http\\u005fheaders" = { "X-Team" = "t" }', { "x-team": A }],
    [
      'http_headers = { "Accept-Language" = "t", "Content-Key" = "t" }',
      { "accept-language": A, "content-key": A },
    ],
    ["query_params.v = '1&key=2'", { "?v": A, "?key": A }],
  ])("however it is written: %s", async (line, expected) => {
    using home = makeTempHome();
    home.write(CONFIG, `[model_providers.a]\nbase_url = "https://relay-a.example/v1"\n${line}\n`);
    expect(await openStore(home, "codex").look()).toEqual(expected);
  });

  test("a variable of ours may be another than the client's", async () => {
    using home = makeTempHome();
    home.write(CONFIG, TABLE);
    const { look, store } = openStore(home, "codex", { A_KEY: "ours" });
    await look();
    const values = store.list().flatMap(({ name, value }) => (name === "x-goog-api-key" ? [value] : []));
    expect(new Set(values)).toEqual(new Set([null, "ours"]));
  });

  test("a file without such keys is not even parsed", async () => {
    using home = makeTempHome();
    home.write(CONFIG, 'model = "gpt-5"\n');
    const { store } = openStore(home, "codex");
    expect(store.current()).not.toBeInstanceOf(Promise);
  });
});

describe("Claude Code", () => {
  const HEADERS = "X-Relay-Key: a: b\nno colon\r\n X-Team :  t ";
  const settings = (env: object): object => ({ env });

  test("the variable's names belong to the address beside it, before and during a switch", async () => {
    using home = makeTempHome();
    home.write(
      SETTINGS,
      settings({ ANTHROPIC_BASE_URL: "https://relay-a.example/x", ANTHROPIC_CUSTOM_HEADERS: HEADERS }),
    );
    const { look, store, target } = openStore(home, "claude");
    const expected = { "x-relay-key": A, "x-team": A };
    expect(await look()).toEqual(expected);
    expect(store.list().map(({ value }) => value)).toEqual(["a: b", "t"]);
    await switchOn(target, { port: 3210, prefersOwnProvider: false }, USER);
    expect(await openStore(home, "claude").look()).toEqual(expected);
  });

  test("they are nobody's where our address is there and nothing tells what was before", async () => {
    using home = makeTempHome();
    home.write(
      SETTINGS,
      settings({ ANTHROPIC_BASE_URL: "http://127.0.0.1:3210", ANTHROPIC_CUSTOM_HEADERS: "X-Team: t" }),
    );
    expect(await openStore(home, "claude").look()).toEqual({ "x-team": ["nobody"] });
  });

  test("without an address they are Anthropic's, also once it is switched", async () => {
    using home = makeTempHome();
    home.write(SETTINGS, settings({ ANTHROPIC_CUSTOM_HEADERS: "X-Team: t" }));
    const { target } = openStore(home, "claude");
    await switchOn(target, { port: 3210, prefersOwnProvider: false }, USER);
    expect(await openStore(home, "claude").look()).toEqual({ "x-team": ["https://api.anthropic.com"] });
  });

  test("those of the shell belong to the shell's address, else to the one in force", async () => {
    using home = makeTempHome();
    home.write(SETTINGS, settings({ ANTHROPIC_BASE_URL: "https://relay-a.example" }));
    const exported = { ANTHROPIC_CUSTOM_HEADERS: "X-Shell: s" };
    expect(await openStore(home, "claude", exported).look()).toEqual({ "x-shell": A });
    const both = { ...exported, ANTHROPIC_BASE_URL: "https://shell.example" };
    expect(await openStore(home, "claude", both).look()).toEqual({ "x-shell": ["https://shell.example"] });
  });

  test.each([
    [".claude/settings.local.json", "settings of a session in the home"],
    [SETTINGS, "an escaped name"],
  ])("%s: %s", async (file, what) => {
    using home = makeTempHome();
    home.write(SETTINGS, settings({ ANTHROPIC_BASE_URL: "https://relay-a.example" }));
    const text = JSON.stringify(
      settings({ ANTHROPIC_BASE_URL: "https://relay-a.example", ANTHROPIC_CUSTOM_HEADERS: "X-Team: t" }),
    );
    home.write(file, what === "an escaped name" ? text.replace("CUSTOM_", "CUSTOM\\u005f") : text);
    expect(await openStore(home, "claude").look()).toEqual({ "x-team": A });
  });

  test("those of the machine's administrator are read too", async () => {
    using home = makeTempHome();
    home.write(
      "etc/managed-settings.json",
      settings({ ANTHROPIC_BASE_URL: "https://corp.example", ANTHROPIC_CUSTOM_HEADERS: "X-Corp: c" }),
    );
    expect(await openStore(home, "claude").look()).toEqual({ "x-corp": ["https://corp.example"] });
  });
});

test("what a command line adds is owned as well, by the address that the table had", async () => {
  using home = makeTempHome();
  home.write(CONFIG, TABLE);
  const { look, store, target } = openStore(home, "codex");
  await switchOn(target, { port: 3211, prefersOwnProvider: false }, USER);
  store.add([
    {
      kind: "header",
      name: "x-typed",
      shown: "X-Typed",
      value: "t",
      owner: "[model_providers.a]",
      baseUrl: "http://127.0.0.1:3211/v1",
      isInUse: true,
    },
  ]);
  expect(await look()).toEqual({ ...OF_A, "x-typed": A });
});
