// Every path the program reads or writes, worked out once from the environment.
// Touches no file.
import { homedir } from "node:os";
import { type Env, readVariable } from "./env.ts";
import { UserError } from "./errors.ts";
import { SERVICE_FACTS, type Service } from "./service.ts";
import { isWhole, makeWhole, pathsOf } from "./path-forms.ts";
import { inShell } from "./shell.ts";
import { t } from "./text.ts";

/** Every function here can answer for another system than this one, too. */
const HERE: NodeJS.Platform = process.platform;

export type Paths = Readonly<ReturnType<typeof resolvePaths>>;

/**
 * Works out all paths: those of a client as the client does. A blank CODEX_HELPER_HOME counts as unset.
 * Throws UserError where our home would depend on the current directory, or drive, which is trusted with nothing.
 */
export function resolvePaths(env: Env, platform = HERE) {
  const { join } = pathsOf(platform);
  const user = findUserHome(env, platform);
  if (!isWhole(user, platform)) throw relative(platform === "win32" ? "USERPROFILE" : "HOME", user, platform);
  const given = readVariable(env, "CODEX_HELPER_HOME") ?? join(user, ".codex-helper");
  // Alone, "~" would be the person's whole home.
  const home = given === "~" ? given : expandHome(given, user, platform);
  if (!isWhole(home, platform)) throw relative("CODEX_HELPER_HOME", given, platform);
  const codexHome = findClientHome("codex", { env, platform, user });
  const claudeHome = findClientHome("claude", { env, platform, user });
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
    /** What was known at the last `ch config sync`, by folder. */
    sync: join(home, "sync.json"),
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
function findClientHome(
  service: Service,
  { env, platform, user }: { readonly env: Env; readonly platform: NodeJS.Platform; readonly user: string },
): string {
  const { join, resolve } = pathsOf(platform);
  const { directory, emptyMeans, form, variable } = SERVICE_FACTS[service].home;
  const value = env[variable];
  const isDefault = value === undefined || (value === "" && emptyMeans === "default");
  const path = isDefault ? join(user, directory) : resolve(value);
  return form === null ? path : path.normalize(form);
}

function relative(name: string, value: string, platform: NodeJS.Platform): UserError {
  return new UserError(t`${name} must be an absolute path, not "${value}"`, {
    hint: inShell().set(name, makeWhole(value, platform)),
  });
}

/** A path that a person wrote, with "~" at its beginning for their home. */
export function expandHome(path: string, home: string, platform = HERE): string {
  const { join, normalize } = pathsOf(platform);
  const isBelow = path.startsWith("~/") || (platform === "win32" && path.startsWith("~\\"));
  return normalize(path === "~" ? home : isBelow ? join(home, path.slice(2)) : path);
}

/**
 * The person's own home directory, where the clients look for it. On Windows that is the profile: neither Rust nor Node reads
 * HOME there, which Git Bash and others set to a place of their own (https://docs.rs/dirs, https://nodejs.org/api/os.html#oshomedir).
 */
export function findUserHome(env: Env, platform = HERE): string {
  return readVariable(env, platform === "win32" ? "USERPROFILE" : "HOME") ?? homedir();
}

/** A path as a person would write it: the home directory shortened to `~`. */
export function showPath(path: string, env: Env, platform = HERE): string {
  const user = findUserHome(env, platform);
  const fold = (text: string): string => (platform === "win32" ? text.toLowerCase() : text);
  const rest = path.slice(user.length);
  const isInside = fold(path).startsWith(fold(user)) && (rest === "" || /^[\\/]/.test(rest));
  return user !== "/" && isInside ? `~${rest}` : path;
}

/** A text for people with every path in it shortened so, but for one in quotes: a shell takes `~` for itself only outside them. */
export function showPathsIn(text: string, env: Env, platform = HERE): string {
  const user = findUserHome(env, platform);
  if (user === "/" || !text.includes(user)) return text;
  return text.replace(new RegExp(`(?<!['"])${RegExp.escape(user)}(?=[/\\\\])`, "g"), "~");
}
