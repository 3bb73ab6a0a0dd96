// `limits.client_token`, from the setting to the client's file and back, by the commands that a person types.
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { GOOD } from "../../helpers/answers.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const TOML =
  'model_provider = "relay" # mine\n[model_providers.relay]\nname = "r"\nbase_url = "https://relay.example/v1"\n';
const JSON_TEXT =
  '{\n  "env": { "ANTHROPIC_BASE_URL": "https://relay.example", "ANTHROPIC_AUTH_TOKEN": "sk-own" }\n}\n';
const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;
const TURN = '{"model":"m","stream":true,"input":[]}';

let home: TempHome;
let upstream: FakeUpstream;
beforeEach(async () => {
  home = makeTempHome();
  upstream = await startFakeUpstream(({ target }) =>
    target.includes("/messages") ? GOOD.messages() : GOOD.responses(),
  );
  configure(true);
  for (const [file, text] of [
    [".codex/config.toml", TOML],
    [".claude/settings.json", JSON_TEXT],
  ] as const)
    chmodSync(home.write(file, text), 0o600);
});
afterEach(async () => {
  await upstream.close();
  home[Symbol.dispose]();
});

function configure(client_token: boolean): void {
  const section = { configs: { main: { upstreams: [{ base_url: upstream.baseUrl }] } } };
  home.write(".codex-helper/config.json", { codex: section, claude: section, limits: { client_token } });
}

