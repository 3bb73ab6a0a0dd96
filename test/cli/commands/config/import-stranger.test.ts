// `ch config import` of what anybody may have made: shown whole, written only when told to, used only when told to.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { PROGRAM, runCli, startCli } from "../../../helpers/cli.ts";
import { freePort } from "../../../helpers/free-port.ts";
import { runAtTerminal } from "../../../helpers/pseudo-terminal.ts";
import { type TempHome, makeTempHome } from "../../../helpers/temp-home.ts";

let home: TempHome;
beforeEach(() => void (home = makeTempHome({ AWS_SECRET_ACCESS_KEY: "aws-very-secret-000000" })));
afterEach(() => home[Symbol.dispose]());

const ch = (...args: string[]) => runCli(args, { home });
interface Written {
  readonly codex: {
    readonly active?: string;
    readonly configs: Readonly<Record<string, { readonly needs_activation?: boolean }>>;
  };
}
const written = (): Written => JSON.parse(readFileSync(home.paths.config, "utf8")) as Written;
const LINK =
  "ccswitch://v1/import?resource=provider&app=codex&name=Relay&endpoint=https%3A%2F%2Fr.example%2Fv1&apiKey=sk-0123456789abcdef";

/** One config with one upstream, and what is around it. */
function share(
  upstream: object,
  { around = {}, config = {} }: { around?: object; config?: object } = {},
): string {
  const upstreams = [{ base_url: "https://far.example/v1", ...upstream }];
  home.write("shared.json", {
    codex: { active: "far", configs: { far: { ...config, upstreams } } },
    ...around,
  });
  return "shared.json";
}

/** What a person reads before anything is written. */
async function preview(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await ch("config", "import", ...args);
  expect(code).toBe(0);
  expect(existsSync(home.paths.config) && Object.hasOwn(written().codex.configs, "far")).toBe(false);
  return stdout + stderr;
}

const STRIPS = { privacy: { strip_workspaces: false } };

test.each<[string, object, { around?: object; config?: object }, string]>([
  [
    "a proxy",
    { proxy: "http://203.0.113.10:8080" },
    {},
    "far#1: its requests would go through the proxy 203.0.113.10:8080",
  ],
  ["no proxy at all", { proxy: false }, {}, "far#1: its requests would go past your outbound proxy"],
  [
    "authorities of its own",
    { tls_ca: "/tmp/their-ca.pem" },
    {},
    "far#1: its certificate would be checked against /tmp/their-ca.pem",
  ],
  ["headers", { headers: { "X-A": "v", "X-B": "v" } }, {}, "far#1 adds the headers: X-A, X-B"],
  ["parameters", { query: { team: "v" } }, {}, "far#1 adds the parameters: team"],
  [
    "headers of the client",
    { headers_allowed: ["x-mine"] },
    {},
    "far#1 would see these headers of the client: x-mine",
  ],
  [
    "the same for all",
    {},
    { config: { headers_allowed: ["x-all"] } },
    "far would see these headers of the client: x-all",
  ],
  ["weaker privacy", STRIPS, {}, "far#1: privacy.strip_workspaces true -> false, which weakens your privacy"],
  [
    "weaker privacy for all",
    {},
    { around: STRIPS },
    "warning: privacy.strip_workspaces true -> false, which weakens your privacy",
  ],
  ["limits", {}, { around: { limits: { max_body_mib: 1 } } }, "limits.max_body_mib 64 -> 1"],
  ["another service", {}, { around: { default_service: "claude" } }, "default_service codex -> claude"],
  ["an unknown setting", {}, { around: { limits: { later: 1 } } }, "limits.later - -> 1"],
  ["a stop", {}, { config: { on_exhausted: "stop" } }, "far: on_exhausted continue -> stop"],
  ["models", { models: { "*": "cheap" } }, {}, "far#1 sets models: *"],
  ["an unknown key", { tls: { insecure: true } }, {}, "far#1 sets tls: insecure"],
  ["plain http", { base_url: "http://203.0.113.9/v1" }, {}, "far#1 is http: the key is sent unencrypted"],
  [
    "a borrowed name",
    { base_url: "https://api.openai.com.far.example/v1" },
    {},
    "only looks like api.openai.com",
  ],
  [
    "commands and redaction",
    {},
    { around: { hooks: { on_event: "touch pwned" }, filter: false } },
    "settings kept as they are: hooks, filter",
  ],
])("a file that brings %s says so", async (_, upstream, around, words) => {
  expect(await preview(share(upstream, around))).toContain(words);
});

