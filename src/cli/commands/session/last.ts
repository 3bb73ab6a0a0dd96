// `ch session last`: the latest session of this project, and the command that resumes it.
import { createClientSecrets } from "../../../app/client-secrets.ts";
import { UserError, onUserError } from "../../../base/errors.ts";
import type { Service } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import { resolveConfig } from "../../../config/resolve.ts";
import { t, tell } from "../../language.ts";
import type { ProviderChange } from "../../../sessions/session.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { QUERY_ARGS, makeQuery, requireLatest } from "./query.ts";
import { makeResume, makeSessionJson, readSwitches, renderSessions } from "./session-lines.ts";

/**
 * A session that is resumed after a long time stays in the directory of its first day, and to read 50,000 files takes longer
 * than anyone waits for this answer. Older ones are found by their ids in the histories; the list reads all.
 */
const MAX_FILES = 4_000;

export const lastCommand = defineCommand({
  description: "show the last session of this project, and how to resume it",
  examples: [
    ["ch session last --path ~/code/my-app", "the last session of another project"],
    ["codex resume $(ch session last --id)", "resume it now"],
  ],
  args: {
    ...QUERY_ARGS,
    id: { type: "boolean", description: "print only its id" },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const query = await makeQuery(cli, args, MAX_FILES);
    const facts = requireLatest(cli, query);
    const { format, id, path } = facts.file;
    if (args.json !== true && args.id === true) {
      if (id === null) throw new UserError(t`the session in ${path} has no id`);
      return cli.out.line(id);
    }
    const switches = await readSwitches(cli, [format.service]);
    if (args.json === true) return cli.out.json(makeSessionJson(facts, cli, switches));
    cli.out.line(renderSessions([facts], cli, query).join("\n"));
    const resume = makeResume(facts, cli, switches);
    if (resume !== null) {
      cli.out.line(`\n${cli.out.paint("bold", resume)}`);
      if (switches.get(format.service)?.isOn !== true) await noteNeeds(cli, format.service);
    }
    const change = (await format.findProviderChange?.(facts)) ?? null;
    if (change !== null) warnOfProvider(cli, change);
  },
});

/** What `ch run` needs in this terminal, where that is missing. */
async function noteNeeds({ env, now, out, paths }: Cli, service: Service): Promise<void> {
  const config = await loadConfig(paths.config).catch(onUserError(() => null));
  // Without any config it takes over what the client has.
  if (config === null || config.services[service].configs.size === 0) return;
  const secrets = createClientSecrets(paths, now);
  const clientSecret = (name: string): string | undefined => secrets.read(service, name);
  const resolved = resolveConfig(config, service, { env, clientSecret, now: now() });
  if (resolved.kind === "unset") return out.note(`  ${tell(resolved.message)}: ${resolved.hint}`);
  const problems = resolved.upstreams.flatMap(({ credential }) =>
    credential.kind === "unusable" ? [tell(credential.why)] : [],
  );
  for (const problem of new Set(problems)) out.note(t`  in this terminal ${problem}`);
}

function warnOfProvider({ out }: Cli, { stored, configured, isStoredDefined }: ProviderChange): void {
  if (isStoredDefined)
    out.warn(
      t`this session belongs to the provider "${stored}" and continues with it, although Codex uses "${configured}"`,
    );
  else
    out.warn(
      t`this session belongs to the provider "${stored}", which config.toml does not define: Codex will not resume it`,
    );
}