const ch = (...args: string[]) => runCli(args, { home });
const codex = (): string => readFileSync(home.paths.codexConfig, "utf8");
const claude = (): string => readFileSync(home.paths.claudeSettings, "utf8");
const stored = (): string => readFileSync(home.paths.clientToken, "utf8").trim();
const addressIn = (text: string): string => /http:\/\/127\.0\.0\.1:[^"]+/.exec(text)?.[0] ?? "";
const ask = (address: string): Promise<Response> =>
  fetch(`${address}/responses`, { method: "POST", body: TURN });

test("switch on writes the token into the client's address and nowhere else, and off restores to the byte", async () => {
  const port = String(freePort());
  const on = await ch("switch", "on", "--codex", "--port", port);
  expect(on.code).toBe(0);
  expect(on.stderr).toContain(`Codex now points at http://127.0.0.1:${port}/v1\n`);
  const token = stored();
  expect(token).toMatch(/^[0-9a-f]{32}$/);
  if (process.platform !== "win32") expect(statSync(home.paths.clientToken).mode & 0o777).toBe(0o600);
  expect(addressIn(codex())).toBe(`http://127.0.0.1:${port}/ch_${token}/v1`);
  expect((await ch("switch", "on", "--codex", "--port", port)).stderr).toContain("already has it");
  await ch("switch", "on", "--claude", "--port", port);
  expect(addressIn(claude())).toBe(`http://127.0.0.1:${port}/ch_${token}`);
  const screens = await Promise.all(
    [
      ["status"],
      ["status", "--json"],
      ["doctor", "--json"],
      ["switch"],
      ["switch", "status", "--json"],
      ["config", "export"],
    ].map((args) => ch(...args)),
  );
  expect(JSON.stringify([on, screens])).not.toContain(token);
  expect(screens[3]?.stdout).toContain(`switched, to http://127.0.0.1:${port}/v1`);
  for (const flag of ["--codex", "--claude"]) await ch("switch", "off", flag);
  expect([codex(), claude()]).toEqual([TOML, JSON_TEXT]);
});

test.each(["codex", "claude"] as const)(
  "without its journal the address of %s is known by its form",
  async (service) => {
    await ch("switch", "on", `--${service}`, "--port", String(freePort()));
    rmSync(home.paths.run, { recursive: true });
    expect((await ch("switch", "status", `--${service}`, "--json")).stdout).toContain('"switched": true');
    expect((await ch("switch", "off", `--${service}`)).code).toBe(0);
    expect(service === "codex" ? codex() : claude()).not.toContain("127.0.0.1");
  },
);

test("serve answers the client that it has switched, by the same token at every start, and tells nobody", async () => {
  const addresses: string[] = [];
  const told: string[] = [];
  for (const port of [freePort(), freePort()].map(String)) {
    await using serving = startCli(["serve", "--port", port], { home });
    await serving.waitFor(LISTENING);
    await serving.waitFor(/Ctrl\+C to stop/);
    const address = addressIn(codex());
    addresses.push(address);
    expect((await ask(address)).status).toBe(200);
    const stranger = await ask(`http://127.0.0.1:${port}/v1`);
    expect([stranger.status, await stranger.text()]).toEqual([
      401,
      expect.stringContaining("type ch switch on and"),
    ]);
    const status = await ch("status", "--codex");
    expect(status.stdout).toContain("answers only clients with the client token");
    expect(status.stdout).toContain("requests turned away: 1 (401 ×1)");
    told.push(
      JSON.stringify([
        status,
        await ch("status", "--json"),
        await ch("doctor"),
        await ch("usage", "tail", "--raw"),
      ]),
    );
    await serving.stop();
    told.push(serving.stderr());
  }
  expect(codex()).toBe(TOML);
  const [first = "", second = ""] = addresses.map((address) => /ch_[0-9a-f]{32}/.exec(address)?.[0]);
  expect(first).toBe(second);
  told.push(readFileSync(home.paths.requestsLog, "utf8"));
  expect(told.join()).not.toContain(stored());
  const turns = upstream.requests.filter(({ method }) => method === "POST");
  expect(turns.map(({ target }) => target)).toEqual(["/v1/responses", "/v1/responses"]);
});

test("a token file that is removed is made anew, and what has the old one is told everywhere", async () => {
  const port = String(freePort());
  await ch("switch", "on", "--codex", "--port", port);
  const old = stored();
  rmSync(home.paths.clientToken);
  await using serving = startCli(["serve", "--codex", "--no-switch", "--port", port], { home });
  await serving.waitFor(LISTENING);
  expect(stored()).not.toBe(old);
  expect((await ask(addressIn(codex()))).status).toBe(401);
  const lacks = "its address lacks the current client token (limits.client_token): its requests are refused";
  const [shown, switched, doctor] = await Promise.all([ch("status"), ch("switch"), ch("doctor", "--json")]);
  expect(shown.stdout.replace(/\n +/g, " ")).toContain(`${lacks} ch switch on --codex`);
  expect(shown.stderr).toContain("Next: ch switch on --codex");
  expect(switched.stdout).toContain(`${lacks}\n    ch switch on --codex`);
  const { checks } = JSON.parse(doctor.stdout) as { checks: { id: string; status: string; hint?: string }[] };
  expect(checks.filter(({ id }) => id === "client-token")).toMatchObject([
    { status: "fail", hint: "ch switch on --codex" },
  ]);
  const json = JSON.parse((await ch("switch", "status", "--codex", "--json")).stdout) as {
    services: unknown[];
  };
  expect(json.services).toMatchObject([{ client_token_problem: lacks }]);
  await ch("switch", "on", "--codex", "--port", port);
  expect((await ask(addressIn(codex()))).status).toBe(200);
  expect((await ch("switch")).stdout).not.toContain("lacks");
});

test("the setting takes effect when ch starts, and the serve screen says so", async () => {
  configure(false);
  const port = String(freePort());
  await using serving = startCli(["serve", "--port", port], { home });
  await serving.waitFor(/Ctrl\+C to stop/);
  const address = addressIn(codex());
  expect(address).toBe(`http://127.0.0.1:${port}/v1`);
  configure(true);
  // config.json is looked at ten times a second, and a change is told of when a request ends.
  await waitUntil(async () => {
    await ask(address);
    return serving.stderr().includes("limits.client_token was changed: it takes effect when ch starts again");
  });
  expect((await ask(address)).status).toBe(200);
});

test("a client's file that other users can read is not given the token, with what to type", async () => {
  if (process.platform === "win32") return expect(process.platform).toBe("win32");
  // Where others may enter every directory above: the home of a test is its user's alone.
  const place = mkdtempSync("/tmp/codex-helper-open-");
  try {
    for (const [service, variable, name, text] of [
      ["codex", "CODEX_HOME", "config.toml", TOML],
      ["claude", "CLAUDE_CONFIG_DIR", "settings.json", JSON_TEXT],
    ] as const) {
      chmodSync(place, 0o755);
      const file = join(place, name);
      writeFileSync(file, text);
      const chThere = (...args: string[]) => runCli(args, { home, env: { [variable]: place } });
      for (const mode of [0o644, 0o640, 0o604]) {
        chmodSync(file, mode);
        const refused = await chThere("switch", "on", `--${service}`);
        expect(refused).toMatchObject({ code: 1, stdout: "" });
        expect(refused.stderr).toContain(
          `${file} can be read by other users, and would hold the client token`,
        );
        expect(refused.stderr).toContain(`chmod go-r ${file}`);
      }
      // A directory that nobody else can enter is enough.
      chmodSync(place, 0o700);
      expect((await chThere("switch", "on", `--${service}`)).code).toBe(0);
      chmodSync(place, 0o711);
      expect((await chThere("switch", "status")).stdout).toContain(
        `other users can read the client token in ${file}`,
      );
      expect((await chThere("switch", "off", `--${service}`)).code).toBe(0);
      expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual([text, 0o604]);
    }
  } finally {
    rmSync(place, { recursive: true });
  }
});

test.each(["", "short\n", "0123456789abcdef0123456789abcdeg\n"])(
  "a token file that holds %j is an error that names it, and nothing is switched",
  async (content) => {
    home.write(".codex-helper/client-token", content);
    const refused = await ch("switch", "on", "--codex");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("does not contain a client token");
    expect(refused.stderr).toContain("rm ");
    expect((await ch("serve", "--port", String(freePort()))).code).toBe(1);
    expect(codex()).toBe(TOML);
  },
);

/** A client that says how it was started, and asks once as it was told to. */
async function runFake(name: "codex" | "claude", print: string) {
  const bin = join(home.path, "bin");
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh\ncase "$*" in *--help*) exit;; esac\n${print}\n`;
  chmodSync(home.write(`bin/${name}`, script), 0o755);
  return await runCli(["run", "--", name, "hello"], { home, env: { PATH: `${bin}:/usr/bin:/bin` } });
}

test("run gives Claude Code its token in a file that only its user can read, for that run alone", async () => {
  const shown = await runFake(
    "claude",
    `echo "$*"; ls -l "$2"; cat "$2"; curl -s -o /dev/null -w '\\n%{http_code}\\n' -d '{"model":"m","messages":[]}' "$(sed 's/.*"ANTHROPIC_BASE_URL":"\\([^"]*\\)".*/\\1/' "$2")/v1/messages"`,
  );
  const [args = "", listed = "", settings = "", status = ""] = shown.stdout.split("\n");
  expect(args).toMatch(/^--settings \S+\/run\/client-settings-\d+\.json hello$/);
  expect(listed).toStartWith("-rw------- ");
  const token = /ch_[0-9a-f]{32}/.exec(settings)?.[0] ?? "";
  expect(settings).toMatch(/"ANTHROPIC_BASE_URL":"http:\/\/127\.0\.0\.1:\d+\/ch_[0-9a-f]{32}"/);
  expect(args).not.toContain(token);
  expect(status).toBe("200");
  expect(readdirSync(home.paths.run).filter((name) => name.includes("settings"))).toEqual([]);
  expect(readFileSync(home.paths.requestsLog, "utf8")).not.toContain(token);
  const again = await runFake("claude", 'cat "$2"');
  expect(again.stdout).not.toContain(token);
});

test("run gives Codex a token that is worth nothing after it", async () => {
  const shown = await runFake(
    "codex",
    `echo "$*"; curl -s -o /dev/null -w '%{http_code}\\n' -d '${TURN}' "$(echo "$*" | sed 's/.*base_url="\\([^"]*\\)".*/\\1/')/responses"`,
  );
  const [args = "", status = ""] = shown.stdout.split("\n");
  expect(args).toMatch(/base_url="http:\/\/127\.0\.0\.1:\d+\/ch_[0-9a-f]{32}\/v1"/);
  expect(status).toBe("200");
  // Not the one that is kept: this one is in the list of processes.
  await ch("switch", "on", "--codex");
  expect(args).not.toContain(stored());
});