test("where conversations would go is said of files and links, and no secret is shown", async () => {
  const shared = share({
    auth: { auth_token: "sk-0123456789abcdef" },
    proxy: "http://u:hidden-password@203.0.113.10:8080",
    headers: { "X-A": "hidden-value-of-it" },
  });
  expect(await preview(shared)).toContain("your conversations would go to far.example");
  expect(await preview(LINK)).toContain("your conversations would go to r.example");
  const shown = (await preview(shared)) + (await preview(shared, "--json")) + (await preview(LINK));
  expect(shown).not.toMatch(/hidden-password|hidden-value-of-it|0123456789abcdef/);
});

const uses = (variable: string, base_url: string) => ({
  codex: {
    active: "mine",
    configs: { mine: { upstreams: [{ base_url, auth: { auth_token_env: variable } }] } },
  },
});

test.each<[string, string, object | null, string | null]>([
  ["that nothing here uses", "SOME_KEY", null, "no config here uses it yet"],
  [
    "that is somebody else's by its name",
    "AWS_SECRET_ACCESS_KEY",
    null,
    "no config here uses it yet; it usually belongs to amazonaws.com",
  ],
  [
    "that goes elsewhere here",
    "SOME_KEY",
    uses("SOME_KEY", "https://own.example/v1"),
    "here it goes to own.example",
  ],
  [
    "that goes to its usual owner here",
    "OPENAI_API_KEY",
    uses("OPENAI_API_KEY", "https://api.openai.com/v1"),
    "here it goes to api.openai.com; it usually belongs to openai.com",
  ],
  ["that goes to the same site here", "SOME_KEY", uses("SOME_KEY", "https://api.far.example/v1"), null],
])("a variable %s is marked so", async (_, variable, here, marks) => {
  if (here !== null) home.write(".codex-helper/config.json", here);
  const shown = await preview(share({ auth: { auth_token_env: variable } }));
  const line = `far#1 would send the variable ${variable} to far.example`;
  expect(shown).toContain(marks === null ? `${line}\n` : `warning: ${line}: ${marks}\n`);
});

test.each([
  ["a file", () => share({})],
  ["a link", () => LINK],
  ["a link by --from", () => `--from=${LINK}`],
])("%s is not used without --activate, even as the only config, until set-active", async (_, make) => {
  const source = make();
  const done = await ch("config", "import", source, "--yes");
  const [name = ""] = Object.keys(written().codex.configs);
  expect(done.stderr).toContain(`not used until you type: ch config set-active ${name}`);
  expect(written().codex).toEqual({
    configs: { [name]: expect.objectContaining({ needs_activation: true }) },
  });
  const serve = await ch("serve", "--no-switch", "--port", String(freePort()));
  expect(serve.code).toBe(1);
  expect(serve.stderr).toContain(`Codex has no active config\n  ch config set-active ${name}`);
  expect((await ch("status", "--json")).stdout).toContain('"config_name": null');
  await ch("config", "set-active", name);
  expect(written().codex).toMatchObject({ active: name });
  expect(written().codex.configs[name]?.needs_activation).toBeUndefined();
  expect((await ch("status", "--json")).stdout).toContain(`"config_name": "${name}"`);
});

test.each([
  ["the only config", {}],
  ["one of several", { mine: { upstreams: [{ base_url: "https://own.example/v1" }] } }],
  [
    "beside another imported one",
    { b: { needs_activation: true, upstreams: [{ base_url: "https://b.example/v1" }] } },
  ],
])("a name that config.json calls active already is not used either: %s", async (_, configs) => {
  home.write(".codex-helper/config.json", { codex: { active: "far", configs } });
  await ch("config", "import", share({}), "--yes");
  expect(written().codex.active).toBe("far");
  const [mine] = Object.keys(configs).filter((name) => name === "mine");
  const inUse = `"config_name": ${mine === undefined ? "null" : `"${mine}"`}`;
  expect((await ch("status", "--json")).stdout).toContain(inUse);
  await ch("config", "set-active", "far");
  expect((await ch("status", "--json")).stdout).toContain('"config_name": "far"');
});

