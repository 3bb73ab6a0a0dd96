// Checks of the clients' own files and variables: would Codex and Claude Code work at all with what they are set to?
// Pure.
import { t } from "../base/text.ts";
import { type Check, type Found, ok } from "./check.ts";

export const CLIENT_FILE_CHECKS: readonly Check[] = [
  {
    id: "codex-home",
    service: "codex",
    about: "CODEX_HOME, where it is set, names a directory: Codex does not make it",
    worst: "fail",
    repair: null,
    run: ({ codex: { missingHome } }) =>
      missingHome === null
        ? []
        : [
            {
              status: "fail",
              message: t`CODEX_HOME is ${missingHome}, which is not a directory: Codex does not start`,
              hint: t`mkdir -p ${missingHome}, or: unset CODEX_HOME`,
            },
          ],
  },
  {
    id: "codex-config",
    service: "codex",
    about: "Codex's `config.toml` can be read, and its provider is one that Codex works with",
    worst: "fail",
    repair: null,
    run: ({ codex: { problem, providerProblem } }) => {
      if (problem !== null)
        return [{ status: "fail", message: problem, hint: t`fix that line: Codex does not start with it` }];
      if (providerProblem === null) return [ok(t`Codex can work with its provider`)];
      const { hint, isFatal, message } = providerProblem;
      return [{ status: isFatal ? "fail" : "warn", message, hint }];
    },
  },
  {
    id: "codex-login",
    service: "codex",
    about: "Codex's `auth.json` can be read, is private, and holds a login where one is needed",
    worst: "warn",
    repair: null,
    run: ({ codex: { loginProblem, needsLogin, openAuthFile } }) => [
      ...(loginProblem === null
        ? []
        : [{ status: "warn", message: loginProblem, hint: "codex login" } satisfies Found]),
      ...(openAuthFile === null
        ? []
        : [
            {
              status: "warn",
              message: t`other users can read ${openAuthFile}`,
              hint: `chmod 600 ${openAuthFile}`,
            } satisfies Found,
          ]),
      ...(needsLogin && loginProblem === null
        ? [
            {
              status: "info",
              message: t`Codex has no login: it asks for one, even with the proxy`,
              hint: t`codex login, or: ch serve --own-provider`,
            } satisfies Found,
          ]
        : []),
    ],
  },
  {
    id: "codex-key",
    service: "codex",
    about: "the variable that Codex's provider names (`env_key`) is set in this shell",
    worst: "warn",
    repair: null,
    run: ({ codex: { missingKeyVariable } }) =>
      missingKeyVariable === null
        ? []
        : [
            {
              status: "warn",
              message: t`Codex's provider needs the variable ${missingKeyVariable}, which is not set in this shell`,
              hint: `export ${missingKeyVariable}=...`,
            },
          ],
  },
  {
    id: "ignored-variable",
    service: "codex",
    about: "OPENAI_BASE_URL is not counted on: Codex does not read it",
    worst: "info",
    repair: null,
    run: ({ codex: { hasIgnoredBaseUrl } }) =>
      hasIgnoredBaseUrl
        ? [
            {
              status: "info",
              message: t`OPENAI_BASE_URL is set, but Codex does not read it`,
              hint: "ch config add main --base-url URL --auth-token-env NAME --codex",
            },
          ]
        : [],
  },
  {
    id: "codex-disk",
    service: "codex",
    about: "Codex's own log (`logs_2.sqlite`) is under 1 GiB, and its packages under 2 GiB",
    worst: "warn",
    repair: null,
    run: ({ codex }) => [
      ...describeSize(codex.logsPath, codex.logsBytes, 1),
      ...describeSize(codex.packagesPath, codex.packagesBytes, 2),
    ],
  },
  {
    id: "claude-settings",
    service: "claude",
    about: "Claude Code's settings can be read: it ignores a broken file without a word",
    worst: "fail",
    repair: null,
    run: ({ claude: { doubledVersion, problems } }) => [
      ...problems.map((message): Found => ({
        status: "fail",
        message,
        hint: t`fix it: Claude Code treats such a file as empty`,
      })),
      ...(doubledVersion === null
        ? []
        : [
            {
              status: "warn",
              message: t`${doubledVersion} sets an ANTHROPIC_BASE_URL that ends in /v1: Claude Code asks for /v1/v1/messages`,
              hint: t`remove the /v1`,
            } satisfies Found,
          ]),
    ],
  },
  {
    id: "claude-login",
    service: "claude",
    about: "Claude Code has some credential: without one it asks to log in, whatever the proxy has",
    worst: "info",
    repair: null,
    run: ({ claude: { needsLogin } }) =>
      needsLogin
        ? [
            {
              status: "info",
              message: t`Claude Code has no credential and asks to log in until it is switched`,
              hint: "ch switch on --claude",
            },
          ]
        : [ok(t`Claude Code has a credential, or is not used here`)],
  },
  {
    id: "claude-shell",
    service: "claude",
    about: "the shell's ANTHROPIC_BASE_URL does not decide where Claude Code goes",
    worst: "info",
    repair: null,
    run: ({ claude: { isPointedByShell } }) =>
      isPointedByShell
        ? [
            {
              status: "info",
              message: t`ANTHROPIC_BASE_URL in the shell makes Claude Code bypass the proxy until it is switched`,
              hint: t`unset ANTHROPIC_BASE_URL, or: ch switch on --claude`,
            },
          ]
        : [],
  },
];

function describeSize(path: string, bytes: number, mostGib: number): Found[] {
  const gib = (bytes / 2 ** 30).toFixed(1);
  if (bytes === 0) return [];
  if (bytes < mostGib * 2 ** 30) return [ok(t`${path} takes ${gib} GiB`)];
  return [
    {
      status: "warn",
      message: t`${path} has grown to ${gib} GiB`,
      hint: t`close Codex, then remove it: Codex recreates it`,
    },
  ];
}
