// `ch upgrade`: how this installation is upgraded, and with --check whether there is something newer. It upgrades nothing itself.
import { EXIT, UserError } from "../../base/errors.ts";
import { showPath } from "../../base/paths.ts";
import { inEnglish } from "../../base/text.ts";
import { PRODUCT, VERSION, describeVersion } from "../../base/version.ts";
import { type UpgradeAnswer, findUpgrade } from "../../app/upgrade/upgrade.ts";
import { JSON_ARG, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { t, tell } from "../language.ts";
import { wrapWords } from "../layout.ts";

export const command = defineCommand({
  description: "how this installation is upgraded, and what is newest",
  examples: [
    ["ch upgrade --check", "ask whether there is a newer release"],
    ["ch upgrade", "only what to type; asks nobody"],
    ["ch upgrade --check --json", "for scripts"],
  ],
  args: {
    check: { type: "boolean", description: "ask where the releases are for the newest" },
    from: {
      type: "string",
      valueHint: "PLACE",
      description: "with --check: a directory or address with a release",
    },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const isAsked = args.check === true;
    if (args.from !== undefined && !isAsked)
      throw usageError(t`--from is for --check`, `ch upgrade --check --from ${args.from}`);
    const question = { env: cli.env, from: args.from };
    try {
      const answer = await findUpgrade({ ...question, isAsked });
      if (args.json === true) cli.out.json(makeJson(answer, null));
      else {
        print(cli, answer, isAsked);
        if (!isAsked) cli.out.note(`\n${t`Next: ch upgrade --check`}`);
      }
      return EXIT.ok;
    } catch (error) {
      if (!(error instanceof UserError) || error.exitCode === EXIT.usage) throw error;
      // It is known all the same what to type.
      const answer = await findUpgrade({ ...question, isAsked: false });
      if (args.json === true) {
        cli.out.json(makeJson(answer, error));
        return error.exitCode;
      }
      print(cli, answer, false);
      throw error;
    }
  },
});

function print({ env, out }: Cli, answer: UpgradeAnswer, isAsked: boolean): void {
  const { installation, isNewer, newest, notes, program } = answer;
  const { commands, name, where } = installation;
  const line = (text: string): void => wrapWords(text, out.width).forEach((one) => out.line(one));
  line(`${PRODUCT} ${describeVersion()}`);
  line(t`program: ${showPath(program, env)}`);
  line(t`installed with: ${tell(name)}`);
  if (isAsked) line(describeNewest(answer));
  if (notes !== null) line(t`what is new: ${notes}`);
  if (isAsked && newest !== null && !isNewer) return;
  out.line();
  out.line(where === undefined ? t`To upgrade:` : t`To upgrade, ${tell(where)}:`);
  for (const one of commands) out.line(`  ${one}`);
  if (isNewer) out.note(t`A proxy that is running stays the old version until it is started again.`);
}

function describeNewest({ isNewer, newest }: UpgradeAnswer): string {
  if (newest === null) return t`newest release: unknown, because this build does not come from a release`;
  if (isNewer) return t`newest release: ${newest}`;
  if (newest === VERSION) return t`newest release: ${newest}, which this is`;
  return newest.includes("-")
    ? t`newest release: ${newest}, which is only for trying out`
    : t`newest release: ${newest}, and this is newer`;
}

function makeJson(
  { installation, isNewer, newest, notes, program }: UpgradeAnswer,
  problem: UserError | null,
) {
  return {
    version: VERSION,
    build: describeVersion(),
    newest,
    /** Null where it is not known. */
    is_newer: newest === null ? null : isNewer,
    notes,
    program,
    installed_with: installation.id,
    upgrade: installation.commands,
    where: installation.where === undefined ? null : inEnglish(installation.where),
    problem: problem === null ? null : problem.message,
  };
}
