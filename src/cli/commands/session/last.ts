// `ch session last`: the latest session of this project, and the command that resumes it.
import { readCurrentDirectory } from "../../current-directory.ts";
import { UserError } from "../../../base/errors.ts";
import { t } from "../../language.ts";
import { makeResumeFrom } from "../../../sessions/resume.ts";
import type { ProviderChange } from "../../../sessions/session.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { QUERY_ARGS, makeQuery, requireLatest } from "./query.ts";
import { makeSessionJson, renderSessions } from "./session-lines.ts";

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
    if (args.json === true) return cli.out.json(makeSessionJson(facts, cli));
    cli.out.line(renderSessions([facts], cli, query).join("\n"));
    const resume = makeResumeFrom(facts, readCurrentDirectory(cli.env));
    if (resume !== null) cli.out.line(`\n${cli.out.paint("bold", resume)}`);
    const change = (await format.findProviderChange?.(facts)) ?? null;
    if (change !== null) warnOfProvider(cli, change);
  },
});

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
