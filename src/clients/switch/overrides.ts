// What keeps a client from our proxy although its own file points there: higher files, profiles, outbound proxies and
// other tools.
// Pure.
import { basename } from "node:path";
import type { Env } from "../../base/env.ts";
import { t } from "../../base/language.ts";
import { isLoopback } from "../../config/base-url.ts";
import { CLOUD_SWITCHES, type ClaudeFacts, findVariable } from "../claude/layers.ts";
import type { CodexFacts } from "../codex/facts.ts";
import { type CodexLayer, isTable, valueAt } from "../codex/layers.ts";
import { findLoopbackProxy } from "../loopback-proxy.ts";

export interface Override {
  /** Stable, for scripts. */
  readonly id: "managed" | "profile" | "project" | "cloud" | "outbound-proxy" | "other-proxy";
  /** The file's path, or the variable's name. */
  readonly where: string;
  /** One clause for people; holds no value of the file but addresses on this machine. */
  readonly what: string;
  /** What to type or do. */
  readonly hint: string;
}

export interface CodexOverrideFacts {
  readonly facts: CodexFacts;
  readonly profiles: readonly CodexLayer[];
  readonly env: Env;
  readonly isOwnAddress: (baseUrl: string) => boolean;
}

export function listCodexOverrides({ facts, profiles, env, isOwnAddress }: CodexOverrideFacts): Override[] {
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  const { activeKind, active, openaiBaseUrl } = facts;
  const baseUrl = activeKind === "custom" ? active?.baseUrl : openaiBaseUrl;
  return [
    ...managed.filter(setsTarget).map(({ where, table }): Override => ({
      id: "managed",
      where,
      what: t`sets ${keysOfTarget(table)}, and wins over every file and option`,
      hint: t`take it out of that file, or ask who manages this machine`,
    })),
    ...profiles.filter(setsTarget).map(({ where, table }): Override => {
      const name = basename(where, ".config.toml");
      return {
        id: "profile",
        where,
        what: t`sets ${keysOfTarget(table)}: codex -p ${name} goes past the proxy`,
        hint: t`take it out of that file, or use: ch run -- codex -p ${name}`,
      };
    }),
    ...outboundProxy(env),
    ...(baseUrl === undefined ? [] : otherProxy({ ...baseUrl, isOwnAddress })),
  ];
}

export interface ClaudeOverrideFacts {
  readonly facts: ClaudeFacts;
  readonly isOwnAddress: (baseUrl: string) => boolean;
}

export function listClaudeOverrides({ facts, isOwnAddress }: ClaudeOverrideFacts): Override[] {
  const above = facts.layers.filter(({ kind }) => kind !== "user" && kind !== "environment");
  const winner = findVariable(facts, "ANTHROPIC_BASE_URL");
  const clouds = CLOUD_SWITCHES.flatMap((name) => {
    const found = findVariable(facts, name);
    return found === undefined || /^(?:0|false|no|off)$/i.test(found.value)
      ? []
      : [{ name, where: found.layer.where }];
  });
  return [
    ...above
      .filter(
        ({ env }) => env["ANTHROPIC_BASE_URL"] !== undefined && !isOwnAddress(env["ANTHROPIC_BASE_URL"]),
      )
      .map(({ kind, where }): Override =>
        kind === "managed"
          ? {
              id: "managed",
              where,
              what: t`sets ANTHROPIC_BASE_URL, and wins over every file and option`,
              hint: t`take it out of that file, or ask who manages this machine`,
            }
          : {
              id: "project",
              where,
              what: t`sets ANTHROPIC_BASE_URL: in this directory Claude Code goes past the proxy`,
              hint: t`take it out of that file, or use: ch run -- claude`,
            },
      ),
    ...clouds.map(({ name, where }): Override => ({
      id: "cloud",
      where,
      what: t`${name} sends Claude Code to a cloud's own endpoint`,
      hint: t`unset ${name}, or use: ch run -- claude`,
    })),
    ...outboundProxy(Object.assign({}, ...facts.layers.toReversed().map((layer) => layer.env))),
    ...(winner === undefined
      ? []
      : otherProxy({ value: winner.value, where: winner.layer.where, isOwnAddress })),
  ];
}

function setsTarget({ table }: CodexLayer): boolean {
  return keysOfTarget(table) !== "";
}

/** The keys of a file that decide where Codex's requests go, for people. */
function keysOfTarget(table: CodexLayer["table"]): string {
  const providers = valueAt(table, ["model_providers"]);
  const ids = isTable(providers) ? Object.keys(providers) : [];
  return [["model_provider"], ["openai_base_url"], ...ids.map((id) => ["model_providers", id, "base_url"])]
    .filter((path) => valueAt(table, path) !== undefined)
    .map((path) => path.join("."))
    .join(", ");
}

function outboundProxy(env: Env): Override[] {
  const name = findLoopbackProxy(env);
  if (name === undefined) return [];
  return [
    {
      id: "outbound-proxy",
      where: name,
      what: t`requests for 127.0.0.1 are sent through it`,
      hint: t`export NO_PROXY=127.0.0.1 (with what NO_PROXY holds already)`,
    },
  ];
}

interface Target {
  readonly value: string;
  readonly where: string;
  readonly isOwnAddress: (baseUrl: string) => boolean;
}

/** Another program on this machine has the client: two such tools undo one another's work. */
function otherProxy({ value, where, isOwnAddress }: Target): Override[] {
  if (!URL.canParse(value) || isOwnAddress(value)) return [];
  const { hostname, host } = new URL(value);
  if (!isLoopback(hostname)) return [];
  return [
    {
      id: "other-proxy",
      where,
      what: t`points at ${host}, which is another program on this machine`,
      hint: t`let only one of the two point the client`,
    },
  ];
}
