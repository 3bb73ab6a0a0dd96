// What Codex would do right now: its active provider, all providers, its login, and which file says so. Only reads.
import type { TomlTable } from "smol-toml";
import { UserError, onUserError } from "../../base/errors.ts";
import { readTextIn } from "../../base/files.ts";
import { t } from "../../base/text.ts";
import type { Paths } from "../../base/paths.ts";
import { type CodexLogin, readCodexLogin } from "./login.ts";
import { type CodexLayer, type LayerKind, findText, parseToml } from "./layers.ts";
import { CODEX_ENCODINGS, listProfilePaths, profileName, profilePath, systemPaths } from "./places.ts";
import { type CodexProvider, listProviders } from "./provider.ts";

/** `openai` is the built-in default; the other built-in ones speak to services that we cannot stand in front of. */
export type ActiveKind = "custom" | "openai" | "other-builtin" | "undefined";

export type CodexFacts = Readonly<ReturnType<typeof makeCodexFacts>>;

export interface CodexFactsOptions {
  /** Where the machine's own files are. */
  readonly systemDirectory?: string | undefined;
  /** `-p NAME`: that file overrides the user's. */
  readonly profile?: string | undefined;
  /** What `-c` sets. */
  readonly commandLine?: TomlTable | undefined;
  /** What the user's file would say without our switch, where that is not what it says. */
  readonly userText?: string | undefined;
  /** `--ignore-user-config` */
  readonly ignoresUserConfig?: boolean;
}

const OTHER_BUILTINS = new Set(["ollama", "lmstudio", "amazon-bedrock", "gcp"]);
const MAX_TOML_BYTES = 512 * 1024;

/** Throws UserError with file and position for a file that Codex could not read either. */
export async function readCodexFacts(paths: Paths, options: CodexFactsOptions = {}): Promise<CodexFacts> {
  const [layers, login] = await Promise.all([readLayers(paths, options), readCodexLogin(paths.codexAuth)]);
  return makeCodexFacts(layers, login);
}

/** `login` is what auth.json says; the layers may say that the login is kept elsewhere. */
export function makeCodexFacts(layers: readonly CodexLayer[], login: CodexLogin) {
  const providers: readonly CodexProvider[] = listProviders(layers);
  const chosen = findText(layers, ["model_provider"]);
  const activeId = chosen?.value ?? "openai";
  const active = providers.find(({ id }) => id === activeId);
  const isInKeyring = findText(layers, ["cli_auth_credentials_store"])?.value === "keyring";
  return {
    activeId,
    activeKind: kindOf(activeId, active),
    /** Which layer chose it; undefined where Codex uses its default. */
    activeSource: chosen === undefined ? undefined : { kind: chosen.kind, where: chosen.where },
    /** The active provider's table, where it has one. */
    active,
    /** Base URL of the built-in `openai` provider, where one is set. */
    openaiBaseUrl: findText(layers, ["openai_base_url"]),
    providers,
    login: isInKeyring ? ({ kind: "keyring" } as const) : login,
    /** From low to high. */
    layers,
  };
}

function kindOf(id: string, table: CodexProvider | undefined): ActiveKind {
  if (id === "openai") return "openai";
  if (OTHER_BUILTINS.has(id)) return "other-builtin";
  return table === undefined ? "undefined" : "custom";
}

/** The order is Codex's: the machine's file, the user's, the profile's, the command line, what is managed. */
async function readLayers(paths: Paths, options: CodexFactsOptions): Promise<CodexLayer[]> {
  const { profile, commandLine, ignoresUserConfig = false } = options;
  const system = systemPaths(paths, options.systemDirectory);
  const files: [LayerKind, string][] = [["system", system.config]];
  if (!ignoresUserConfig) files.push(["user", paths.codexConfig]);
  if (profile !== undefined) files.push(["profile", profilePath(paths, profile)]);
  const own = await Promise.all(
    files.map(([kind, where]) => readLayer(kind, where, kind === "user" ? options.userText : undefined)),
  );
  const typed: CodexLayer[] =
    commandLine === undefined ? [] : [{ kind: "command-line", where: "-c", table: commandLine }];
  const managed = await readLayer("managed", system.managed);
  return [...own.flat(), ...typed, ...managed];
}

async function readLayer(kind: LayerKind, where: string, instead?: string): Promise<CodexLayer[]> {
  const text = instead ?? (await readTextIn(CODEX_ENCODINGS, where));
  if (text !== null && text.length > MAX_TOML_BYTES) {
    throw new UserError(t`${where} is larger than 512 KB`);
  }
  return toLayers(kind, where, text);
}

/** None for a file that is not there. */
function toLayers(kind: LayerKind, where: string, text: string | null): CodexLayer[] {
  return text === null ? [] : [{ kind, where, table: parseToml(text, where) }];
}

/** What Codex would do with each profile file (`codex -p NAME`), or why it would not start. In the order of their names. */
export async function readProfileFacts(paths: Paths, options: CodexFactsOptions) {
  const read = listProfilePaths(paths).map(async (where) => {
    const name = profileName(where);
    const facts = await readCodexFacts(paths, { ...options, profile: name }).catch(
      onUserError(({ text }) => text),
    );
    return { name, where, facts };
  });
  return await Promise.all(read);
}

/**
 * The profile files (`codex -p NAME`), which override config.toml, in the order of their names. One that cannot be read is
 * left out: Codex would not start with it.
 */
export async function readCodexProfiles(paths: Paths): Promise<CodexLayer[]> {
  const read = listProfilePaths(paths).map(async (where) =>
    toLayers("profile", where, await readTextIn(CODEX_ENCODINGS, where)),
  );
  return (await Promise.all(read.map((layers) => layers.catch(onUserError(() => []))))).flat();
}
