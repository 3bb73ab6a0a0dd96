// Reads the files of cli_proxy. Changes nothing.
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { type JsonRecord, parseRecord } from "../../base/json-value.ts";
import { t } from "../../base/language.ts";
import type { CliProxyFiles } from "./cli-proxy.ts";

/** Throws UserError where the directory has neither codex.json nor claude.json, or one of the files is not JSON. */
export async function readCliProxy(directory: string): Promise<CliProxyFiles> {
  const [codex, claude, balancing, models] = await Promise.all(
    ["codex.json", "claude.json", "data/lb_config.json", "data/model_router_config.json"].map((name) =>
      readObject(join(directory, name)),
    ),
  );
  if (codex == null && claude == null) {
    throw new UserError(t`there is nothing of cli_proxy in ${directory}`, {
      hint: "ch config import --from cli_proxy --dir DIR",
    });
  }
  const filter = (await readText(join(directory, "filter.json"))) ?? "";
  return {
    services: { codex: codex ?? null, claude: claude ?? null },
    balancing: balancing ?? null,
    models: models ?? null,
    hasFilter: /"source"\s*:\s*"[^"]/.test(filter),
  };
}

async function readObject(path: string): Promise<JsonRecord | null> {
  const text = await readText(path);
  if (text === null) return null;
  const record = parseRecord(text);
  if (record === null) throw new UserError(t`${path} is not valid JSON`);
  return record;
}
