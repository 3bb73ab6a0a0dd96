import { inEnglish } from "../../src/base/text.ts";
import { expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Status } from "../../src/base/check.ts";
import { fingerprint } from "../../src/base/secrets.ts";
import { listChecks } from "../../src/app/doctor/examine.ts";
import {
  EXPIRED_CERTIFICATE,
  GOOD_CERTIFICATE,
  TEST_KEY,
  WRONG_NAME_CERTIFICATE,
} from "../helpers/certificates.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../helpers/cli.ts";
import { type Answer, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { isMute, opensTo, says, startOutbound, tunnelTo } from "../helpers/outbound-proxy.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { startStuckListener } from "../helpers/stuck-listener.ts";
import type { TempHome } from "../helpers/temp-home.ts";
import { TURN } from "../wire/turn.ts";
import { type HealthyHome, installClient, makeHealthyHome } from "./healthy-home.ts";

interface Condition {
  /** "check-id: in which case". */
  readonly name: string;
  /** Brings it about for real. What it gives back is closed at the end. */
  readonly make: (healthy: HealthyHome) => Promise<AsyncDisposable | void> | void;
  readonly status: Status;
  readonly says: RegExp;
  readonly hint?: RegExp;
}

const CHECKS = await listChecks();

const GIB = 2 ** 30;

async function switchAndKill({ home }: HealthyHome): Promise<void> {
  await using serving = startCli(["serve", "--port", String(freePort())], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  await serving.stop("SIGKILL");
}

function addSetting(home: TempHome, settings: object): void {
  const name = ".codex-helper/config.json";
  const before = JSON.parse(readFileSync(join(home.path, name), "utf8")) as object;
  chmodSync(home.write(name, { ...before, ...settings }), 0o600);
}

function makePipe(path: string): void {
  rmSync(path, { force: true });
  Bun.spawnSync(["mkfifo", path]);
}

/** A proxy that runs while the file is no more. */
async function serveWithout(home: TempHome, name: string, content: unknown): Promise<AsyncDisposable> {
  const path = home.write(`.codex-helper/${name}`, content);
  const serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  rmSync(path);
  return serving;
}

async function listenOn(port: number): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  return { [Symbol.asyncDispose]: () => new Promise((done) => server.close(() => done())) };
}

const writeRecord = ({ home }: HealthyHome, record: object): void => {
  chmodSync(home.write(`.codex-helper/run/instance-${process.pid}-codex.json`, record), 0o600);
  chmodSync(join(home.path, ".codex-helper/run"), 0o700);
};

/** A proxy that is asked for so many turns while each upstream answers so, and ends. */
async function meet({ home, upstream }: HealthyHome, answer: Answer, turns = 1): Promise<void> {
  upstream.play((request) => (request.target.startsWith("/backup") ? GOOD.responses({}) : answer));
  const port = freePort();
  await using serving = startCli(["serve", "--no-switch", "--port", String(port)], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  for (let turn = 0; turn < turns; turn += 1)
    await sendRaw(port, { method: "POST", path: "/v1/responses", body: TURN });
  await serving.stop();
}

const CONDITIONS: readonly Condition[] = [
  {
    name: "config-file: it is broken",
    make: ({ home }) => void home.write(".codex-helper/config.json", '{ "codex": '),
    status: "fail",
    says: /config\.json:1:\d+/,
    hint: /ch config edit/,
  },
  {
    name: "config-file: it was removed under a running proxy",
    make(healthy) {
      rmSync(join(healthy.home.path, ".codex-helper/config.json"));
      const since = Date.now();
      writeRecord(healthy, {
        pid: process.pid,
        started: null,
        service: "codex",
        port: 9,
        token: "t",
        command: "serve",
        since,
      });
    },
    status: "fail",
    says: /config\.json was removed; the last valid version stays in use/,
    hint: /ch config edit/,
  },
  ...(
    [
      [
        "a rule means no directory that is there",
        { "~/gone/**": {} },
        "warn",
        /project gone: no directory/,
        /ch project unset '~\/gone/,
      ],
      [
        "a rule names a config that is none",
        { "~/project": { config: "mian" } },
        "fail",
        /no config "mian": its requests are refused/,
        /ch config list/,
      ],
      [
        "a wall names what is no upstream",
        { "~/project": { allow: ["main", "relay-x"] } },
        "warn",
        /its wall names "relay-x"/,
        /ch config list/,
      ],
      [
        "the redaction rules of one are missing",
        { "~/project": { filter: "none.json" } },
        "fail",
        /its requests are refused: .*none\.json is missing/,
        /--filter/,
      ],
      [
        "its redaction rules are broken",
        { "~/project": { filter: "odd.json" } },
        "fail",
        /its requests are refused: .*odd\.json/,
        /--filter/,
      ],
    ] as const
  ).map(([name, projects, status, says, hint]): Condition => ({
    name: `projects: ${name}`,
    make({ home }) {
      const path = join(home.path, ".codex-helper/config.json");
      const config = JSON.parse(readFileSync(path, "utf8")) as object;
      home.write(".codex-helper/odd.json", "[{");
      home.write(".codex-helper/config.json", { ...config, projects });
      for (const file of [path, join(home.path, ".codex-helper/odd.json")]) chmodSync(file, 0o600);
    },
    status,
    says,
    hint,
  })),
  ...(
    [
      [
        "one is spent",
        { usd: 1, per: "day" },
        "warn",
        /\$1\.00 of \$1\.00 a day: it is spent/,
        /ch budget lift all/,
      ],
      ["one is nearly spent", { usd: 1.1, per: "day" }, "info", /\$1\.00 of \$1\.10 a day/, /ch budget/],
    ] as const
  ).map(([name, budget, status, says, hint]): Condition => ({
    name: `budgets: ${name}`,
    make({ home }) {
      const path = join(home.path, ".codex-helper/config.json");
      const config = JSON.parse(readFileSync(path, "utf8")) as object;
      home.write(".codex-helper/config.json", { ...config, budget });
      home.write(".codex-helper/prices.json", [{ model: "*", input: 1, output: 1 }]);
      const line = {
        timestamp_ms: Date.now(),
        service: "codex",
        method: "POST",
        path: "/v1/responses",
        upstream_base_url: "https://relay.example/v1",
        model: "m",
        outcome: "ok",
        usage: { input_tokens: 1_000_000, output_tokens: 0, total_tokens: 1_000_000 },
      };
      home.write(".codex-helper/logs/requests.jsonl", `${JSON.stringify(line)}\n`);
      chmodSync(path, 0o600);
    },
    status,
    says,
    hint,
  })),
  {
    name: "pool: nothing listens where the engine should be",
    make({ home }) {
      const path = join(home.path, ".codex-helper/config.json");
      const config = JSON.parse(readFileSync(path, "utf8")) as object;
      const share = { url: `redis://127.0.0.1:${freePort()}`, namespace: "team" };
      home.write(".codex-helper/config.json", { ...config, share });
      chmodSync(path, 0o600);
    },
    status: "warn",
    says: /the pool team cannot be used: 127\.0\.0\.1:\d+: refused the connection/,
    hint: /ch pool test/,
  },
  {
    name: "config-file: something in it is odd",
    make: ({ writeConfig }) => writeConfig({ auth: { auth_token: "a", auth_token_env: "RELAY_KEY" } }),
    status: "warn",
    says: /codex\.configs\.main\.upstreams\[0\]/,
    hint: /ch config edit/,
  },
  {
    name: "config-file: an address cannot work",
    make: ({ writeConfig }) => writeConfig({ base_url: `http://127.0.0.1:${freePort()}/v1/responses` }),
    status: "warn",
    says: /upstreams\[0\]\.base_url: ends in \/responses,/,
    hint: /ch config edit/,
  },
  {
    name: "filter-file: it is broken",
    make: ({ home }) => void home.write(".codex-helper/filter.json", "[{]"),
    status: "fail",
    says: /filter\.json:1:\d+/,
    hint: /ch filter check/,
  },
  {
    name: "filter-file: it was there and is gone",
    make: ({ home }) => void home.write(".codex-helper/filter-seen.json", { removal_accepted: false }),
    status: "fail",
    says: /filter\.json was there and is missing/,
    hint: /ch filter check --accept-removal/,
  },
  {
    name: "filter-file: it is a link that leads nowhere",
    make: ({ home }) => symlinkSync(join(home.path, "vault", "filter.json"), home.paths.filter),
    status: "fail",
    says: /filter\.json is a link to a file that does not exist/,
    hint: /remove the link/,
  },
  {
    name: "filter-file: it is turned off",
    make: ({ home }) => {
      const config = JSON.parse(readFileSync(home.paths.config, "utf8")) as object;
      home.write(".codex-helper/config.json", { ...config, filter: false });
      chmodSync(home.paths.config, 0o600);
    },
    status: "info",
    says: /redaction is off/,
    hint: /ch config edit/,
  },
  {
    name: "filter-file: its removal was accepted",
    make: ({ home }) => void home.write(".codex-helper/filter-seen.json", { removal_accepted: true }),
    status: "ok",
    says: /there are no redaction rules/,
  },
  {
    name: "own-headers: Codex's provider table has some",
    make: ({ home }) =>
      void home.write(
        ".codex/config.toml",
        'model_provider = "a"\n[model_providers.a]\nname = "A"\nbase_url = "https://relay-a.example/v1"\n' +
          'http_headers = { "X-Relay-Key" = "secret" }\nquery_params = { key = "secret" }\n',
      ),
    status: "info",
    says: /^Codex adds X-Relay-Key, \?key to its requests; only relay-a\.example gets them \(\[model_providers\.a\]\)$/,
  },
  {
    name: "own-headers: Claude Code's settings have some, and their relay is not known",
    make: ({ home }) =>
      void home.write(".claude/settings.json", {
        env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:3210", ANTHROPIC_CUSTOM_HEADERS: "X-Team: secret" },
      }),
    status: "info",
    says: /^Claude Code adds X-Team to its requests; no upstream gets them: the relay of ANTHROPIC_BASE_URL \(.*\) is not known$/,
    hint: /headers_allowed/,
  },
  {
    name: "notify: the desktop's program is missing",
    make: ({ home }) => addSetting(home, { notify: {} }),
    status: "warn",
    says: /no notification can be shown: (?:notify-send|osascript|powershell\.exe) is not on PATH/,
    hint: /libnotify|"via": "bell"/,
  },
  {
    name: "notify: the way to its address leads through a proxy that cannot be used",
    make({ env, home }) {
      env["https_proxy"] = "socks5://127.0.0.1:1";
      addSetting(home, { notify: { via: { url: "https://push.example/secret-topic" } } });
    },
    status: "warn",
    says: /no notification can be shown: https_proxy is a SOCKS proxy/,
    hint: /ch hooks test/,
  },
  {
    name: "usage-providers: it is broken",
    make: ({ home }) => void home.write(".codex-helper/usage_providers.json", "{\n  nope }"),
    status: "warn",
    says: /usage_providers\.json:2:\d+/,
  },
  {
    name: "usage-providers: it was removed under a running proxy",
    make: ({ home }) => serveWithout(home, "usage_providers.json", { providers: [] }),
    status: "warn",
    says: /usage_providers\.json was removed; the last valid version stays in use/,
    hint: /fix .*usage_providers\.json/,
  },
  {
    name: "prices: it was removed under a running proxy",
    make: ({ home }) => serveWithout(home, "prices.json", []),
    status: "warn",
    says: /prices\.json was removed; the last valid version stays in use/,
    hint: /fix .*prices\.json/,
  },
  {
    name: "prices: it is broken",
    make: ({ home }) => void home.write(".codex-helper/prices.json", "[1, 2"),
    status: "warn",
    says: /prices\.json:1:\d+/,
  },
  {
    name: "state-file: it is torn",
    make: ({ home }) => void home.write(".codex-helper/state.json", '{"upstreams": {'),
    status: "info",
    says: /counts as empty/,
  },
  {
    name: "spend-file: it is torn",
    make: ({ home }) => void home.write(".codex-helper/spend.json", '{"version": 1, "days": {'),
    status: "info",
    says: /spend\.json is not what it should be; the next proxy puts it aside/,
  },
  {
    name: "spend-file: a directory is in its place",
    make: ({ home }) => void mkdirSync(home.paths.spend, { recursive: true, mode: 0o700 }),
    status: "warn",
    says: /spend\.json/,
    hint: /remove .*spend\.json/,
  },
  {
    name: "request-log: a directory is in its place",
    make: ({ home }) => void mkdirSync(home.paths.requestsLog, { recursive: true, mode: 0o700 }),
    status: "warn",
    says: /requests are not logged in .*requests\.jsonl: it is not a file/,
  },
  {
    name: "request-log: it could not be put away",
    make: ({ home }) => truncateSync(home.write(".codex-helper/logs/requests.jsonl", ""), 101 * 2 ** 20),
    status: "warn",
    says: /requests\.jsonl has grown to 101 MiB/,
  },
  {
    name: "home: a file is in its place",
    make: ({ home }) => {
      rmSync(home.paths.home, { recursive: true });
      home.write(".codex-helper", "not a directory");
    },
    status: "fail",
    says: /ch cannot write to .*not a directory/,
    hint: /CODEX_HELPER_HOME/,
  },
  {
    name: "file-modes: others may read a log",
    make: ({ home }) => chmodSync(home.write(".codex-helper/logs/requests.jsonl.1", ""), 0o644),
    status: "warn",
    says: /other users can read .*requests\.jsonl\.1/,
    hint: /ch doctor --fix/,
  },
  {
    name: "file-modes: others may read many files",
    make: ({ home }) => {
      for (const number of [1, 2, 3, 4]) chmodSync(home.write(`.codex-helper/backups/${number}`, ""), 0o640);
    },
    status: "warn",
    says: /other users can read \d of ch's files, such as .*backups/,
    hint: /ch doctor --fix/,
  },
  {
    name: "leftovers: a write was killed",
    make: async ({ home }) => {
      const dead = Bun.spawn(["true"]);
      await dead.exited;
      const path = home.write(`.codex-helper/run/.state.json.${dead.pid}.0123abcd.tmp`, "x");
      utimesSync(path, new Date(), new Date(Date.now() - 60_000));
    },
    status: "info",
    says: /temporary files of a ch that was killed: 1, such as .*\.state\.json/,
    hint: /ch doctor --fix/,
  },
  {
    name: "predecessor: it left a backup",
    make: ({ home }) => void home.write(".codex/config.toml.codex-helper-backup", "x"),
    status: "info",
    says: /older codex-helper/,
  },
  {
    name: "route: the active config does not exist",
    make: ({ home }) => {
      const main = { upstreams: [{ base_url: "http://127.0.0.1:9/v1" }] };
      home.write(".codex-helper/config.json", { codex: { active: "gone", configs: { a: main, b: main } } });
    },
    status: "fail",
    says: /"gone"/,
    hint: /ch config set-active/,
  },
  {
    name: "backup: there is a single upstream",
    make: ({ home, upstream }) => {
      const main = { upstreams: [{ base_url: upstream.baseUrl }] };
      home.write(".codex-helper/config.json", { codex: { configs: { main } } });
    },
    status: "info",
    says: /no failover/,
    hint: /ch config add main --append/,
  },
  {
    name: "model-chains: a model stands in for itself",
    make: ({ home, upstream }) => {
      const first = { base_url: upstream.baseUrl, models: { a: "one", b: "one" } };
      const second = { base_url: `${upstream.origin}/backup/v1`, models: { a: "two", b: "two" } };
      const main = { upstreams: [first, second], models: { a: ["a", "b"] } };
      home.write(".codex-helper/config.json", { codex: { configs: { main } } });
    },
    status: "warn",
    says: /config main: "a" has no other model to go to/,
    hint: /ch config edit/,
  },
  {
    name: "reserves: nothing tells of the window",
    make: ({ writeConfig }) => writeConfig({ keep: { "5h": 20 } }),
    status: "warn",
    says: /main#1: nothing tells what is left of 5 h: none of it is kept for you/,
    hint: /ch quota refresh --codex/,
  },
  {
    name: "shared-limits: the upstreams of one account say different things",
    make: ({ home, upstream }) => {
      const one = { base_url: upstream.baseUrl, limit_group: "acme", max_concurrent: 2 };
      const other = { base_url: `${upstream.origin}/backup/v1`, limit_group: "acme", max_concurrent: 3 };
      home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [one, other] } } } });
    },
    status: "info",
    says: /limit_group acme \(main#1, main#2\): the smallest of its limits counts, 2/,
    hint: /ch config edit/,
  },
  {
    name: "shared-limits: a name that nobody else has",
    make: ({ home, upstream }) => {
      const one = { base_url: upstream.baseUrl, limit_group: "acmee", max_concurrent: 2 };
      home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [one] } } } });
    },
    status: "info",
    says: /limit_group acmee: only main#1 has it, it shares nothing/,
    hint: /ch config edit/,
  },
  {
    name: "credentials: the variable is not set",
    make: ({ env }) => void (env["RELAY_KEY"] = ""),
    status: "fail",
    says: /main#1: .*RELAY_KEY/,
    hint: /ch config set main#1 --auth-token-stdin/,
  },
  {
    name: "credentials: the key itself is in the file",
    make: ({ writeConfig }) => writeConfig({ auth: { auth_token: "sk-very-secret-literal" } }),
    status: "info",
    says: /main#1: the key is stored in config\.json, for \d+ s or longer/,
  },
  {
    name: "credentials: the key in the file is old, and the machine has a place for keys",
    make({ env, home, writeConfig }) {
      const bin = join(home.path, "bin");
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, "op"), "", { mode: 0o755 });
      env["PATH"] = `${bin}:${env["PATH"] ?? ""}`;
      writeConfig({ auth: { auth_token: "sk-very-secret-literal" } });
      const then = Date.now() - 40 * 86_400_000;
      home.write(`.codex-helper/backups/config.json.${then}`, { any: "sk-very-secret-literal" });
    },
    status: "info",
    says: /main#1: the key is stored in config\.json, for 40 d or longer/,
    hint: /ch config set main#1 --auth-token-command -- op read op:\/\/Private\/ch-main-1\/credential/,
  },
  {
    name: "credentials: the command that prints the key fails",
    make: ({ writeConfig }) =>
      writeConfig({ auth: { auth_token_command: ["/bin/sh", "-c", "echo locked >&2; exit 2"] } }),
    status: "fail",
    says: /main#1: the command for its key \(sh\) exited with code 2: locked/,
    hint: /\/bin\/sh -c 'echo locked >&2; exit 2' > \/dev\/null/,
  },
  {
    name: "credentials: the command prints the key",
    make: ({ writeConfig }) => writeConfig({ auth: { api_key_command: ["/bin/echo", "sk-from-vault"] } }),
    status: "ok",
    says: /main#1: echo prints its key \(\d+ ms\)/,
  },
  {
    name: "availability: a balance says that nothing is left",
    make({ env, home, upstream }) {
      const at = Date.now();
      const meter = { name: "key", left: 0, used: 20, limit: 20, unit: "USD", resets_at: at + 3_600_000 };
      const reading = { source: "own", meters: [meter], unlimited: false, says: null, at, tried_at: at };
      const key = `own@${new URL(upstream.origin).host}|${fingerprint("sk-spent")}`;
      const quota = { [key]: { ...reading, error: null, unsupported: false } };
      env["RELAY_KEY"] = "sk-spent";
      home.write(".codex-helper/state.json", { quota });
      const provider = { id: "own", kind: "sub2api_usage", domains: ["127.0.0.1"] };
      home.write(".codex-helper/usage_providers.json", { providers: [provider] });
    },
    status: "warn",
    says: /main#1: spent until .*\d\d:\d\d \(balance read\): \$0\.00 of \$20\.00 left \(key\)/,
    hint: /^ch quota$/,
  },
  ...(
    [
      [
        "a key was refused",
        reply({ status: 401 }),
        1,
        /key refused.*401 refused the credential/,
        "availability",
        /ch config set main#1 --auth-token-stdin/,
      ],
      [
        "a key was refused twice",
        reply({ status: 403 }),
        2,
        /403 refused the credential/,
        "availability",
        /ch config set main#1 --auth-token-stdin/,
      ],
      [
        "a web page",
        reply({ body: "<!doctype html><title>Home</title>", headers: { "content-type": "text/html" } }),
        2,
        /main#1: answered with a web page, 2 times in the last hour$/,
        "seen",
        /ch config set main#1 --base-url URL/,
      ],
      [
        "a login page elsewhere",
        reply({ status: 302, headers: { location: "https://portal.example/login" } }),
        1,
        /redirect to https:\/\/portal\.example\/login, once in the last hour$/,
        "seen",
        /--base-url URL/,
      ],
      [
        "a path that is not there",
        reply({ status: 404 }),
        1,
        /404 does not serve this path, once in the last hour$/,
        "seen",
        /--base-url URL/,
      ],
      ["a spent quota", reply({ status: 402 }), 1, /spent.*402 payment required/, "availability", /ch quota/],
      [
        "an upstream that fails",
        reply({ status: 500 }),
        2,
        /main#1: 500 failed, 2 times in the last hour/,
        "seen",
        /ch doctor --probe main#1/,
      ],
      [
        "a field that is refused",
        reply({
          status: 400,
          body: { error: { message: "Unknown parameter: 'store'.", code: "unknown_parameter" } },
        }),
        1,
        /does not take/,
        "seen",
        /ch doctor --probe main#1 .*--features/,
      ],
    ] as const
  ).map(([title, answer, turns, says, id, hint]) => ({
    name: `${id}: the last hour had ${title}`,
    make: (healthy: HealthyHome) => meet(healthy, answer, turns),
    status: "warn" as const,
    says,
    hint,
  })),
  {
    name: "seen: nobody listened in the last hour",
    make: async (healthy) => {
      healthy.writeConfig({ base_url: `http://127.0.0.1:${freePort()}/v1` });
      await meet(healthy, reply());
    },
    status: "warn",
    says: /main#1: refused the connection \(ECONNREFUSED\), once in the last hour$/,
    hint: /ch doctor --probe main#1/,
  },
  {
    name: "outbound-proxy: a variable names one",
    make: async ({ env, writeConfig }) => {
      writeConfig({ base_url: "http://relay.example/v1" });
      const proxy = await startFakeUpstream([reply()]);
      env["HTTP_PROXY"] = `http://someone:secret@127.0.0.1:${proxy.port}`;
      env["NO_PROXY"] = "127.0.0.1";
      return proxy;
    },
    status: "info",
    says: /main#1 is reached through the proxy 127\.0\.0\.1:\d+ \(HTTP_PROXY\)/,
  },
  {
    name: "system-proxy: the desktop has one",
    make: ({ home }) => {
      // GNOME's own tool, with the answer that it gives then.
      const script = `#!/bin/sh\ncat <<END\norg.gnome.system.proxy mode 'manual'\norg.gnome.system.proxy.https host '127.0.0.1'\norg.gnome.system.proxy.https port 7890\nEND\n`;
      chmodSync(home.write("bin/gsettings", script), 0o755);
      rmSync(join(home.path, "bin/cat"), { force: true });
      home.write("bin/cat", '#!/bin/sh\nwhile read -r line; do echo "$line"; done\n');
      chmodSync(join(home.path, "bin/cat"), 0o755);
    },
    status: "info",
    says: /the desktop uses the proxy 127\.0\.0\.1:7890/,
    hint: /export HTTPS_PROXY=http:\/\/127\.0\.0\.1:7890/,
  },
  {
    name: "reachable: DNS does not know the name",
    make: ({ writeConfig }) => writeConfig({ base_url: "https://relay.invalid/v1" }),
    status: "fail",
    says: /main#1 \(relay\.invalid\): DNS lookup failed \(\w+\)/,
    hint: /nslookup relay\.invalid/,
  },
  {
    name: "reachable: nothing listens on the port",
    make: ({ writeConfig }) => writeConfig({ base_url: `http://127.0.0.1:${freePort()}/v1` }),
    status: "fail",
    says: /main#1 \(127\.0\.0\.1:\d+\): refused the connection \(ECONNREFUSED\)/,
    hint: /curl/,
  },
  {
    name: "reachable: it takes connections and no handshake",
    make: async ({ writeConfig }) => {
      const silent = await startFakeUpstream([], { onAccept: () => "silence" });
      writeConfig({ base_url: `https://127.0.0.1:${silent.port}/v1` });
      return silent;
    },
    status: "fail",
    says: /connection timed out \(TLS\)/,
  },
  {
    name: "reachable: the certificate is not good",
    make: async ({ writeConfig }) => {
      const tls = { key: TEST_KEY, cert: GOOD_CERTIFICATE };
      const secure = await startFakeUpstream([reply()], { tls });
      writeConfig({ base_url: `https://127.0.0.1:${secure.port}/v1` });
      return secure;
    },
    status: "fail",
    says: /its certificate is from an unknown authority \([A-Z_]+\)/,
  },
  ...(
    [
      [
        "refuses the tunnel",
        says("403 Forbidden"),
        /\(relay\.example\): the outbound proxy 127\.0\.0\.1:\d+ does not connect \(403\)/,
      ],
      ["wants a password", says("407 Login"), /proxy 127\.0\.0\.1:\d+ wants a user and password \(407\)/],
      ["does not answer CONNECT", isMute, /nothing comes through the outbound proxy 127\.0\.0\.1:\d+/],
      ["opens a tunnel to nowhere", opensTo(isMute), /relay\.example\): connection timed out \(TLS\)/],
    ] as const
  ).map(([name, manner, words]) => ({
    name: `reachable: an outbound proxy ${name}`,
    make: async ({ writeConfig }: HealthyHome) => {
      const proxy = await startOutbound(manner);
      writeConfig({ base_url: "https://relay.example/v1", proxy: proxy.url });
      return proxy;
    },
    status: "fail" as const,
    says: words,
    hint: /proxy|curl -v -x/,
  })),
  {
    name: "reachable: an outbound proxy is not there",
    make: ({ writeConfig }) =>
      writeConfig({ base_url: "https://relay.example/v1", proxy: `http://127.0.0.1:${freePort()}` }),
    status: "fail",
    says: /the outbound proxy 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)/,
    hint: /"proxy": false/,
  },
  {
    name: "reachable: an http upstream's proxy has no answer",
    make: async ({ writeConfig }) => {
      const proxy = await startFakeUpstream(() => reply({ status: 502 }));
      writeConfig({ base_url: "http://relay.example/v1", proxy: proxy.origin });
      return proxy;
    },
    status: "fail",
    says: /\(relay\.example\): the outbound proxy 127\.0\.0\.1:\d+ does not connect \(502\)/,
  },
  {
    name: "reachable: a company's proxy signs the certificates itself",
    make: async ({ writeConfig }) => {
      const inspector = await startFakeUpstream([], { tls: { key: TEST_KEY, cert: GOOD_CERTIFICATE } });
      const proxy = await startOutbound(tunnelTo(inspector.port));
      writeConfig({ base_url: "https://relay.example/v1", proxy: proxy.url });
      return {
        async [Symbol.asyncDispose]() {
          await inspector[Symbol.asyncDispose]();
          await proxy[Symbol.asyncDispose]();
        },
      };
    },
    status: "fail",
    says: /\(relay\.example\): its certificate is from an unknown authority \([A-Z_]+\)/,
    hint: /NODE_EXTRA_CA_CERTS=.*"tls_ca"/,
  },
  {
    name: "reachable: the port is one for http",
    make: ({ upstream, writeConfig }) => writeConfig({ base_url: `https://127.0.0.1:${upstream.port}/v1` }),
    status: "fail",
    says: /no TLS on this port: https to an http port \(HTTP_PORT\)/,
    hint: /ch config set main#1 --base-url http:\/\/127\.0\.0\.1:\d+\/v1/,
  },
  {
    name: "reachable: the port is one for https",
    make: async ({ writeConfig }) => {
      const secure = await startFakeUpstream([reply()], { tls: { key: TEST_KEY, cert: GOOD_CERTIFICATE } });
      writeConfig({ base_url: `http://127.0.0.1:${secure.port}/v1` });
      return secure;
    },
    status: "fail",
    says: /TLS on this port: http to an https port \(HTTPS_PORT\)/,
    hint: /ch config set main#1 --base-url https:\/\/127\.0\.0\.1:\d+\/v1/,
  },
  {
    name: "reachable: the certificate has expired",
    make: async ({ home, writeConfig }) => {
      const tls = { key: TEST_KEY, cert: EXPIRED_CERTIFICATE };
      const secure = await startFakeUpstream([reply()], { tls });
      const tls_ca = home.write("ca.pem", EXPIRED_CERTIFICATE);
      writeConfig({ base_url: `https://127.0.0.1:${secure.port}/v1`, tls_ca });
      return secure;
    },
    status: "fail",
    says: /its certificate has expired \(CERT_HAS_EXPIRED\)/,
  },
  {
    name: "reachable: the certificate is for another name",
    make: async ({ home, writeConfig }) => {
      const tls = { key: TEST_KEY, cert: WRONG_NAME_CERTIFICATE };
      const secure = await startFakeUpstream([reply()], { tls });
      const tls_ca = home.write("ca.pem", WRONG_NAME_CERTIFICATE);
      writeConfig({ base_url: `https://127.0.0.1:${secure.port}/v1`, tls_ca });
      return secure;
    },
    status: "fail",
    says: /its certificate is for another name \(ERR_TLS_CERT_ALTNAME_INVALID\)/,
  },
  {
    name: "reachable: its tls_ca is not there",
    make: ({ writeConfig }) =>
      writeConfig({ base_url: "https://relay.example/v1", tls_ca: "/nowhere/ca.pem" }),
    status: "fail",
    says: /main#1: tls_ca: \/nowhere\/ca\.pem: the file does not exist/,
    hint: /ch config edit/,
  },
  {
    name: "trust: a variable that only Codex reads",
    make: ({ env, home }) => void (env["CODEX_CA_CERTIFICATE"] = home.write("ca.pem", GOOD_CERTIFICATE)),
    status: "warn",
    says: /CODEX_CA_CERTIFICATE is read by Codex only/,
    hint: /NODE_EXTRA_CA_CERTS="\$CODEX_CA_CERTIFICATE"/,
  },
  {
    name: "trust: a file that is not there",
    make: ({ env }) => void (env["SSL_CERT_FILE"] = "/nowhere/ca.pem"),
    status: "warn",
    says: /SSL_CERT_FILE names \/nowhere\/ca\.pem, which cannot be read/,
  },
  {
    name: "trust: one of several directories is not there",
    make: ({ env, home }) => void (env["SSL_CERT_DIR"] = `${home.path}:/nowhere`),
    status: "warn",
    says: /SSL_CERT_DIR names \/nowhere,/,
  },
  {
    name: "trust: nothing is checked",
    make: ({ env }) => void (env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"),
    status: "warn",
    says: /no certificate is checked/,
    hint: /unset NODE_TLS_REJECT_UNAUTHORIZED/,
  },
  {
    name: "clock: the upstream's is an hour ahead",
    make: ({ upstream }) =>
      upstream.play(() => reply({ headers: { date: new Date(Date.now() + 3_600_000).toUTCString() } })),
    status: "warn",
    says: /60 min behind/,
    hint: /timedatectl/,
  },
  {
    name: "switch: the proxy that did it was killed",
    make: switchAndKill,
    status: "fail",
    says: /the proxy that switched it is no longer running/,
    hint: /ch doctor --fix/,
  },
  {
    name: "switch: nothing listens there",
    make: async ({ home }) => {
      const { code } = await runCli(["switch", "on", "--codex", "--port", String(freePort())], { home });
      expect(code).toBe(0);
    },
    status: "fail",
    says: /where no proxy answers/,
    hint: /ch serve --codex --port \d+, or: ch switch off --codex/,
  },
  {
    name: "switch: another program has the proxy's port",
    make: async ({ home }) => {
      const port = freePort();
      const { code } = await runCli(["switch", "on", "--codex", "--port", String(port)], { home });
      expect(code).toBe(0);
      return listenOn(port);
    },
    status: "fail",
    says: /where .+ listens, not ch: it receives Codex's requests and key/,
    hint: /ch switch off --codex/,
  },
  {
    name: "client-token: a client was switched before the setting",
    make: async (healthy) => {
      const { home } = healthy;
      const { code } = await runCli(["switch", "on", "--codex", "--port", String(freePort())], { home });
      expect(code).toBe(0);
      healthy.writeConfig();
      const config = JSON.parse(readFileSync(home.paths.config, "utf8")) as object;
      chmodSync(
        home.write(".codex-helper/config.json", { ...config, limits: { client_token: true } }),
        0o600,
      );
    },
    status: "fail",
    says: /Codex: its address lacks the current client token/,
    hint: /ch switch on --codex/,
  },
  {
    name: "managed-config: the administrator's file sets the provider",
    make: ({ home }) =>
      void home.write("etc/codex/managed_config.toml", 'openai_base_url = "https://corp.example/v1"\n'),
    status: "warn",
    says: /managed_config\.toml sets openai_base_url/,
  },
  {
    name: "managed-config: the administrator's settings set Claude Code's address",
    make: ({ home }) =>
      void home.write("etc/claude/managed-settings.json", {
        env: { ANTHROPIC_BASE_URL: "https://corp.example" },
      }),
    status: "warn",
    says: /Claude Code: .*managed-settings\.json sets ANTHROPIC_BASE_URL/,
  },
  {
    name: "profiles: one names another provider",
    make: ({ home }) => void home.write(".codex/work.config.toml", 'model_provider = "openai"\n'),
    status: "warn",
    says: /codex -p work bypasses the proxy/,
    hint: /ch run -- codex -p work/,
  },
  {
    name: "project-settings: they set the base URL",
    make: ({ home }) =>
      void home.write("project/.claude/settings.json", {
        env: { ANTHROPIC_BASE_URL: "https://corp.example" },
      }),
    status: "warn",
    says: /in this directory Claude Code bypasses the proxy/,
    hint: /ch run -- claude/,
  },
  {
    name: "cloud-endpoint: a variable is set",
    make: ({ env }) => void (env["CLAUDE_CODE_USE_BEDROCK"] = "1"),
    status: "warn",
    says: /CLAUDE_CODE_USE_BEDROCK/,
    hint: /unset CLAUDE_CODE_USE_BEDROCK/,
  },
  {
    name: "client-home: a name that no shell has expanded",
    make: ({ env }) => void (env["CLAUDE_CONFIG_DIR"] = "~/work"),
    status: "warn",
    says: /CLAUDE_CONFIG_DIR is "~\/work", which Claude Code takes for .*started in another directory/,
    hint: /export CLAUDE_CONFIG_DIR="\$HOME\/work"/,
  },
  {
    name: "client-home: a relative one",
    make: ({ env }) => void (env["CODEX_HOME"] = "work"),
    status: "warn",
    says: /CODEX_HOME is "work", which Codex takes for /,
    hint: /export CODEX_HOME="\$PWD\/work"/,
  },
  {
    name: "loopback-proxy: HTTP_PROXY without NO_PROXY",
    make: ({ env }) => void (env["HTTP_PROXY"] = "http://proxy.example:8080"),
    status: "warn",
    says: /HTTP_PROXY/,
    hint: /export NO_PROXY=127\.0\.0\.1/,
  },
  {
    name: "foreign-proxy: cc-switch has Claude Code",
    make: ({ home }) =>
      void home.write(".claude/settings.json", {
        env: { ANTHROPIC_BASE_URL: "http://127.0.0.1:15721", ANTHROPIC_AUTH_TOKEN: "x" },
      }),
    status: "warn",
    says: /points at 127\.0\.0\.1:15721.*\(cc-switch\)/,
  },
  {
    name: "other-homes: Codex is switched under another CODEX_HOME",
    make: async ({ home }) => {
      const env = { CODEX_HOME: join(home.path, "work") };
      mkdirSync(env.CODEX_HOME);
      await runCli(["switch", "on", "--port", String(freePort())], { home, env });
    },
    status: "info",
    says: /Codex is also switched, to port \d+, in .*work\/config\.toml/,
    hint: /^CODEX_HOME=.*work ch switch off --codex$/,
  },
  {
    name: "other-tools: cc-switch is set up",
    make: ({ home }) => mkdirSync(join(home.path, ".cc-switch")),
    status: "info",
    says: /cc-switch is installed here/,
  },
  {
    name: "client-versions: Codex is not there",
    make: ({ home }) => rmSync(join(home.path, "bin/codex")),
    status: "info",
    says: /Codex is not on PATH/,
    hint: /npm install -g @openai\/codex/,
  },
  {
    name: "client-versions: Claude Code is older than what was tried",
    make: ({ home }) =>
      installClient(home, { command: "claude", name: "@anthropic-ai/claude-code", version: "1.0.128" }),
    status: "info",
    says: /Claude Code 1\.0\.128 is older/,
  },
  {
    name: "client-versions: Codex is newer than what was tried, and sends what is not known",
    make: ({ home }) => {
      installClient(home, { command: "codex", name: "@openai/codex", version: "0.172.3" });
      const line = {
        timestamp_ms: 1,
        service: "codex",
        method: "POST",
        path: "/v1/responses",
        status_code: 200,
      };
      const lines = [
        { ...line, client: "codex_exec/0.171.0", held_back: ["x-of-the-tested"] },
        { ...line, client: "opencode/9.9.9", held_back: ["x-of-another"] },
        {
          ...line,
          client: "codex-tui/0.172.3",
          held_back: ["x-brand-new", "?key", "x-relay-token", "x-codex-window-id"],
        },
        { ...line, client: "codex-tui/0.172.3", path: "/v1/brand/new" },
      ];
      home.write(
        ".codex-helper/logs/requests.jsonl",
        lines.map((one) => `${JSON.stringify(one)}\n`).join(""),
      );
      chmodSync(join(home.path, ".codex-helper/logs/requests.jsonl"), 0o600);
    },
    status: "info",
    says: /Codex 0\.172\.3 is newer than the newest tested version \(0\.171\.0\) and sends what was not tested: (?:x-brand-new, POST \/v1\/brand\/new|POST \/v1\/brand\/new, x-brand-new)$/,
  },
  {
    name: "codex-home: there is no such directory",
    make: ({ env, home }) => {
      env["CODEX_HOME"] = home.paths.codexHome;
      rmSync(home.paths.codexHome, { recursive: true });
    },
    status: "fail",
    says: /CODEX_HOME is .*\.codex, which is not a directory/,
    hint: /mkdir -p/,
  },
  {
    name: "codex-config: it is broken",
    make: ({ home }) => void home.write(".codex/config.toml", 'model = "a"\nmodel_provider = \n'),
    status: "fail",
    says: /config\.toml:2:\d+/,
  },
  {
    name: "codex-config: the provider is not defined",
    make: ({ home }) => void home.write(".codex/config.toml", 'model_provider = "gone"\n'),
    status: "fail",
    says: /"gone", which no file defines/,
  },
  {
    name: "codex-config: wire_api is chat",
    make: ({ home }) =>
      void home.write(
        ".codex/config.toml",
        'model_provider = "r"\n[model_providers.r]\nname = "r"\nwire_api = "chat"\n',
      ),
    status: "fail",
    says: /no longer supports/,
    hint: /wire_api = "responses"/,
  },
  {
    name: "codex-config: it is a pipe, which nobody writes to",
    make: ({ home }) => makePipe(home.write(".codex/config.toml", "")),
    status: "fail",
    says: /config\.toml is not a file/,
  },
  {
    name: "codex-config: the provider is named OpenAI",
    make: ({ home }) =>
      void home.write(".codex/config.toml", 'model_provider = "r"\n[model_providers.r]\nname = "OpenAI"\n'),
    status: "warn",
    says: /named "OpenAI"/,
  },
  {
    name: "codex-login: auth.json is torn",
    make: ({ home }) => chmodSync(home.write(".codex/auth.json", '{"OPENAI_API_KEY": "sk-'), 0o600),
    status: "warn",
    says: /auth\.json is not valid JSON/,
    hint: /codex login/,
  },
  {
    name: "codex-login: others may read auth.json",
    make: ({ home }) => chmodSync(home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-mine" }), 0o644),
    status: "warn",
    says: /other users can read .*auth\.json/,
    hint: /chmod 600/,
  },
  {
    name: "codex-login: the built-in provider without a login",
    make: ({ home }) => void home.write(".codex/config.toml", 'model = "gpt-5"\n'),
    status: "info",
    says: /Codex has no login/,
    hint: /ch serve --own-provider/,
  },
  {
    name: "codex-key: the variable is not in this shell",
    make: ({ home }) =>
      void home.write(
        ".codex/config.toml",
        'model_provider = "r"\n[model_providers.r]\nname = "r"\nenv_key = "THE_KEY"\n',
      ),
    status: "warn",
    says: /THE_KEY/,
    hint: /export THE_KEY=/,
  },
  {
    name: "ignored-variable: OPENAI_BASE_URL is set",
    make: ({ env }) => void (env["OPENAI_BASE_URL"] = "https://relay.example/v1"),
    status: "info",
    says: /Codex does not read it/,
    hint: /ch config add/,
  },
  {
    name: "codex-disk: the log has grown",
    make: ({ home }) => truncateSync(home.write(".codex/logs_2.sqlite-wal", ""), 1.5 * GIB),
    status: "warn",
    says: /logs_2\.sqlite has grown to 1\.5 GiB/,
  },
  {
    name: "codex-disk: the packages have grown",
    make: ({ home }) => truncateSync(home.write(".codex/packages/a/b/codex", ""), 2.5 * GIB),
    status: "warn",
    says: /packages has grown to 2\.5 GiB/,
  },
  {
    name: "claude-settings: the user's are broken",
    make: ({ home }) => void home.write(".claude/settings.json", '{\n  "env": {\n'),
    status: "fail",
    says: /settings\.json:\d+:\d+/,
  },
  {
    name: "claude-settings: it is a pipe, which nobody writes to",
    make: ({ home }) => makePipe(home.write(".claude/settings.json", "")),
    status: "fail",
    says: /settings\.json is not a file/,
  },
  {
    name: "claude-settings: the base URL ends in /v1",
    make: ({ home }) =>
      void home.write(".claude/settings.json", { env: { ANTHROPIC_BASE_URL: "https://relay.example/v1" } }),
    status: "warn",
    says: /\/v1\/v1\/messages/,
  },
  {
    name: "claude-login: there is no credential",
    make: ({ home }) => void home.write(".claude/settings.json", {}),
    status: "info",
    says: /no credential/,
    hint: /ch switch on --claude/,
  },
  {
    name: "claude-patience: it waits for a head for a minute",
    make: ({ home }) => {
      const env = { ANTHROPIC_AUTH_TOKEN: "sk-ant-own", CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS: "60000" };
      home.write(".claude/settings.json", { env });
    },
    status: "warn",
    says: /settings\.json.* sets CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS to 60000/,
    hint: /set CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS to 360000 or more/,
  },
  {
    name: "claude-statusline: its program was removed",
    make: ({ home }) => {
      const command = "'/opt/old place/ch' statusline --claude --wrap mine.sh";
      const env = { ANTHROPIC_AUTH_TOKEN: "sk-ant-own" };
      home.write(".claude/settings.json", { env, statusLine: { type: "command", command } });
    },
    status: "warn",
    says: /settings\.json has a status line of ch whose program is gone: \/opt\/old place\/ch$/,
    hint: /ch statusline install/,
  },
  {
    name: "codex-patience: it waits for an event for half a minute",
    make: ({ home }) =>
      void home.write(
        ".codex/config.toml",
        `model_provider = "x"\n[model_providers.x]\nname = "x"\nbase_url = "https://relay.example/v1"\nstream_idle_timeout_ms = 30000\n`,
      ),
    status: "warn",
    says: /config\.toml sets stream_idle_timeout_ms to 30000/,
    hint: /stream_idle_timeout_ms = 300000/,
  },
  {
    name: "claude-shell: the shell names another address",
    make: ({ env }) => void (env["ANTHROPIC_BASE_URL"] = "https://relay.example"),
    status: "info",
    says: /ANTHROPIC_BASE_URL in the shell makes Claude Code bypass the proxy/,
    hint: /unset ANTHROPIC_BASE_URL/,
  },
  {
    name: "instances: one was killed",
    make: (healthy) =>
      writeRecord(healthy, {
        pid: 2 ** 22 + 1,
        started: null,
        service: "codex",
        port: 9,
        token: "t",
        command: "serve",
        since: 0,
      }),
    status: "info",
    says: /ended without cleaning up: 1/,
    hint: /ch doctor --fix/,
  },
  {
    name: "instances: one does not answer",
    make: async (healthy) => {
      const stuck = await startStuckListener();
      const { pid } = process;
      const { port } = stuck;
      writeRecord(healthy, {
        pid,
        started: null,
        service: "codex",
        port,
        token: "t",
        command: "serve",
        since: 0,
      });
      return stuck;
    },
    status: "warn",
    says: /does not answer/,
  },
  {
    name: "port: another program has it",
    make: ({ ports }) => listenOn(ports.claude),
    status: "warn",
    says: /port \d+ for Claude Code's proxy is in use by/,
    hint: /ch serve --claude --port \d+/,
  },
];

/** Brought about where a file system of its own can be mounted, below. */
const ELSEWHERE = ["disk-space"];

test("every check has a condition here that brings it about", () => {
  const covered = new Set([...CONDITIONS.map(({ name }) => name.split(":")[0] ?? ""), ...ELSEWHERE]);
  expect([...covered].toSorted()).toEqual(CHECKS.map(({ id }) => id).toSorted());
});

test("where nothing is odd, every check is silent or says ok", async () => {
  await using healthy = await makeHealthyHome();
  const findings = await healthy.examine();
  expect(findings.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(findings.length).toBeGreaterThan(CHECKS.length / 2);
});

test("a newer version of a client alone is no news", async () => {
  await using healthy = await makeHealthyHome();
  for (const version of ["0.171.1", "0.172.0", "1.0.0-alpha.1"]) {
    installClient(healthy.home, { command: "codex", name: "@openai/codex", version });
    const [found] = (await healthy.examine(["codex"])).filter(({ id }) => id === "client-versions");
    expect({ version, status: found?.status, says: inEnglish(found?.message ?? "") }).toEqual({
      version,
      status: "ok",
      says: `Codex ${version} sent nothing that was not tested with 0.171.0, the newest tested version`,
    });
  }
});

test("of one service, nothing is said of the other's client", async () => {
  await using healthy = await makeHealthyHome();
  healthy.home.write(".claude/settings.json", "{");
  const findings = await healthy.examine(["codex"]);
  expect(
    findings.filter(({ id, message }) => id.startsWith("claude") || /Claude/.test(inEnglish(message))),
  ).toEqual([]);
  expect(findings.some(({ id }) => id === "codex-config")).toBe(true);
  const other = await healthy.examine(["claude"]);
  expect(other.filter(({ status }) => status === "fail").map(({ id }) => id)).toContain("claude-settings");
});

test("of a name with several addresses, one that answers is enough", async () => {
  await using healthy = await makeHealthyHome();
  healthy.writeConfig({ base_url: `http://localhost:${healthy.upstream.port}/v1` });
  const found = (await healthy.examine()).filter(({ id }) => id === "reachable");
  expect(found.map(({ status }) => status)).toEqual(["ok", "ok"]);
  expect(inEnglish(found[0]?.message ?? "")).toMatch(
    /main#1: localhost:\d+ is reachable \(DNS, TCP, HTTP; \d+ ms\)/,
  );
});

test("a client that points at a relay of the user's own on this machine is in nobody's hands", async () => {
  await using healthy = await makeHealthyHome();
  healthy.home.write(".claude/settings.json", {
    env: { ANTHROPIC_BASE_URL: healthy.upstream.origin, ANTHROPIC_AUTH_TOKEN: "x" },
  });
  const found = (await healthy.examine()).filter(({ id }) => id === "foreign-proxy");
  expect(found.filter(({ status }) => status !== "ok")).toEqual([]);
});

test.concurrent.each([...CONDITIONS])("$name", async ({ hint, make, name, says, status }) => {
  await using healthy = await makeHealthyHome();
  await using _opened = (await make(healthy)) ?? { [Symbol.asyncDispose]: async () => {} };
  const id = name.split(":")[0];
  const own = (await healthy.examine()).filter((finding) => finding.id === id);
  const found = own.find(({ message }) => says.test(inEnglish(message)));
  expect({ own, found }).toMatchObject({ own, found: { status } });
  if (hint !== undefined) expect(inEnglish(found?.hint ?? "")).toMatch(hint);
});

test("no check speaks more gravely than it says it does", async () => {
  const grave: Record<Status, number> = { ok: 0, info: 1, warn: 2, fail: 3 };
  for (const { id, worst } of CHECKS) {
    const statuses = CONDITIONS.filter(({ name }) => name.startsWith(`${id}:`)).map(({ status }) => status);
    const gravest = Math.max(0, ...statuses.map((status) => grave[status]));
    expect({ id, gravest }).toEqual({ id, gravest: ELSEWHERE.includes(id) ? 0 : grave[worst] });
  }
});

test("disk-space: a disk with less than 20 MiB left", async () => {
  await using healthy = await makeHealthyHome();
  // A file system in memory, in a namespace of its own. Where the system allows none, the disk is not small.
  const script = `mount -t tmpfs -o size=4m small "$CODEX_HELPER_HOME" && exec "$@"`;
  const mounted = Bun.spawnSync(
    ["unshare", "-Urm", "sh", "-c", script, "sh", ...PROGRAM, "doctor", "--json"],
    {
      env: { ...healthy.home.env, CODEX_HELPER_HOME: healthy.home.paths.home },
      cwd: healthy.home.path,
    },
  );
  const own = mounted.stdout.length === 0 ? await healthy.examine() : readChecks(mounted.stdout.toString());
  const [found] = own.filter(({ id }) => id === "disk-space");
  expect(found).toMatchObject(
    mounted.stdout.length === 0
      ? { status: "ok" }
      : {
          status: "fail",
          message: expect.stringContaining("only 4 MiB"),
          hint: expect.stringContaining("du"),
        },
  );
});

function readChecks(text: string): { id: string; status: Status; message: string; hint?: string }[] {
  return (JSON.parse(text) as { checks: { id: string; status: Status; message: string }[] }).checks;
}
