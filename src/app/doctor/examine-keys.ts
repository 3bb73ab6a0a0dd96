// Where the key of an upstream is, for `doctor`: how old one in config.json is at least, by the versions of the file that are kept;
// what its command gives, which is run for it; and which place for keys this machine has.
import { join } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { listNames, readTextOrNull, statOrNull } from "../../base/files.ts";
import { flagFor } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import { inShell } from "../../base/shell.ts";
import type { Upstream } from "../../base/upstream.ts";
import { findCredential } from "../../config/check-upstreams.ts";
import { programOf, showCommand } from "../../config/key-command.ts";
import { KEY_RECIPES, itemOf } from "../../config/key-recipes.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import type { ExamineOptions, UpstreamFacts } from "../../doctor/facts.ts";
import type { UpstreamFacts as UpstreamStatus } from "../ask-instance.ts";
import type { Keys } from "../keys/keys.ts";

type KeyFacts = Pick<UpstreamFacts, "keyCommand" | "keyRecipe" | "literalKeyMs">;

const NOTHING: KeyFacts = { keyCommand: null, keyRecipe: null, literalKeyMs: null };

export async function makeKeyFacts(
  { entry, upstream }: { readonly entry: UpstreamEntry; readonly upstream: Upstream },
  options: ExamineOptions & { readonly keys: Keys; readonly state: UpstreamStatus | undefined },
): Promise<KeyFacts> {
  const written = findCredential(entry.auth);
  if (written?.from === "text")
    return {
      ...NOTHING,
      keyRecipe: makeRecipe(upstream, written.kind, options.env),
      literalKeyMs: Math.max(0, options.now() - findSince(written.secret, options)),
    };
  if (written?.from !== "command") return NOTHING;
  const { source } = written;
  const began = performance.now();
  const key = await options.keys.read(source);
  const program = programOf(source);
  const { state } = options;
  const failure = key.kind === "key" ? null : key.said === "" ? key.why : t`${key.why}: ${key.said}`;
  return {
    ...NOTHING,
    keyCommand: {
      program,
      tookMs: performance.now() - began,
      failure,
      isFineThere: state?.problem === null && (state.attempts ?? 0) > (state.failed_attempts ?? 0),
      fix:
        KEY_RECIPES.find((one) => one.program === program)?.unlock ??
        inShell().quiet(showCommand(source.words)),
    },
  };
}

/** The oldest version that has it was replaced at the time in its name; without one, the file is as it was when it was written. */
function findSince(secret: string, { now, paths }: ExamineOptions): number {
  const times = listNames(paths.backups).flatMap((name) => {
    const [, at] = /^config\.json\.(\d+)$/.exec(name) ?? [];
    const hasIt = at !== undefined && (readTextOrNull(join(paths.backups, name)) ?? "").includes(secret);
    return hasIt ? [Number(at)] : [];
  });
  return Math.min(statOrNull(paths.config)?.mtimeMs ?? now(), ...times);
}

function makeRecipe({ label, service }: Upstream, kind: "bearer" | "api-key", env: Env): string[] | null {
  const path = readVariable(env, "PATH") ?? "";
  const recipe = KEY_RECIPES.find(({ program }) => Bun.which(program, { PATH: path }) !== null);
  if (recipe === undefined) return null;
  const item = itemOf(label);
  const flag = kind === "bearer" ? "--auth-token-command" : "--api-key-command";
  const set = `ch config set ${label}${flagFor(service)} ${flag} -- ${showCommand(recipe.words(item))}`;
  return [...[recipe.store(item)].flatMap((line) => line ?? []), set];
}
