// What `ch doctor` checks of Codex's own files and variables: would it work at all with what it is set to?
// Reads only, and keeps nothing of what the files hold but names.
import { inShell, quoteWord } from "../../base/shell.ts";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Check, type Found, fail, info, ok, runChecks, warn } from "../../base/check.ts";
import { readVariable } from "../../base/env.ts";
import { onUserError } from "../../base/errors.ts";
import { isOpenToOthers, lookAt, readTextIn, sizeOf } from "../../base/files.ts";
import { type Text, t } from "../../base/text.ts";
import type { ClientChecks, ClientFiles } from "../client.ts";
import { type CodexFacts, readCodexFacts } from "./facts.ts";
import { findValue } from "./layers.ts";
import { isUsableLogin } from "./login.ts";
import { describeRefused, findConfigRefusal } from "./refusal.ts";
import { CODEX_ENCODINGS } from "./places.ts";

type Facts = Awaited<ReturnType<typeof collectFacts>>;

/** Once a minute it hears of us; the rest is for a machine that is busy. */
const LEAST_PATIENCE_MS = 90_000;
/** Of a directory whose size is added up; a packages directory has some thousands. */
const MOST_FILES = 20_000;

const CHECKS: readonly Check<Facts>[] = [
  {
    id: "codex-home",
    about: "CODEX_HOME, if it is set, is a directory: Codex does not create it",
    worst: "fail",
    run: ({ env, hasHome, paths: { codexHome } }) =>
      hasHome || (env["CODEX_HOME"] ?? "") === ""
        ? []
        : [
            fail(
              t`CODEX_HOME is ${codexHome}, which is not a directory: Codex does not start`,
              t`${inShell().makeDirectory(codexHome)}, or: ${inShell().unset("CODEX_HOME")}`,
            ),
          ],
  },
  {
    id: "codex-config",
    about: "Codex's `config.toml` is valid, and its provider is one that Codex supports",
    worst: "fail",
    run: ({ codex, problem, refusal }) => {
      if (codex === null) return [fail(problem, t`correct it: Codex does not start with it`)];
      const refused = refusal === null ? undefined : fail(refusal, t`correct that line`);
      return [checkProvider(codex) ?? refused ?? ok(t`Codex can work with its provider`)];
    },
  },
  {
    id: "codex-login",
    about: "Codex's `auth.json` can be read, is private, and contains a login if one is needed",
    worst: "warn",
    run: ({ codex, hasConfig, isLoginOpen, paths: { codexAuth } }) => [
      ...(codex?.login.kind === "unreadable" ? [warn(codex.login.problem, "codex login")] : []),
      ...(isLoginOpen
        ? [warn(t`other users can read ${codexAuth}`, `chmod 600 ${quoteWord(codexAuth)}`)]
        : []),
      ...(codex !== null && hasConfig && lacksLogin(codex)
        ? [
            info(
              t`Codex has no login: it asks for one, even with the proxy`,
              t`codex login, or: ch serve --own-provider`,
            ),
          ]
        : []),
    ],
  },
  {
    id: "codex-key",
    about: "the variable that Codex's provider names (`env_key`) is set in this shell",
    worst: "warn",
    run: ({ codex, env }) => {
      const name = codex?.active?.envKey;
      if (name === undefined || readVariable(env, name) !== undefined) return [];
      return [
        warn(
          t`Codex's provider needs the variable ${name}, which is not set in this shell`,
          inShell().set(name, "..."),
        ),
      ];
    },
  },
  {
    id: "codex-patience",
    about:
      "Codex waits longer between two events of an answer than the proxy leaves it without one, a minute",
    worst: "warn",
    run: ({ codex }) => {
      const key = ["model_providers", codex?.activeId ?? "", "stream_idle_timeout_ms"];
      const found = codex === null ? undefined : findValue(codex.layers, key);
      if (typeof found?.value !== "number" || found.value > LEAST_PATIENCE_MS) return [];
      return [
        warn(
          t`${found.where} sets stream_idle_timeout_ms to ${found.value}: Codex gives an answer up that it has to wait for`,
          `stream_idle_timeout_ms = 300000`,
        ),
      ];
    },
  },
  {
    id: "ignored-variable",
    about: "OPENAI_BASE_URL is not set: Codex does not read it",
    worst: "info",
    run: ({ env }) =>
      readVariable(env, "OPENAI_BASE_URL") === undefined
        ? []
        : [
            info(
              t`OPENAI_BASE_URL is set, but Codex does not read it`,
              "ch config add main --base-url URL --auth-token-env NAME --codex",
            ),
          ],
  },
  {
    id: "codex-disk",
    about: "Codex's own log (`logs_2.sqlite`) is under 1 GiB, and its packages under 2 GiB",
    worst: "warn",
    run: ({ logs, packages }) => [...describeSize(logs, 1), ...describeSize(packages, 2)],
  },
];

