// `ch filter test --session`: what the rules would have taken of a conversation that a client stored. Each record goes through
// them as in a request, and every hit is masked: nobody needs to see again what was to stay secret.
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { showMoment } from "../../../base/text.ts";
import type { RuleSet } from "../../../filter/rules.ts";
import type { SessionFacts, TranscriptItem } from "../../../sessions/session.ts";
import { readRecords } from "../../../sessions/transcript.ts";
import type { Cli } from "../../cli.ts";
import { t, tell } from "../../language.ts";
import { type QueryArgs, findOne } from "../session/query.ts";
import { type ShownChange, type Trial, makeTester } from "./trial.ts";

/** Throws UserError where there is no such session, or where a record would be refused. */
export async function trySession(
  cli: Cli,
  args: QueryArgs & { readonly id: string },
  rules: RuleSet,
): Promise<Trial> {
  const facts = await findOne(cli, args);
  const { format, id } = facts.file;
  const name = t`session ${id ?? args.id} of ${CLIENT_NAME[format.service]}`;
  const tester = makeTester(cli, rules, format.service, true);
  const items = format.createItemReader(facts.file);
  const [hits, exemptHits] = [rules.rules.map(() => 0), rules.rules.map(() => 0)];
  const changes: ShownChange[] = [];
  for (const record of readRecords(facts)) {
    const [item] = items.read(record);
    const sent = format.readSent(record);
    if (sent === null) continue;
    const tried = tester(name, Buffer.from(JSON.stringify(sent)));
    addTo(hits, tried.hits);
    addTo(exemptHits, tried.exemptHits);
    const where = describeItem(item, facts, cli);
    for (const { after, before } of tried.changes) changes.push({ where, before, after });
  }
  return { input: { name, service: format.service }, rules, hits, exemptHits, changes };
}

function addTo(sums: number[], counts: readonly number[]): void {
  for (const [index, count] of counts.entries()) sums[index] = (sums[index] ?? 0) + count;
}

/** What no person reads is the client's own: its instructions, for example. */
function describeItem(item: TranscriptItem | undefined, { file }: SessionFacts, { now }: Cli): string {
  const client = CLIENT_NAME[file.format.service];
  if (item === undefined) return client;
  const { at, kind, tool } = item;
  const who = { prompt: t`you`, answer: client, call: oneLine(tool ?? ""), output: t`output of a tool` }[
    kind
  ];
  return at === null ? who : `${who}  ${tell(showMoment(at, now()))}`;
}
