import { describe, expect, test } from "bun:test";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { inEnglish } from "../../../../src/base/text.ts";
import { UserError } from "../../../../src/base/errors.ts";
import { applyChanges } from "../../../../src/config/jsonc-edit.ts";
import { parseConfig } from "../../../../src/config/parse.ts";
import { planSet } from "../../../../src/config/set.ts";
import { PROGRAM, runCli } from "../../../helpers/cli.ts";
import { startAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

const SECRET = "sk-0123456789-very-secret-abcdef";
const FILE = ".codex-helper/config.json";
const TWO = `{
  // my relays
  "codex": {
    "configs": {
      "main": { "upstreams": [
        { "base_url": "https://one.example/v1", "auth": { "auth_token_env": "ONE_KEY" /* old */ } }, // fast
        { "base_url": "https://two.example/v1", "headers": { "X-Team": "core" }, "note": "mine" } // slow
      ] },
      "spare": { "alias": "Spare", "upstreams": [{ "base_url": "https://three.example" }] }
    }
  }
}
`;

const makeHome = (text: string = TWO): TempHome => {
  const home = makeTempHome();
  home.write(FILE, text);
  return home;
};
const set = (home: TempHome, args: readonly string[], stdin?: string) =>
  runCli(["config", "set", ...args], { home, ...(stdin === undefined ? {} : { stdin }) });
const textOf = (home: TempHome): string => readFileSync(home.paths.config, "utf8");
const upstreamsOf = (text: string, name: string) =>
  parseConfig(text, "config.json").services.codex.configs.get(name)?.entry.upstreams ?? [];

describe("config set", () => {
  test("gives an upstream another key from standard input: kept 0600, shown nowhere, comments stay", async () => {
    using home = makeHome();
    const result = await set(home, ["main#1", "--auth-token-stdin"], `${SECRET}\n`);
    expect(result).toEqual({
      code: 0,
      stdout: "",
      stderr: "main#1: set auth.auth_token; removed auth.auth_token_env\n",
    });
    const text = textOf(home);
    expect(text).toBe(TWO.replace('"auth_token_env": "ONE_KEY"', `"auth_token": "${SECRET}"`));
    expect(statSync(home.paths.config).mode & 0o777).toBe(0o600);
    const [backup = ""] = readdirSync(home.paths.backups);
    expect(readFileSync(join(home.paths.backups, backup), "utf8")).toBe(TWO);
  });

  test("asks for the key at a terminal without showing it, and changes nothing at Esc", async () => {
    using home = makeHome();
    const start = () =>
      startAtTerminal([...PROGRAM, "config", "set", "main#1", "--auth-token-stdin"], { home });
    {
      await using session = start();
      await session.press("\u001b", "The bearer token");
      expect(await session.exited).toBe(130);
      expect(textOf(home)).toBe(TWO);
    }
    await using session = start();
    await session.press(`${SECRET}\r`, "The bearer token");
    expect(await session.exited).toBe(0);
    expect(session.words()).not.toContain(SECRET);
    expect(upstreamsOf(textOf(home), "main")[0]?.auth).toEqual({ auth_token: SECRET });
  });

  test("changes address, headers, models and state at once, and each can be taken away again", async () => {
    using home = makeHome();
    const flags = ["--header", "x-team=web", "--header", "X-Two: 2", "--model-map", "gpt-5.6-sol=deepseek"];
    await set(home, ["main#2", "--base-url", "https://new.example/v1", ...flags, "--enabled", "false"]);
    expect(upstreamsOf(textOf(home), "main")[1]).toEqual({
      base_url: "https://new.example/v1",
      headers: { "X-Team": "web", "X-Two": "2" },
      models: { "gpt-5.6-sol": "deepseek" },
      enabled: false,
      note: "mine",
    });
    const again = await set(home, [
      "main#2",
      "--header=X-Two=",
      "--model-map=gpt-5.6-sol=",
      "--enabled",
      "true",
    ]);
    expect(again.stderr).toBe("main#2: set enabled; removed headers.X-Two, models.gpt-5.6-sol\n");
    expect(upstreamsOf(textOf(home), "main")[1]).toMatchObject({ headers: { "X-Team": "web" }, models: {} });
    expect(textOf(home)).toContain("// slow");
    // A config has such a key, too, which is another one.
    await set(home, ["spare", "--model-map", "a=b"]);
    expect(upstreamsOf(textOf(home), "spare")[0]?.models).toEqual({ a: "b" });
    expect((await set(home, ["main#2", "--enabled", "true"])).stderr).toBe(
      "nothing to change: it is set already\n",
    );
  });

  test("sets any value of the schema by its path, of an upstream, a config or the file", async () => {
    using home = makeHome();
    await set(home, ["main#1", "--json", "timeouts.idle_secs=60", "--json", "models.gpt-5.6=x"]);
    await set(home, ["main#1", "--json", 'on_error=[{"match":"busy","verdict":"next"}]']);
    await set(home, ["main#1", "--json", "on_error[0].verdict=cooldown"]);
    await set(home, ["main", "--json", "on_exhausted=stop", "--alias", "Both"]);
    await set(home, ["spare", "--json", '{"cost_multiplier":2,"enabled":false}']);
    const ofFile = await set(home, ["--json", "routing.open_secs=5", "--json", "filter=false"]);
    expect(ofFile.stderr).toBe("set routing.open_secs, filter\n");
    expect(parseConfig(textOf(home), "config.json").shell).toMatchObject({
      routing: { open_secs: 5 },
      filter: false,
      codex: {
        configs: {
          main: {
            on_exhausted: "stop",
            alias: "Both",
            upstreams: [
              {
                timeouts: { idle_secs: 60 },
                models: { "gpt-5.6": "x" },
                on_error: [{ match: "busy", verdict: "cooldown" }],
              },
              {},
            ],
          },
          spare: { upstreams: [{ cost_multiplier: 2, enabled: false }] },
        },
      },
    });
    expect((await set(home, ["--json", "routing.open_secs=null"])).stderr).toBe(
      "removed routing.open_secs\n",
    );
  });

  test.each([
    [["main#1", "--json", "retry.tries=2"], 'unknown key "retry"', "known here: base_url, auth,"],
    [["main#1", "--json", "timeouts.idel_secs=2"], 'unknown key "idel_secs" (did you mean "idle_secs"?)', ""],
    [["main#1", "--json", 'timeouts={"idle":5}'], 'unknown key "idle" (did you mean "idle_secs"?)', ""],
    [["main#1", "--json", "timeouts.idle_secs=soon"], "--json timeouts.idle_secs must be a number", ""],
    [["main#1", "--json", "base_url=null"], "--json base_url must be text in double quotes", ""],
    [["main#1", "--json", "on_exhausted=stop"], '"on_exhausted" belongs to the config', "ch config set main"],
    [["main", "--json", "on_exhausted=halt"], 'must be "continue" or "stop"', ""],
    [["main", "--enabled", "false"], '"main" has 2 upstreams', "ch config set main#2 --enabled ..."],
    [["main#1", "--header", "X A=1"], '--header "X A" is not an allowed name', ""],
    [["main#1", "--header", "Host=1"], "Host", ""],
    [
      ["main#1", "--header", "Team"],
      "--header takes a name and a value",
      "for example: --header X-Team=core",
    ],
    [["main#1", "--json", "enabled"], "--json takes PATH=VALUE", "for example:"],
    [["main#1", "--base-url", "one.example"], "--base-url must begin with https://", ""],
    [["main#1", "--enabled", "off"], '--enabled takes true, false, not "off"', ""],
    [["main#1"], "nothing to set", "ch config set main#1 --auth-token-stdin"],
    [["--auth-token-stdin"], "NAME is missing", "ch config set main#1 --auth-token-stdin"],
    [
      ["main#1", "--auth-token-env", "A", "--api-key-env", "B"],
      "--auth-token-env and --api-key-env cannot be used together",
      "",
    ],
  ])("refuses %j as wrong usage, and writes nothing", async (args, message, hint) => {
    using home = makeHome();
    const { code, stderr } = await set(home, args, SECRET);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain(SECRET);
    expect(code).toBe(2);
    expect(textOf(home)).toBe(TWO);
  });

  test("names what does not exist, and asks for no key then", async () => {
    using home = makeHome();
    expect((await set(home, ["mian#1", "--auth-token-stdin"], SECRET)).stderr).toContain(
      'did you mean "main"?',
    );
    expect((await set(home, ["main#3", "--auth-token-stdin"], SECRET)).stderr).toContain(
      "there is no number 3",
    );
    expect((await set(home, ["spare", "--auth-token-stdin"], " \n")).stderr).toContain(
      "standard input is empty",
    );
    expect(textOf(home)).toBe(TWO);
  });

  test("repairs what makes a config unusable", async () => {
    using home = makeHome(TWO.replace("https://two.example/v1", "two.example"));
    const { code } = await set(home, ["main#2", "--base-url", "https://two.example/v1"]);
    expect(code).toBe(0);
    expect(textOf(home)).toBe(TWO);
  });

  test("says that a key of the file goes to another host from now on", async () => {
    using home = makeHome();
    const moved = await set(home, ["main#1", "--base-url", "https://other.example/v1"]);
    expect(moved.stderr).toContain("warning: main#1: its key goes to other.example now");
    const plain = await set(home, ["main#1", "--base-url", "http://127.0.0.1:9/v1"]);
    expect(plain.stderr).toContain("warning: main#1: its key goes to http://127.0.0.1:9 now");
    await set(home, ["main#1", "--base-url", "https://other.example/v1"]);
    const both = await set(
      home,
      ["main#1", "--base-url", "https://x.example/v1", "--auth-token-stdin"],
      SECRET,
    );
    expect(both.stderr).not.toContain("warning");
    expect((await set(home, ["main#2", "--base-url", "https://y.example/v1"])).stderr).not.toContain(
      "warning",
    );
  });
});

const values = fc.oneof(fc.boolean(), fc.integer(), fc.string(), fc.constant(null), fc.object());
const paths = fc.oneof(
  fc.constantFrom("enabled", "auth.auth_token", "timeouts.idle_secs", "models.a.b", "headers.X-A", "tags.x"),
  fc.constantFrom(
    "on_error[0].match",
    "on_status.429",
    "proxy",
    "budget_usd.day",
    "name",
    "",
    "[",
    '["x"]',
    "a..b",
  ),
  fc.string(),
);

test("whatever is typed, the file stays valid and only the path changes, or one error says why", () => {
  fc.assert(
    fc.property(paths, values, fc.constantFrom(1, 2, null), (path, value, position) => {
      const config = parseConfig(TWO, "config.json");
      const target = { name: "main", position };
      try {
        const plan = planSet({ service: "codex", target }, [{ flag: "--json", path, value }], []);
        const text = applyChanges(TWO, "config.json", plan(config));
        expect(parseConfig(text, "config.json").shell.codex?.configs?.["main"]).toBeDefined();
        expect(text).toContain("// my relays");
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        expect(inEnglish(error.text)).not.toBe("");
      }
    }),
  );
});
