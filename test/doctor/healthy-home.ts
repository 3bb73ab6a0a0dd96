// A home in which no check of the doctor has anything to say, on a machine of its own.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { examine } from "../../src/app/doctor/examine.ts";
import { type Service, mapServices } from "../../src/base/service.ts";
import type { Finding } from "../../src/base/check.ts";
import type { ExamineOptions } from "../../src/doctor/facts.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { reply } from "../helpers/answers.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

/** The versions that the tests with real clients run: the doctor must know them. */
const { devDependencies: CLIENTS } = manifest;

const TOML =
  'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\n';
const KEY = "sk-relay-secret-value";

export interface HealthyHome extends AsyncDisposable {
  readonly home: TempHome;
  readonly upstream: FakeUpstream;
  /** Added to the environment from now on. */
  readonly env: Record<string, string>;
  readonly ports: Readonly<Record<"codex" | "claude", number>>;
  readonly etc: { readonly codex: string; readonly claude: string };
  /** What is in config.json: each service with two upstreams, of which parts can be replaced. */
  readonly writeConfig: (upstream?: Readonly<Record<string, unknown>>) => void;
  readonly examine: (services?: readonly Service[]) => Promise<Finding[]>;
}

export async function makeHealthyHome(): Promise<HealthyHome> {
  const upstream = await startFakeUpstream(() => reply({ headers: { date: new Date().toUTCString() } }));
  const home = makeTempHome({ RELAY_KEY: KEY });
  const ports = mapServices(() => freePort());
  const etc = { codex: join(home.path, "etc/codex"), claude: join(home.path, "etc/claude") };
  const env: Record<string, string> = { PATH: join(home.path, "bin") };
  for (const [command, name, version] of [
    ["codex", "@openai/codex", CLIENTS["@openai/codex"]],
    ["claude", "@anthropic-ai/claude-code", CLIENTS["@anthropic-ai/claude-code"]],
  ] as const)
    installClient(home, { command, name, version });
  const writeConfig: HealthyHome["writeConfig"] = (own = {}) => {
    const first = { base_url: upstream.baseUrl, auth: { auth_token_env: "RELAY_KEY" }, ...own };
    const second = { base_url: `${upstream.origin}/backup/v1`, auth: { auth_token_env: "RELAY_KEY" } };
    const section = { active: "main", configs: { main: { upstreams: [first, second] } } };
    chmodSync(home.write(".codex-helper/config.json", { codex: section, claude: section }), 0o600);
  };
  writeConfig();
  chmodSync(home.paths.home, 0o700);
  home.write(".codex/config.toml", TOML);
  home.write(".claude/settings.json", { env: { ANTHROPIC_AUTH_TOKEN: "sk-ant-own" } });
  mkdirSync(join(home.path, "project"));
  return {
    home,
    upstream,
    env,
    ports,
    etc,
    writeConfig,
    async examine(services) {
      const options: ExamineOptions = {
        paths: home.paths,
        env: { ...home.env, ...env },
        cwd: join(home.path, "project"),
        now: Date.now,
        ports,
        systemDirectories: etc,
        ...(services === undefined ? {} : { services }),
      };
      return await examine(options);
    },
    async [Symbol.asyncDispose]() {
      await upstream.close();
      home[Symbol.dispose]();
    },
  };
}

export interface InstalledClient {
  readonly command: string;
  readonly name: string;
  readonly version: string;
}

/** As npm leaves it: a program that can be run, and the manifest beside it. */
export function installClient(home: TempHome, { command, name, version }: InstalledClient): void {
  home.write(`lib/${command}/package.json`, { name, version });
  const program = home.write(`lib/${command}/cli.js`, "#!/bin/sh\n");
  chmodSync(program, 0o755);
  mkdirSync(join(home.path, "bin"), { recursive: true });
  rmSync(join(home.path, "bin", command), { force: true });
  symlinkSync(program, join(home.path, "bin", command));
}