test("nothing that was in use changes, and what is left alone later does not come into use by itself", async () => {
  home.write(".codex-helper/config.json", uses("SOME_KEY", "https://own.example/v1"));
  const file = share({}, { around: { ...STRIPS, routing: { failure_threshold: 9 } } });
  const done = await ch("config", "import", file, "--yes");
  expect(done.stderr).toContain("settings are imported only with --activate");
  expect(Object.keys(written())).toEqual(["codex"]);
  expect(written().codex.active).toBe("mine");
  await ch("config", "remove", "mine");
  expect((await ch("status", "--json")).stdout).toContain('"config_name": null');
});

test("the first start takes over what the client has, and not what a stranger sent", async () => {
  await ch("config", "import", share({}), "--yes");
  home.write(
    ".codex/config.toml",
    'model_provider = "r"\n[model_providers.r]\nbase_url = "https://own.example/v1"\n',
  );
  await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(/config "r"/);
  expect(written().codex.active).toBe("r");
});

test("the only config stays in use, although no file says that it is the active one", async () => {
  const { active: _, ...codex } = uses("SOME_KEY", "https://own.example/v1").codex;
  home.write(".codex-helper/config.json", { codex });
  await ch("config", "import", share({}), "--yes");
  expect((await ch("status", "--json")).stdout).toContain('"config_name": "mine"');
});

test("--activate uses the first config of the file, with its settings, also where it was imported before", async () => {
  home.write(".codex-helper/config.json", uses("SOME_KEY", "https://own.example/v1"));
  const file = share({}, { around: STRIPS, config: { needs_activation: true } });
  await ch("config", "import", file, "--yes");
  expect(written().codex.active).toBe("mine");
  const again = await ch("config", "import", file, "--yes", "--activate");
  expect(again.stderr).toContain("Codex uses far from then on");
  expect(written()).toMatchObject({ codex: { active: "far" }, ...STRIPS });
  expect(written().codex.configs["far"]?.needs_activation).toBeUndefined();
  expect((await ch("config", "import", file, "--yes", "--activate")).stderr).toContain("nothing new");
});

test("--activate means the first of the file also where that one is here under another name", async () => {
  const upstreams = [{ base_url: "https://far.example/v1" }];
  const near = [{ base_url: "https://near.example/v1" }];
  home.write(".codex-helper/config.json", {
    codex: { active: "b", configs: { mine: { upstreams }, b: { upstreams: near } } },
  });
  const other = [{ base_url: "https://third.example/v1" }];
  home.write("two.json", {
    codex: { active: "far", configs: { b: { upstreams: other }, far: { upstreams } } },
  });
  const done = await ch("config", "import", "two.json", "--yes", "--activate");
  expect(done.stderr).toContain("Codex uses mine from then on");
  expect(written().codex).toMatchObject({ active: "mine", configs: { "b-2": { upstreams: other } } });
});

test("--activate alone writes nothing, and nobody is asked for one keypress", async () => {
  const file = share({});
  expect(await preview(file, "--activate")).toContain(
    "nothing was written; the same command with --yes writes it",
  );
  for (const source of [file, LINK]) {
    const { screen } = await runAtTerminal([...PROGRAM, "config", "import", source, "--activate"], { home });
    expect(screen).toContain("--yes writes it");
    expect(screen).not.toContain("[y/N]");
  }
  expect(existsSync(home.paths.config)).toBe(false);
});

