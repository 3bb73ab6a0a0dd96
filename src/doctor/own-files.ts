// Checks of our own files: what they say, who may read them, and whether there is room for more.
// Pure.
import { PRODUCT } from "../base/version.ts";
import { type Check, type Found, fail, info, ok, warn } from "../base/check.ts";
import { type Text, t } from "../base/text.ts";
import { showProtection } from "../base/icacls.ts";
import { inShell } from "../base/shell.ts";
import { describeRedaction } from "../filter/redaction.ts";
import type { DoctorFacts } from "./facts.ts";

/** Of files with the same problem. */
const MOST_NAMED = 3;
const FIX = "ch doctor --fix";
const MIB = 2 ** 20;
/** A log of the usual size still fits; below the second, an atomic write of any file may fail. */
const LOW_DISK_BYTES = 500 * MIB;
/** Twice the size at which it is put away. */
const OVERGROWN_LOG_BYTES = 100 * MIB;
const FULL_DISK_BYTES = 20 * MIB;

type Access = NonNullable<DoctorFacts["files"]["access"]>;

export const OWN_FILE_CHECKS: readonly Check<DoctorFacts>[] = [
  {
    id: "config-file",
    about: "`config.json` is valid; syntax errors are shown with line and column",
    worst: "fail",
    run: ({ files: { config }, machine: { instances } }) => {
      const hint = "ch config edit";
      if (config.problem !== null) return [fail(config.problem, config.hint ?? hint)];
      const removed = t`${config.path} was removed`;
      if (config.isMissing && instances.length > 0)
        return [fail(t`${removed}; the last valid version stays in use`, hint)];
      if (config.isMissing) return [ok(t`there is no config.json yet`)];
      if (config.warnings.length === 0) return [ok(t`config.json is valid`)];
      return config.warnings.map((message) => warn(message, hint));
    },
  },
  {
    id: "filter-file",
    about: "`filter.json`, if there is or was one, exists and is valid: otherwise requests are refused",
    worst: "fail",
    run: ({ files: { filter } }) => {
      if (filter.problem !== null) return [fail(filter.problem, filter.hint ?? "ch filter check")];
      return filter.facts.state === "off"
        ? [info(describeRedaction(filter.facts), "ch config edit")]
        : [ok(describeRedaction(filter.facts))];
    },
  },
  {
    id: "projects",
    about:
      "every rule of `projects` can hold: its directory is there, its config and the names in its wall exist, its redaction rules can be read",
    worst: "fail",
    run: ({ files: { projects } }) => {
      const found = projects.flatMap(
        ({ filterProblem, hasConfig, isThere, name, pattern, usedConfig, unknownNames }) => {
          const hint = `ch project unset '${pattern}'`;
          return [
            ...(isThere
              ? []
              : [warn(t`project ${name}: no directory is there that ${pattern} could mean`, hint)]),
            ...(hasConfig
              ? []
              : [
                  fail(
                    t`project ${name}: there is no config "${usedConfig ?? ""}": its requests are refused`,
                    "ch config list",
                  ),
                ]),
            ...unknownNames.map((one) =>
              warn(
                t`project ${name}: its wall names "${one}", which is no config, no upstream and no host of one`,
                "ch config list",
              ),
            ),
            ...(filterProblem === null
              ? []
              : [
                  fail(
                    t`project ${name}: its requests are refused: ${filterProblem}`,
                    t`correct the file, or: ${hint} --filter`,
                  ),
                ]),
          ];
        },
      );
      if (found.length > 0 || projects.length === 0) return found;
      return [ok(t`the rules for projects can hold: ${projects.length}`)];
    },
  },
  {
    id: "budgets",
    about: "no budget of yours keeps requests back, and what they count is all that was spent",
    worst: "warn",
    run: ({ files: { budgets } }) => {
      if (budgets === null)
        return [warn(t`your budgets cannot be counted: their requests are refused`, "ch budget")];
      const found = budgets.flatMap(({ isNear, isSpent, lift, onSpent, unpriced, words }) => [
        ...(isSpent && onSpent !== "warn" ? [warn(t`${words}: it is spent`, lift)] : []),
        ...(isNear && (!isSpent || onSpent === "warn") ? [info(words, "ch budget")] : []),
        ...(unpriced === 0
          ? []
          : [
              info(
                t`${words}, without ${unpriced} requests that have no price`,
                t`add their price to prices.json, or set "unpriced": "refuse"`,
              ),
            ]),
      ]);
      if (found.length > 0 || budgets.length === 0) return found;
      return [ok(t`no budget is spent: ${budgets.length}`)];
    },
  },
  {
    id: "pool",
    about: "where `share` is set, the engine of the pool can be used, and the proxies share through it",
    worst: "warn",
    run({ files: { pool } }) {
      if (pool === null) return [];
      const { alone, machines, namespace, problem } = pool;
      const hint = "ch pool test";
      if (alone !== null)
        return [
          warn(t`the pool ${namespace}: this machine is alone since ${alone.since} (${alone.why})`, hint),
        ];
      return problem === null
        ? [ok(t`the pool ${namespace} is shared, machines: ${machines}`)]
        : [warn(problem, hint)];
    },
  },
  {
    id: "notify",
    about: "where `notify` is set, what shows notifications is there",
    worst: "warn",
    run({ files: { notify } }) {
      if (notify === null) return [];
      const { trouble, via } = notify;
      return trouble === null
        ? [ok(t`notifications are shown by ${via}`)]
        : [warn(t`no notification can be shown: ${trouble.problem}`, trouble.hint)];
    },
  },
  {
    id: "usage-providers",
    about:
      "`usage_providers.json`, if there is or was one for a running proxy, is valid: otherwise balances are unknown",
    worst: "warn",
    run: ({ files: { usageProviders }, machine: { instances } }) => {
      const problem = usageProviders.problem ?? findFirst(instances, "providersProblem");
      return problem === null
        ? [ok(t`the sources of balances are valid, or the defaults`)]
        : [warn(problem, t`fix ${usageProviders.path}`)];
    },
  },
  {
    id: "prices",
    about:
      "`prices.json`, if there is or was one for a running proxy, is valid: otherwise no costs are shown",
    worst: "warn",
    run: ({ files: { prices }, machine: { instances } }) => {
      const problem = prices.problem ?? findFirst(instances, "pricesProblem");
      return problem === null
        ? [ok(t`your own prices are valid, or there are none`)]
        : [warn(problem, t`fix ${prices.path}`)];
    },
  },
  {
    id: "state-file",
    about: "`state.json` can be read; otherwise it counts as empty and is rewritten",
    worst: "info",
    run: ({ files: { state } }) =>
      state.isUnreadable
        ? [info(t`${state.path} cannot be read and counts as empty; the next proxy rewrites it`)]
        : [ok(t`the saved state can be read, or there is none`)],
  },
  {
    id: "spend-file",
    about:
      "`spend.json`, the ledger of spend, can be read; otherwise it is put aside and made anew from the log",
    worst: "warn",
    run: ({ files: { spend } }) => {
      if (spend.problem === null) return [ok(t`the ledger of spend can be read, or there is none`)];
      return spend.isFile
        ? [info(t`${spend.problem}; the next proxy puts it aside and makes it anew from the log`)]
        : [warn(spend.problem, t`remove ${spend.path}`)];
    },
  },
  {
    id: "request-log",
    about:
      "`logs/requests.jsonl` can be written, and rotated when it is full: otherwise requests are not logged",
    worst: "warn",
    run: ({ files: { log } }) => {
      const { bytes, path, problem } = log;
      const mib = Math.floor(bytes / MIB);
      if (problem !== null)
        return [warn(t`requests are not logged in ${path}: ${problem}`, inShell().list(path))];
      if (bytes < OVERGROWN_LOG_BYTES) return [ok(t`requests can be logged`)];
      return [warn(t`${path} has grown to ${mib} MiB: it could not be rotated`, inShell().list(path, "*"))];
    },
  },
  {
    id: "home",
    about: "codex-helper's directory is writable, and only by you: otherwise nothing is logged or saved",
    worst: "fail",
    run: ({ files: { home } }) => {
      if (home.unsafe !== null) return [warn(home.unsafe, inShell().list(home.path))];
      if (home.problem === null) return [ok(t`codex-helper can write to ${home.path}`)];
      const hint = t`make it a directory that you own, or choose another: ${inShell().set("CODEX_HELPER_HOME", "...")}`;
      return [fail(t`codex-helper cannot write to ${home.path}: ${home.problem}`, hint)];
    },
  },
  {
    id: "disk-space",
    about:
      "there is free disk space for codex-helper's directory: a warning under 500 MiB, a failure under 20 MiB",
    worst: "fail",
    run: ({ files: { freeBytes, home } }) => {
      if (freeBytes === null) return [];
      const mib = Math.floor(freeBytes / MIB);
      if (freeBytes >= LOW_DISK_BYTES) return [ok(t`there is enough free disk space`)];
      const say = freeBytes < FULL_DISK_BYTES ? fail : warn;
      return [say(t`only ${mib} MiB of disk space are free for ${home.path}`, inShell().measure(home.path))];
    },
  },
  {
    id: "file-modes",
    about: "only the owner can read codex-helper's files and directories",
    worst: "warn",
    repair: "removes the access of other users",
    run: ({ files: { access, hasModes, home, openFiles } }) => {
      if (hasModes === null) return access === null ? [] : checkAccess(access, home.path);
      const [first = ""] = openFiles;
      const count = openFiles.length;
      if (count === 0) return [ok(t`only you can read codex-helper's files`)];
      if (!hasModes) return [warnOfFileSystem(home.path)];
      if (count > MOST_NAMED)
        return [warn(t`other users can read ${count} of codex-helper's files, such as ${first}`, FIX)];
      return openFiles.map((path) => warn(t`other users can read ${path}`, FIX));
    },
  },
  {
    id: "leftovers",
    about: "no temporary files are left of a `ch` that was killed while it wrote",
    worst: "info",
    repair: "removes them",
    run: ({ files: { leftovers } }) => {
      const [first = ""] = leftovers;
      const count = leftovers.length;
      return count === 0
        ? [ok(t`no temporary files are left`)]
        : [info(t`temporary files of a ch that was killed: ${count}, such as ${first}`, FIX)];
    },
  },
  {
    id: "predecessor",
    about: "files of the older program of the same name, which are never changed",
    worst: "info",
    run: ({ files: { predecessorFiles } }) =>
      predecessorFiles.map((path) => info(t`${path} belongs to the older ${PRODUCT} and is not used`)),
  },
];