export const codexChecks: ClientChecks = {
  rows: CHECKS,
  run: async (files) => runChecks(CHECKS, await collectFacts(files)),
};

async function collectFacts({ env, paths, systemDirectory }: ClientFiles) {
  const logs = join(paths.codexHome, "logs_2.sqlite");
  const packages = join(paths.codexHome, "packages");
  const hasHome = lookAt(paths.codexHome)?.isDirectory() === true;
  const read = await readCodexFacts(paths, { systemDirectory }).then(
    (codex) => ({ codex, problem: "" }),
    onUserError(({ text }) => ({ codex: null, problem: text })),
  );
  return {
    /** What its files say, or null; `problem` is why they cannot be read. */
    ...read,
    /** Why Codex would not start with its own file. */
    refusal: read.codex === null ? null : await readRefusal(paths.codexConfig),
    env,
    paths,
    hasHome,
    hasConfig: hasHome || sizeOf(paths.codexConfig) > 0,
    isLoginOpen: isOpenToOthers(paths.codexAuth),
    /** With its companions. */
    logs: { path: logs, bytes: ["", "-wal", "-shm"].reduce((sum, end) => sum + sizeOf(logs + end), 0) },
    packages: { path: packages, bytes: await sizeOfTree(packages) },
  };
}

async function readRefusal(file: string): Promise<Text | null> {
  const refusal = findConfigRefusal((await readTextIn(CODEX_ENCODINGS, file)) ?? "");
  return refusal === null ? null : describeRefused(file, refusal);
}

async function sizeOfTree(path: string): Promise<number> {
  try {
    const entries = await readdir(path, { recursive: true });
    return entries.slice(0, MOST_FILES).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
  } catch {
    return 0;
  }
}

/** What makes Codex stop before its first request, or behave in a way that no relay expects. */
function checkProvider({
  activeId,
  activeKind,
  activeSource,
  layers,
  providers,
}: CodexFacts): Found | undefined {
  const where = activeSource?.where ?? "config.toml";
  if (findValue(layers, ["profile"]) !== undefined)
    return fail(
      t`${where} sets "profile", which Codex rejects`,
      t`move the profile into its own file, and start: codex -p NAME`,
    );
  if (activeKind === "undefined") {
    const known = providers.map(({ id }) => id).join(", ");
    return fail(
      t`${where} uses the provider "${activeId}", which no file defines: Codex does not start`,
      known === ""
        ? t`define it under [model_providers.${activeId}]`
        : t`set model_provider to one of: ${known}`,
    );
  }
  if (activeKind !== "custom") return undefined;
  const valueOf = (key: string) => findValue(layers, ["model_providers", activeId, key])?.value;
  if (valueOf("wire_api") === "chat")
    return fail(
      t`provider "${activeId}" has wire_api = "chat", which Codex no longer supports`,
      'wire_api = "responses"',
    );
  const name = valueOf("name");
  const hint = `name = "${activeId}"`;
  if (typeof name !== "string" || name.trim() === "")
    return fail(t`provider "${activeId}" has no name: Codex does not start`, hint);
  if (name !== "OpenAI") return undefined;
  return warn(
    t`provider "${activeId}" is named "OpenAI": Codex then expects features that only OpenAI's own service has`,
    hint,
  );
}

/** Codex would stop at its sign-in screen. */
function lacksLogin({ active, activeKind, login }: CodexFacts): boolean {
  const asks = activeKind === "openai" || active?.requiresOpenaiAuth === true;
  return asks && login.kind !== "unreadable" && !isUsableLogin(login);
}

interface Size {
  readonly path: string;
  readonly bytes: number;
}

function describeSize({ bytes, path }: Size, mostGib: number): Found[] {
  const gib = (bytes / 2 ** 30).toFixed(1);
  if (bytes === 0) return [];
  if (bytes < mostGib * 2 ** 30) return [ok(t`${path} takes ${gib} GiB`)];
  return [warn(t`${path} has grown to ${gib} GiB`, t`close Codex, then remove it: Codex recreates it`)];
}
