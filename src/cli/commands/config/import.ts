// `ch config import`: a client's own providers and logins as configs, shown before anything is written.
import { createClientSecrets } from "../../../app/client-secrets.ts";
import { findImport, placeImports, planImport } from "../../../app/client-import.ts";
import { readVariable } from "../../../base/env.ts";
import { EXIT, UserError } from "../../../base/errors.ts";
import { CLIENT_NAME, type Service } from "../../../base/service.ts";
import type { ImportedConfig } from "../../../clients/imported-config.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import { makeEmptyConfig } from "../../../config/parse.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { type ConfigView, describeCredential, viewConfigs } from "./describe.ts";

export function importCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "import", description: "take over the providers and logins a client has" },
    examples: [
      ["ch config import --from codex", "what would be taken over from Codex"],
      ["ch config import --from claude --yes", "take it over from Claude Code"],
    ],
    args: {
      from: { type: "enum", options: ["codex", "claude"], valueHint: "CLIENT", description: "whose set-up" },
      yes: { type: "boolean", description: "write it without asking" },
      ...JSON_ARG,
    },
    async run({ args }) {
      const service = args.from;
      if (service === undefined) {
        const hint = "ch config import --from codex  or  --from claude";
        throw new UserError("--from is missing", { hint, exitCode: EXIT.usage });
      }
      const { paths, env, out, now } = cli;
      const found = await findImport({ paths, env, cwd: process.cwd(), service });
      const fresh = placeImports(found.configs, await loadConfig(paths.config), service);
      const views = viewImports(cli, service, fresh);
      for (const words of found.skipped) out.warn(`left out: ${words}`);
      if (args.json !== true) show(cli, views, fresh);
      const isWanted =
        fresh.length > 0 && (args.yes === true || (args.json !== true && (await out.confirm("Add these?"))));
      if (isWanted) await updateConfig(paths, planImport(service, fresh), now);
      if (args.json === true) {
        out.json({ service, configs: views, left_out: found.skipped, written: isWanted });
      } else if (fresh.length === 0) {
        out.note(`nothing new: ${CLIENT_NAME[service]}'s providers are all in ${paths.config}`);
      } else {
        out.note(isWanted ? `written to ${paths.config}` : "nothing was written; --yes writes it");
      }
    },
  });
}

function show({ out }: Cli, views: readonly ConfigView[], configs: readonly ImportedConfig[]): void {
  const rows = views.map((view, index) => {
    const [upstream] = view.upstreams;
    if (upstream === undefined) return [view.name];
    return [
      view.name,
      upstream.base_url,
      describeCredential(upstream.credential),
      configs[index]?.from ?? "",
    ];
  });
  if (rows.length > 0) out.table(["NAME", "ADDRESS", "KEY", "FROM"], rows);
}

/** As `config list` would show them, masked. */
function viewImports(cli: Cli, service: Service, configs: readonly ImportedConfig[]): ConfigView[] {
  const empty = makeEmptyConfig();
  const entries = configs.map(
    ({ name, upstreams }) => [name, { name, alias: null, entry: { upstreams: [...upstreams] } }] as const,
  );
  const section = { active: null, configs: new Map(entries), broken: new Map<string, string>() };
  const secrets = createClientSecrets(cli.paths, cli.now);
  return viewConfigs({
    config: { ...empty, services: { ...empty.services, [service]: section } },
    service,
    readVariable: (name) => readVariable(cli.env, name) ?? secrets.read(service, name),
  });
}
