// `ch filter list`, `add` and `remove`: the rules without what they look for, and the packs that come with the program.
import { updatePack } from "../../../app/filter/filter-edit.ts";
import { findRuleFile } from "../../../app/projects/gate.ts";
import { UserError } from "../../../base/errors.ts";
import { MAX_OWN_FILE_BYTES, readText } from "../../../base/files.ts";
import { showPath } from "../../../base/paths.ts";
import { maskSecret } from "../../../base/secrets.ts";
import { SERVICES } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import { PACK_NAMES, PACK_WORDS, type PackName, loadPack } from "../../../filter/packs.ts";
import { NO_RULES, nameOf, parseRules } from "../../../filter/rules.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { t, tell } from "../../language.ts";

const PROJECT_ARG = {
  project: { type: "string", valueHint: "NAME", description: "in the rules of that project alone" },
} as const;
const PACK_ARG = {
  pack: {
    type: "positional",
    required: true,
    valueHint: "PACK",
    description: "secrets, emails, ip-private, home-paths or git-remotes",
  },
} as const;

export const listCommand = defineCommand({
  description: "list the rules, without what they look for, and the packs",
  examples: [
    ["ch filter list", "what is in use, and which packs there are"],
    ["ch filter list --json", "for a script"],
  ],
  args: { ...PROJECT_ARG, ...JSON_ARG },
  async run(args, cli) {
    const path = await findFile(cli, args.project);
    const text = await readText(path, MAX_OWN_FILE_BYTES);
    const set = text === null ? NO_RULES : parseRules(text, path);
    const rows = set.rules.flatMap((rule, index) => {
      const isFirst = set.numbers[index] !== set.numbers[index - 1];
      if (rule.pack !== undefined && !isFirst) return [];
      const patterns = set.numbers.filter((number) => number === set.numbers[index]).length;
      return [{ rule, number: set.numbers[index] ?? 0, name: rule.pack ?? nameOf(set, index), patterns }];
    });
    const unused = PACK_NAMES.filter((name) => rows.every(({ rule }) => rule.pack !== name));
    if (args.json === true) {
      return cli.out.json({
        path,
        rules: rows.map(({ name, number, patterns, rule }) => ({
          rule: number,
          name,
          ...(rule.pack === undefined ? { op: rule.op, regex: rule.regex } : { pack: rule.pack, patterns }),
          restore: rule.restore,
          services: rule.services,
        })),
        packs: PACK_NAMES.map((pack) => ({
          pack,
          in_use: !unused.includes(pack),
          patterns: loadPack(pack).patterns.length,
        })),
      });
    }
    if (rows.length === 0) cli.out.note(t`${showPath(path, cli.env)}: no rules`);
    else
      cli.out.table(
        [t`RULE`, t`WHAT`, t`RESTORED`, t`SERVICES`],
        rows.map(({ name, patterns, rule }) => [
          name,
          rule.pack === undefined
            ? `${rule.op} ${maskSecret(rule.source)}`
            : `${tell(PACK_WORDS[name as PackName])} (${patterns})`,
          rule.restore ? t`yes` : t`no`,
          rule.services.length === SERVICES.length ? t`all` : rule.services.join(", "),
        ]),
      );
    if (unused.length === 0) return;
    cli.out.note(t`packs that are not in use:`);
    for (const name of unused) cli.out.note(`  ch filter add ${name.padEnd(11)}  ${tell(PACK_WORDS[name])}`);
    const trying = `ch filter test --pack ${unused[0] ?? ""}`;
    cli.out.note(t`what one would take: ${trying}`);
  },
});

export const addCommand = defineCommand({
  description: "add a pack of rules",
  examples: [
    ["ch filter add secrets", "known shapes of keys, tokens and passwords"],
    ["ch filter add home-paths --restore", "and answers give the text back"],
    ["ch filter add emails --project acme", "for one project alone"],
  ],
  args: {
    ...PACK_ARG,
    restore: { type: "boolean", description: "each hit becomes a placeholder that answers give back" },
    ...PROJECT_ARG,
  },
  async run(args, cli) {
    const pack = readPack(args.pack);
    const path = await findFile(cli, args.project);
    const isNew = await updatePack({ ...cli, path }, { pack, restore: args.restore });
    const file = showPath(path, cli.env);
    const patterns = loadPack(pack).patterns.length;
    const count = patterns === 1 ? t`1 pattern` : t`${patterns} patterns`;
    if (isNew) cli.out.note(t`added ${pack} to ${file}: ${count}`);
    else cli.out.note(t`${pack} is in ${file} already`);
    const { shell } = await loadConfig(cli.paths.config);
    if (shell.filter === false) cli.out.warn(t`redaction is off: "filter": false in config.json`);
    const restoring = `ch filter add ${pack} --restore`;
    if (isNew && args.restore !== true && pack !== "secrets")
      cli.out.note(t`so that answers give the text back: ${restoring}`);
    cli.out.note(t`Next: ch filter test`);
  },
});

export const removeCommand = defineCommand({
  description: "remove a pack of rules",
  examples: [
    ["ch filter remove emails", "the other rules stay as they are"],
    ["ch filter remove emails --project acme", "from the rules of one project"],
  ],
  args: {
    ...PACK_ARG,
    ...PROJECT_ARG,
  },
  async run(args, cli) {
    const pack = readPack(args.pack);
    const path = await findFile(cli, args.project);
    const file = showPath(path, cli.env);
    if (!(await updatePack({ ...cli, path }, { pack, restore: null })))
      throw new UserError(t`${pack} is not in ${file}`, { hint: "ch filter list" });
    cli.out.note(t`removed ${pack} from ${file}`);
    cli.out.note(t`Next: ch filter list`);
  },
});

function readPack(name: string): PackName {
  const found = PACK_NAMES.find((one) => one === name);
  if (found !== undefined) return found;
  throw new UserError(t`there is no pack "${name}"`, { hint: PACK_NAMES.join(", ") });
}

/** filter.json, or the file of a project's own rules. Throws UserError. */
async function findFile(cli: Cli, project: string | undefined): Promise<string> {
  if (project === undefined) return cli.paths.filter;
  const { projects } = await loadConfig(cli.paths.config);
  const rule = projects.find(({ name, pattern }) => name === project || pattern === project);
  if (rule === undefined)
    throw new UserError(t`there is no project "${project}"`, { hint: "ch project list" });
  const { filter } = rule.entry;
  if (filter != null) return findRuleFile(filter, cli);
  throw new UserError(t`project ${project} has no rules of its own`, {
    hint: `ch project set '${rule.pattern}' --filter FILE`,
  });
}
