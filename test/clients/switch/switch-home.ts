// A throw-away home with both clients' files, and what stands in it afterwards.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Paths, resolvePaths } from "../../../src/base/paths.ts";
import type { SwitchTarget } from "../../../src/clients/client.ts";

export interface SwitchHome extends Disposable {
  readonly directory: string;
  readonly paths: Paths;
  readonly target: (service: Switched) => SwitchTarget;
  /** The client's file; null when it is not there. */
  readonly read: (service: Switched) => string | null;
  readonly write: (service: Switched, text: string) => void;
  /** Every file but the lock, by its path in the home. */
  readonly list: () => Record<string, string>;
}

export const CODEX_TEXT = `# mine
model = "gpt-6"
model_provider = "relay" # paid

[model_providers.relay]
name = "Relay"
base_url = "https://relay.example/v1"
env_key = "RELAY_KEY"
`;
export const CLAUDE_TEXT =
  '{\n  "theme": "mine",\n  "env": {\n    "ANTHROPIC_AUTH_TOKEN": "sk-relay",\n    "ANTHROPIC_BASE_URL": "https://relay.example"\n  }\n}\n';

/** The clients whose files are switched here. */
export type Switched = "codex" | "claude";
export const SWITCHED: readonly Switched[] = ["codex", "claude"];

export function makeSwitchHome(files: Partial<Record<Switched, string>> = {}): SwitchHome {
  const directory = mkdtempSync(join(tmpdir(), "switch-"));
  const env = { HOME: directory, USERPROFILE: directory };
  const paths = resolvePaths(env);
  const fileOf = { codex: paths.codexConfig, claude: paths.claudeSettings };
  const home: SwitchHome = {
    directory,
    paths,
    target: (service) => ({ service, paths, env, systemDirectory: join(directory, "etc") }),
    read: (service) => (existsSync(fileOf[service]) ? readFileSync(fileOf[service], "utf8") : null),
    write(service, text) {
      mkdirSync(join(fileOf[service], ".."), { recursive: true });
      writeFileSync(fileOf[service], text, { mode: 0o600 });
    },
    list: () =>
      Object.fromEntries(
        readdirSync(directory, { recursive: true, encoding: "utf8" })
          .filter((name) => !name.endsWith("switch.lock") && !lstatSync(join(directory, name)).isDirectory())
          .map((name) => [name.replaceAll("\\", "/"), readFileSync(join(directory, name), "utf8")]),
      ),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
  if (files.codex !== undefined) home.write("codex", files.codex);
  if (files.claude !== undefined) home.write("claude", files.claude);
  return home;
}
