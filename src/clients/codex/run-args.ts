// How to start Codex so that its requests go to a port of ours, by its command line and environment alone.
// Pure.
import type { TomlValue } from "smol-toml";
import { type Env, readVariable } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { t } from "../../base/language.ts";
import { type CodexArgs, type CodexSetting, applySettings } from "./args.ts";
import type { CodexFacts } from "./facts.ts";
import { type CodexLayer, findValue, isTable } from "./layers.ts";
import { isUsableLogin } from "./login.ts";
import { exemptLoopback } from "../loopback-proxy.ts";
import { OWN_PROVIDER, makeOwnProvider } from "./own-provider.ts";
import { makeProxyAddress } from "../proxy-address.ts";

/** What a client is started with. */
export interface RunPlan {
  readonly args: readonly string[];
  /** Variables added to the client's environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface CodexRun {
  /** As the user typed them. */
  readonly args: readonly string[];
  readonly parsed: CodexArgs;
  /** Read with what `parsed` says. */
  readonly facts: CodexFacts;
  readonly env: Env;
  readonly port: number;
  /** This Codex takes `--no-daemon`: the conversation must end with us, and not live on in the background. */
  readonly knowsNoDaemon: boolean;
}

/** Codex wants a key before it asks; the proxy puts the real one in its place. */
const PLACEHOLDER_KEY = "codex-helper";

/**
 * Our options go before the user's: there Codex takes them whatever the subcommand.
 * Throws UserError where something else decides where the requests go.
 */
export function planCodexRun({ args, parsed, facts, env, port, knowsNoDaemon }: CodexRun): RunPlan {
  refuseElsewhere(parsed);
  const url = makeProxyAddress("codex", port);
  const ours = chooseSettings(facts, url);
  // A session that our own provider made stays with it, whatever is active now.
  if (parsed.mayResume && ours.every(({ path }) => !path.includes(OWN_PROVIDER))) ours.push(...makeOwn(url));
  refuseOverruled(ours, parsed, facts);
  const key = facts.activeKind === "custom" ? facts.active?.envKey : undefined;
  const isKeyMissing = key !== undefined && key !== "" && readVariable(env, key) === undefined;
  return {
    args: [
      ...(knowsNoDaemon && !parsed.hasNoDaemon ? ["--no-daemon"] : []),
      ...formatSettings(ours).flatMap((text) => ["-c", text]),
      ...args,
    ],
    env: { ...exemptLoopback(env), ...(isKeyMissing ? { [key]: PLACEHOLDER_KEY } : {}) },
  };
}

function refuseElsewhere(parsed: CodexArgs): void {
  if (parsed.usesLocalModel) {
    throw new UserError(t`--oss and --local-provider ask a model on this machine, not an upstream`, {
      hint: t`leave the option out, or start codex without ch`,
    });
  }
  if (parsed.usesRemote) {
    throw new UserError(
      t`--remote: the requests are made by another Codex, which cannot be pointed at this proxy`,
      {
        hint: t`run ch where that Codex runs`,
      },
    );
  }
}

/** The provider's id is kept, because a session belongs to it; only its URL moves. */
function chooseSettings(facts: CodexFacts, url: string): CodexSetting[] {
  const { activeId, activeKind, active } = facts;
  if (activeKind === "custom") {
    // Without a login Codex would stop at its sign-in screen.
    const needsNoLogin = active?.requiresOpenaiAuth === true && !isUsableLogin(facts.login);
    return makeProvider(activeId, {
      base_url: url,
      ...(needsNoLogin ? { requires_openai_auth: false } : {}),
    });
  }
  if (activeKind === "openai" && isUsableLogin(facts.login)) {
    return [{ path: ["openai_base_url"], value: url }];
  }
  if (activeKind === "openai") {
    return [{ path: ["model_provider"], value: OWN_PROVIDER }, ...makeOwn(url)];
  }
  const why =
    activeKind === "undefined" ? t`which is not defined` : t`which this proxy cannot stand in front of`;
  const where = facts.activeSource?.where ?? "Codex";
  throw new UserError(t`${where}: model_provider is "${activeId}", ${why}`, {
    hint: t`choose another: ch run -- codex -c model_provider=NAME`,
  });
}

function makeProvider(id: string, values: Readonly<Record<string, TomlValue>>): CodexSetting[] {
  return Object.entries(values).map(([key, value]) => ({ path: ["model_providers", id, key], value }));
}

function makeOwn(url: string): CodexSetting[] {
  return makeProvider(OWN_PROVIDER, makeOwnProvider(url));
}

/** Says who overrules us, if anybody: a later `-c` of the user's, or a managed file. */
function refuseOverruled(ours: readonly CodexSetting[], parsed: CodexArgs, facts: CodexFacts): void {
  const typed: CodexLayer = {
    kind: "command-line",
    where: "-c",
    table: applySettings([...ours, ...parsed.settings]),
  };
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  for (const { path, value } of ours) {
    const winner = findValue([typed, ...managed], path);
    if (winner !== undefined && winner.value === value) continue;
    const key = path.join(".");
    if (winner?.kind === "managed") {
      throw new UserError(t`${winner.where} sets ${key}, and wins over every command line`, {
        hint: t`take ${key} out of that file, or ask who manages this machine`,
      });
    }
    throw new UserError(t`-c sets or replaces ${key}: the requests would go past the proxy`, {
      hint: t`leave that -c out, or start codex without ch`,
    });
  }
}

/**
 * Codex splits a key at every dot, quoted or not. A name that this would break goes into one inline table, which Codex
 * merges with the files' tables.
 */
function formatSettings(settings: readonly CodexSetting[]): string[] {
  if (settings.every(({ path }) => path.every((part) => /^[\w-]+$/.test(part)))) {
    return settings.map(({ path, value }) => `${path.join(".")}=${formatInline(value)}`);
  }
  return Object.entries(applySettings(settings)).map(([key, value]) => `${key}=${formatInline(value)}`);
}

function formatInline(value: TomlValue): string {
  if (!isTable(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}=${formatInline(inner)}`,
  );
  return `{${entries.join(",")}}`;
}
