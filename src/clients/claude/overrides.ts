// What keeps Claude Code from our proxy although settings.json points there: higher settings, clouds, outbound proxies,
// other tools.
// Pure.
import { t } from "../../base/text.ts";
import type { IsOwnAddress } from "../imported-config.ts";
import { type Override, listOtherProxy, listOutboundProxy } from "../override.ts";
import { CLOUD_SWITCHES, type ClaudeFacts, findVariable, mergeEnv } from "./layers.ts";

export interface ClaudeOverrideFacts {
  readonly facts: ClaudeFacts;
  readonly isOwnAddress: IsOwnAddress;
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
              what: t`sets ANTHROPIC_BASE_URL and overrides every file and option`,
              hint: t`remove it from that file, or ask the administrator of this machine`,
            }
          : {
              id: "project",
              where,
              what: t`sets ANTHROPIC_BASE_URL: in this directory Claude Code bypasses the proxy`,
              hint: t`remove it from that file, or use: ch run -- claude`,
            },
      ),
    ...clouds.map(({ name, where }): Override => ({
      id: "cloud",
      where,
      what: t`${name} sends Claude Code to a cloud provider's endpoint`,
      hint: t`unset ${name}, or use: ch run -- claude`,
    })),
    ...listOutboundProxy(mergeEnv(facts.layers)),
    ...(winner === undefined
      ? []
      : listOtherProxy({ value: winner.value, where: winner.layer.where }, isOwnAddress)),
  ];
}
