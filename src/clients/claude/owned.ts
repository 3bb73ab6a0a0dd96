// What ANTHROPIC_CUSTOM_HEADERS adds to Claude Code's requests: it stays where it is set while a switch moves the address, and
// belongs to the base URL that it was written for.
import type { OwnedName } from "../../base/owned-names.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import { inEnglish } from "../../base/text.ts";
import type { ClientFiles } from "../client.ts";
import { readClaudeFacts } from "./facts.ts";
import { BASE_URL, CUSTOM_HEADERS, type ClaudeLayer, findVariable } from "./layers.ts";

export async function readClaudeOwned(
  files: ClientFiles,
  userText: string | undefined,
): Promise<OwnedName[]> {
  return listClaudeOwned((await readClaudeFacts({ ...files, userText })).layers);
}

/** Of every layer that sets it, from high to low. The address is that of the same layer, else the one in force. */
export function listClaudeOwned(layers: readonly ClaudeLayer[]): OwnedName[] {
  const inForce = findVariable({ layers, hasLogin: false, problems: [] }, BASE_URL);
  const winner = layers.find(({ env }) => env[CUSTOM_HEADERS] !== undefined);
  return layers.flatMap((layer) => {
    const own = layer.env[BASE_URL];
    const { layer: place, value } =
      own === undefined && inForce !== undefined
        ? inForce
        : { layer, value: own ?? SERVICE_FACTS.claude.origins[0] ?? "" };
    return parseHeaders(layer.env[CUSTOM_HEADERS] ?? "").map((header) => ({
      kind: "header",
      ...header,
      name: header.shown.toLowerCase(),
      owner: place.kind === "environment" ? BASE_URL : `${BASE_URL} (${inEnglish(place.where)})`,
      baseUrl: value,
      isInUse: layer === winner,
    }));
  });
}

/** One "Name: value" a line, as Claude Code reads it. */
function parseHeaders(text: string): Pick<OwnedName, "shown" | "value">[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(":");
    const shown = line.slice(0, Math.max(0, colon)).trim();
    return shown === "" ? [] : [{ shown, value: line.slice(colon + 1).trim() }];
  });
}