/** A running proxy has the last valid version of a file that is broken or gone by now. */
function findFirst(
  instances: DoctorFacts["machine"]["instances"],
  field: "pricesProblem" | "providersProblem",
): Text | string | null {
  return instances.find((one) => one[field] !== null)?.[field] ?? null;
}

function warnOfFileSystem(home: string): Found {
  return warn(
    t`other users can read codex-helper's files: the file system of ${home} has no permissions`,
    t`choose a directory on one that has them: ${inShell().set("CODEX_HELPER_HOME", "...")}`,
  );
}

/** One finding for all of them: what protects the directory protects what is in it. */
function checkAccess({ isUnread, open, person }: Access, home: string): Found[] {
  if (isUnread)
    return [
      info(
        t`Windows did not say who may read codex-helper's files`,
        inShell().systemCommand(["icacls", home]),
      ),
    ];
  const [first] = open;
  if (first === undefined) return [ok(t`only you can read codex-helper's files`)];
  if (first.groups.length === 0) return [warnOfFileSystem(home)];
  const groups = [...new Map(open.flatMap((one) => one.groups).map((group) => [group.sid, group])).values()];
  const names = groups.map(({ name, sid }) => `${name} (${sid})`).join(", ");
  const sids = groups.map(({ sid }) => sid);
  const hint =
    person === null
      ? t`choose another directory: ${inShell().set("CODEX_HELPER_HOME", "...")}`
      : showProtection(home, person, sids);
  const words = open.some(({ mayWrite }) => mayWrite)
    ? t`other users may write to ${first.path}: ${names}`
    : t`other users can read ${first.path}: ${names}`;
  return [warn(open.length === 1 ? words : t`${words}; and ${open.length - 1} more`, hint)];
}