test("scripts get the same facts, and write only with --yes", async () => {
  const file = share(
    { auth: { auth_token_env: "SOME_KEY" } },
    { around: STRIPS, config: { on_exhausted: "stop" } },
  );
  const told = JSON.parse((await ch("config", "import", file, "--json")).stdout) as object;
  expect(told).toMatchObject({
    configs: [{ name: "far", is_active: false, on_exhausted: "stop" }],
    remarks: [
      { about: "far#1", is_risk: true },
      { about: "far", is_risk: false },
    ],
    setting_changes: [{ name: "privacy.strip_workspaces", before: "true", after: "false" }],
    hosts: ["far.example"],
    activated: {},
    written: false,
  });
  expect(existsSync(home.paths.config)).toBe(false);
  const done = await ch("config", "import", file, "--json", "--yes", "--activate");
  expect(JSON.parse(done.stdout)).toMatchObject({
    configs: [{ is_active: true }],
    activated: { codex: "far" },
    written: true,
  });
});

test.each([
  [["config", "import", LINK, "--from", "codex"], "--from and a FILE cannot be used together"],
  [["config", "import", LINK, "--dir", "x"], "--dir belongs to"],
])("%j is refused", async (args, words) => {
  const { code, stderr } = await ch(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(words);
});

test.each([
  [
    "https://far.example/v1/responses",
    "ends in /responses, which every request adds by itself",
    "https://far.example/v1",
  ],
  [
    "https://far.example/console",
    "ends in the path of a web page (/console), not of an API",
    "https://far.example",
  ],
])("%s is left out with the address that was probably meant", async (address, words, meant) => {
  const text = `base_url ${words}; probably meant: ${meant}`;
  const file = await ch("config", "import", share({ base_url: address }));
  expect(file).toMatchObject({ code: 1, stderr: expect.stringContaining(`"far": ${text}`) });
  const link = LINK.replace("https%3A%2F%2Fr.example%2Fv1", encodeURIComponent(address));
  const { code, stderr } = await ch("config", "import", link);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(text) });
  expect(existsSync(home.paths.config)).toBe(false);
});

test.each(["auth_token_command", "api_key_command"])(
  "a file's %s runs nothing and is not written, --yes or not, unless it is allowed in so many words",
  async (key) => {
    home.write("config.json", {});
    const ran = `${home.path}/ran`;
    const file = share({ auth: { [key]: ["touch", ran], command_ttl_secs: 5, client: false } });
    const shown = await preview(file);
    expect(shown).toContain(
      "far#1: the command for its key is left out, --allow-commands imports it: touch ",
    );
    expect((await ch("config", "import", file, "--yes", "--activate")).code).toBe(0);
    const { auth } = JSON.parse(JSON.stringify(written().codex.configs["far"])).upstreams[0];
    expect(auth).toEqual({ client: false });
    expect(existsSync(ran)).toBe(false);
  },
);

test("an allowed command is shown whole, without what could hide a part of it, before it is written", async () => {
  const command = ["sh", "-c", "echo hi\u001b[8m; rm -rf /\u001b[0m"];
  const file = share({ auth: { auth_token_command: command } });
  const shown = await preview(file, "--allow-commands");
  expect(shown).toContain("far#1 would run this for its key: sh -c 'echo hi; rm -rf /'");
  const { stdout } = await ch("config", "import", file, "--allow-commands", "--yes", "--json");
  expect(JSON.parse(stdout).commands).toEqual([
    { label: "far#1", command: "sh -c 'echo hi; rm -rf /'", is_allowed: true },
  ]);
  expect(JSON.stringify(written().codex.configs["far"])).toContain("auth_token_command");
});

test("an export for others names the program alone, and such a command is not taken for one", async () => {
  home.write(".codex-helper/config.json", {
    codex: {
      configs: {
        main: {
          upstreams: [
            {
              base_url: "https://a.example/v1",
              auth: { auth_token_command: ["op", "read", "op://Private/acme/key"] },
            },
          ],
        },
      },
    },
  });
  const { stdout } = await ch("config", "export", "--masked");
  expect(stdout).not.toContain("acme");
  expect(stdout).toContain('"op"');
  home.write("shared.json", stdout.replace('"main"', '"far"'));
  const { stderr } = await ch("config", "import", "shared.json", "--allow-commands");
  expect(stderr).toContain("is masked");
});
