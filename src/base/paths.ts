// Every path the program reads or writes, worked out once from the environment.
// Touches no file.
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { type Env, readVariable } from "./env.ts";
import { UserError } from "./errors.ts";
import { SERVICE_FACTS, type Service } from "./service.ts";
import { t } from "./text.ts";

export type Paths = Readonly<ReturnType<typeof resolvePaths>>;

/**
 * Works out all paths: those of a client as the client does. A blank CODEX_HELPER_HOME counts as unset.
 * Throws UserError where our home would depend on the current directory, which is trusted with nothing.
 */
export function resolvePaths(env: Env) {
  const user = findUserHome(env);
  if (!isAbsolute(user)) throw relative("HOME", user);
  const given = readVariable(env, "CODEX_HELPER_HOME") ?? join(user, ".codex-helper");
  if (!given.startsWith("~/") && !isAbsolute(given)) throw relative("CODEX_HELPER_HOME", given);
  const home = given.startsWith("~/") ? join(user, given.slice(2)) : given;
  const codexHome = findClientHome("codex", env, user);
  const claudeHome = findClientHome("claude", env, user);
  const logs = join(home, "logs");
  return {
    /** Our own home, `~/.codex-helper` unless CODEX_HELPER_HOME moves it. */
    home,
    config: join(home, "config.json"),
    filter: join(home, "filter.json"),
    /** That there was a filter.json: its removal must be accepted. */
    filterRecord: join(home, "filter-seen.json"),
    /** What the placeholders of values that are given back are made with. */
    placeholderKey: join(home, "placeholder-key"),
    usageProviders: join(home, "usage_providers.json"),
    prices: join(home, "prices.json"),
    /** A list of prices that was fetched, in the place of the built-in one. */
    priceList: join(home, "price-list.jsonl"),
    /** What clients must know where `limits.client_token` is on. */
    clientToken: join(home, "client-token"),
    /** Who this home is among those that share a pool. */
    machineId: join(home, "machine-id"),
    state: join(home, "state.json"),
    /** What was spent, by day. */
    spend: join(home, "spend.json"),
    /** Which budgets are lifted, and what was told of them. */
    budgets: join(home, "budgets.json"),
    backups: join(home, "backups"),
    logs,
    requestsLog: join(logs, "requests.jsonl"),
    /** What was left of accounts, as it was read. */
    readingsLog: join(logs, "readings.jsonl"),
    /** Switch journal and instance records. */
    run: join(home, "run"),
    codexHome,
    codexConfig: join(codexHome, "config.toml"),
    codexAuth: join(codexHome, "auth.json"),
    claudeHome,
    claudeSettings: join(claudeHome, "settings.json"),
  };
}

/** No client expands a "~" or cuts blanks off: that is a shell's work. */
function findClientHome(service: Service, env: Env, user: string): string {
  const { directory, emptyMeans, form, variable } = SERVICE_FACTS[service].home;
  const value = env[variable];
  const isDefault = value === undefined || (value === "" && emptyMeans === "default");
  const path = isDefault ? join(user, directory) : resolve(value);
  return form === null ? path : path.normalize(form);
}

function relative(name: string, value: string): UserError {
  return new UserError(t`${name} must be an absolute path, not "${value}"`, {
    hint: `export ${name}="$PWD/${value}"`,
  });
}

/** The person's own home directory. */
export function findUserHome(env: Env): string {
  return readVariable(env, "HOME") ?? readVariable(env, "USERPROFILE") ?? homedir();
}

/** A path as a person would write it: the home directory shortened to `~`. */
export function showPath(path: string, env: Env): string {
  const user = findUserHome(env);
  const rest = path.slice(user.length);
  const isInside = path.startsWith(user) && (rest === "" || rest.startsWith("/") || rest.startsWith("\\"));
  return user !== "/" && isInside ? `~${rest}` : path;
}

/** A text for people with every path in it shortened so, but for one in quotes: a shell takes `~` for itself only outside them. */
export function showPathsIn(text: string, env: Env): string {
  const user = findUserHome(env);
  if (user === "/" || !text.includes(user)) return text;
  return text.replace(new RegExp(`(?<!['"])${RegExp.escape(user)}(?=[/\\\\])`, "g"), "~");
}

/** One word for the person's shell, quoted only where it must be: a POSIX shell, or PowerShell. */
export function quoteWord(word: string): string {
  const isWindows = process.platform === "win32";
  const plain = isWindows ? /^[\w./:\\%+=-]+$/ : /^[\w./:@%+,=-]+$/;
  if (plain.test(word) && !word.startsWith("-")) return word;
  return `'${word.replaceAll("'", isWindows ? "''" : `'\\''`)}'`;
}
