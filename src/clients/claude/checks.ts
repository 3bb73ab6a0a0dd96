// What `ch doctor` checks of Claude Code's own files and variables: would it work at all with what it is set to?
// Reads only, and keeps nothing of what the files hold but names.
import { type Check, fail, info, ok, runChecks, warn } from "../../base/check.ts";
import { onUserError } from "../../base/errors.ts";
import { lookAt, readTextIn } from "../../base/files.ts";
import { isProgramThere } from "../../base/own-program.ts";
import { DEFAULT_PORT, readProxyAddress } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import { inShell } from "../../base/shell.ts";
import type { ClientChecks, ClientFiles } from "../client.ts";
import { readClaudeFacts } from "./facts.ts";
import { type ClaudeFacts, findVariable } from "./layers.ts";
import { CLAUDE_ENCODINGS } from "./places.ts";

type Facts = Awaited<ReturnType<typeof collectFacts>>;

/** Other than API_TIMEOUT_MS it is not told to the proxy. */
const PATIENCE = "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS";
const LEAST_PATIENCE_MS = 360_000;

const CREDENTIALS = ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"];

const CHECKS: readonly Check<Facts>[] = [
  {
    id: "claude-settings",
    about: "Claude Code's settings are valid: it silently ignores an invalid file",
    worst: "fail",
    run: ({ baseUrl, problems }) => [
      ...problems.map((problem) => fail(problem, t`fix it: Claude Code treats such a file as empty`)),
      ...(baseUrl !== undefined && /\/v1[/]*$/.test(baseUrl.value)
        ? [
            warn(
              t`${baseUrl.layer.where} sets an ANTHROPIC_BASE_URL that ends in /v1: Claude Code asks for /v1/v1/messages`,
              t`remove the /v1`,
            ),
          ]
        : []),
    ],
  },
  {
    id: "claude-login",
    about: "Claude Code has a credential: without one it asks to log in, whatever credentials the proxy has",
    worst: "info",
    run: ({ claude, isUsed }) =>
      isUsed && lacksCredential(claude)
        ? [
            info(
              t`Claude Code has no credential and asks to log in until it is switched`,
              "ch switch on --claude",
            ),
          ]
        : [ok(t`Claude Code has a credential, or is not used here`)],
  },
  {
    id: "claude-shell",
    about: "ANTHROPIC_BASE_URL in the shell does not make Claude Code bypass the proxy",
    worst: "info",
    run: ({ baseUrl }) =>
      baseUrl?.layer.kind === "environment" &&
      readProxyAddress("claude", baseUrl.value)?.port !== DEFAULT_PORT.claude
        ? [
            info(
              t`ANTHROPIC_BASE_URL in the shell makes Claude Code bypass the proxy until it is switched`,
              t`${inShell().unset("ANTHROPIC_BASE_URL")}, or: ch switch on --claude`,
            ),
          ]
        : [],
  },
  {
    id: "claude-patience",
    about: "Claude Code waits longer for the head of an answer than the proxy leaves it without one, 330 s",
    worst: "warn",
    run: ({ patience }) => {
      const ms = Number(patience?.value ?? Number.NaN);
      if (patience === undefined || !(ms < LEAST_PATIENCE_MS)) return [];
      return [
        warn(
          t`${patience.layer.where} sets ${PATIENCE} to ${ms}: Claude Code gives an answer up that it has to wait for`,
          t`set ${PATIENCE} to ${LEAST_PATIENCE_MS} or more, or remove it`,
        ),
      ];
    },
  },
  {
    id: "claude-statusline",
    about: "the status line that Claude Code runs is a program that is there",
    worst: "warn",
    run: ({ lostLine, settings }) =>
      lostLine === null
        ? []
        : [
            warn(
              t`${settings} has a status line of ch whose program is gone: ${lostLine}`,
              t`ch statusline install, or: ch statusline uninstall`,
            ),
          ],
  },
];

export const claudeChecks: ClientChecks = {
  rows: CHECKS,
  run: async (files) => runChecks(CHECKS, await collectFacts(files)),
};

async function collectFacts(files: ClientFiles) {
  const claude = await readClaudeFacts(files);
  return {
    claude,
    baseUrl: findVariable(claude, "ANTHROPIC_BASE_URL"),
    patience: findVariable(claude, PATIENCE),
    isUsed: lookAt(files.paths.claudeHome) !== null,
    problems: claude.problems.map(({ text }) => text),
    settings: files.paths.claudeSettings,
    // What is wrong with the file is told by another check.
    lostLine: await findLostLine(files).catch(onUserError(() => null)),
  };
}

/** The program of a status line of ours that is not there; null where none is missed. Throws UserError for a file that cannot be read. */
async function findLostLine({ env, paths }: ClientFiles): Promise<string | null> {
  const text = await readTextIn(CLAUDE_ENCODINGS, paths.claudeSettings);
  if (text === null || !text.includes("statusline")) return null;
  const { findLineProgram } = await import("./status-line.ts");
  const program = findLineProgram(text);
  return program === null || isProgramThere(program, env) ? null : (program.at(-1) ?? null);
}

/** Neither a key, nor a helper that makes one, nor a login. */
function lacksCredential(claude: ClaudeFacts): boolean {
  return (
    !claude.hasLogin &&
    !claude.layers.some(({ hasApiKeyHelper }) => hasApiKeyHelper) &&
    CREDENTIALS.every((name) => findVariable(claude, name) === undefined)
  );
}
