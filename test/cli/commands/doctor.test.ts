import { expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { CHECKS, type Status } from "../../../src/doctor/checks.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const TOML =
  'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\n';
const CONFIG = {
  codex: {
    configs: {
      main: { upstreams: [{ base_url: "https://relay.example/v1", auth: { auth_token_env: "RELAY_KEY" } }] },
    },
  },
};

function freePort(): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port } = server;
  void server.stop(true);
  return String(port);
}

/** A home in which nothing is odd. */
function makeHealthyHome(): TempHome {
  const home = makeTempHome({ RELAY_KEY: "sk-relay-secret-value" });
  home.write(".codex-helper/config.json", CONFIG);
  home.write(".codex/config.toml", TOML);
  chmodSync(home.paths.home, 0o700);
  chmodSync(home.paths.config, 0o600);
  return home;
}

interface Result {
  readonly code: number;
  readonly of: (id: string) => { status: Status; message: string; hint?: string }[];
}

async function examine(home: TempHome, env: Record<string, string> = {}): Promise<Result> {
  const { code, stdout } = await runCli(["doctor", "--json"], { home, env });
  const { checks } = JSON.parse(stdout) as {
    checks: { id: string; status: Status; message: string; hint?: string }[];
  };
  return { code, of: (id) => checks.filter((check) => check.id === id) };
}

async function switchAndKill(home: TempHome): Promise<void> {
  await using serving = startCli(["serve", "--port", freePort()], { home });
  await serving.waitFor(/Ctrl\+C stops/);
  await serving.stop("SIGKILL");
}

/** Brings the condition about, and says what the check then finds. */
const CONDITIONS: Readonly<
  Record<
    string,
    readonly [
      make: (home: TempHome) => Promise<Record<string, string>> | Record<string, string> | void,
      status: Status,
      hint: string | undefined,
    ]
  >
> = {
  "config-file": [
    (home) => void home.write(".codex-helper/config.json", '{ "codex": '),
    "fail",
    "ch config edit",
  ],
  "filter-file": [(home) => void home.write(".codex-helper/filter.json", "[{]"), "fail", "ch filter check"],
  route: [
    (home) =>
      void home.write(".codex-helper/config.json", {
        codex: { active: "gone", configs: { a: CONFIG.codex.configs.main, b: CONFIG.codex.configs.main } },
      }),
    "fail",
    "ch config set-active",
  ],
  credentials: [() => ({ RELAY_KEY: "" }), "fail", "ch config show main#1 --codex"],
  switch: [async (home) => (await switchAndKill(home), {}), "fail", "ch doctor --fix"],
  overrides: [() => ({ HTTP_PROXY: "http://proxy.example:8080" }), "warn", "export NO_PROXY=127.0.0.1"],
  "file-modes": [
    (home) => chmodSync(home.write(".codex-helper/filter.json", []), 0o644),
    "warn",
    "ch doctor --fix",
  ],
  predecessor: [(home) => void home.write(".codex/config.toml.codex-helper-backup", "x"), "info", undefined],
};

test("every check has a condition here that brings it about", () => {
  expect(Object.keys(CONDITIONS).toSorted()).toEqual(CHECKS.map(({ id }) => id).toSorted());
});

test("where nothing is odd, nothing fails or warns", async () => {
  using home = makeHealthyHome();
  const { code, of } = await examine(home);
  expect(code).toBe(0);
  for (const { id } of CHECKS)
    expect({ id, odd: of(id).filter(({ status }) => status === "warn" || status === "fail") }).toEqual({
      id,
      odd: [],
    });
});

test.each(Object.entries(CONDITIONS))("%s", async (id, [make, status, hint]) => {
  using home = makeHealthyHome();
  const env = (await make(home)) ?? {};
  const { code, of } = await examine(home, env);
  const found = of(id).find((finding) => finding.status === status);
  expect({ id, found: of(id) }).toMatchObject({
    id,
    found: expect.arrayContaining([expect.objectContaining({ status })]),
  });
  if (hint !== undefined) expect(found?.hint).toContain(hint);
  expect(code).toBe(status === "fail" ? 1 : 0);
});

test("--fix puts a client back whose proxy was killed, and makes our files private", async () => {
  using home = makeHealthyHome();
  await switchAndKill(home);
  chmodSync(home.paths.config, 0o644);
  const { code, stderr, stdout } = await runCli(["doctor", "--fix"], { home });
  expect(stderr).toContain(`fixed: put back ${home.paths.codexConfig}`);
  expect(stderr).toContain(`fixed: made ${home.paths.config} private`);
  expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(TOML);
  expect({ code, fails: stdout.split("\n").filter((line) => line.startsWith("fail")) }).toEqual({
    code: 0,
    fails: [],
  });
});

test("no secret is in what it prints, even where everything is broken", async () => {
  using home = makeHealthyHome();
  home.write(".codex-helper/config.json", {
    codex: {
      configs: {
        main: {
          upstreams: [{ base_url: "https://r.example/v1", auth: { auth_token: "sk-very-secret-literal" } }],
        },
      },
    },
  });
  for (const args of [["doctor"], ["doctor", "--json"]]) {
    const { stdout, stderr } = await runCli(args, { home });
    expect(stdout + stderr).not.toContain("sk-very-secret-literal");
    expect(stdout + stderr).not.toContain("sk-relay-secret-value");
  }
});
