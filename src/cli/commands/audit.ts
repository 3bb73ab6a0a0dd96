// `ch audit`: what one's own traffic says of each relay, with the evidence behind it; and the requests behind a finding.
import { type AuditedUpstream, type LogAudit, findingId } from "../../app/audit/log-audit.ts";
import { UserError } from "../../base/errors.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { showHost } from "../../base/upstream.ts";
import type { LogRecord } from "../../log/record.ts";
import type { Finding } from "../../usage/audit/checks.ts";
import { JSON_ARG, type Typed } from "../args.ts";
import { CHECK_NAMES, describeEvidence, describeFinding, listFigures, makeStrip } from "../audit-words.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { t, tell } from "../language.ts";
import { wrapFields, wrapWords } from "../layout.ts";
import { LOCAL_NAMES, readTime } from "../time-words.ts";
import { RANGE_ARGS, type Range, makeRange, readRange, scanRange, warnOfBadLines } from "./usage/range.ts";

const DEFAULT_SINCE = "7d";
const AUDIT_ARGS = {
  ...RANGE_ARGS,
  since: { ...RANGE_ARGS.since, description: "7d (default), today, last-week, 2026-01-31T14:30" },
  upstream: {
    type: "string",
    valueHint: "NAME[#N]",
    description: "only this upstream, or those of this config, beside the others",
  },
  ...JSON_ARG,
} as const;

const listCommand = defineCommand({
  description: "what your own traffic says of each relay; sends nothing",
  examples: [
    ["ch audit list --since 30d", "models, tokens, cache and charges of the last 30 days"],
    ["ch audit list --upstream main#2 --json", "one upstream, as JSON"],
  ],
  args: AUDIT_ARGS,
  async run(args, cli) {
    const { audit, bad } = await runAudit(args, cli);
    const upstreams = choose(audit.upstreams, args.upstream);
    if (args.json === true)
      return cli.out.json({
        since: args.since ?? DEFAULT_SINCE,
        until: args.until ?? null,
        upstreams: upstreams.map(makeJson),
      });
    if (upstreams.length === 0) cli.out.note(t`no request in the log since then`);
    for (const [at, one] of upstreams.entries()) {
      if (at > 0) cli.out.line("");
      for (const line of describeUpstream(one, cli)) cli.out.line(line);
    }
    warnOfBadLines(cli, bad);
    if (upstreams.length > 0)
      cli.out.note(
        t`the requests behind a finding: ch audit show ${findingId(upstreams[0] ?? NOWHERE, { check: "model" })}`,
      );
  },
});

const NOWHERE = { label: null, baseUrl: "" };

const showCommand = defineCommand({
  description: "the evidence of one finding, and the requests behind it",
  examples: [
    ["ch audit show main#1:model", "answers that name another model"],
    ["ch audit show main#2:charge --since 30d --json", "what the balance went down by, as JSON"],
  ],
  args: {
    id: {
      type: "positional",
      required: true,
      valueHint: "ID",
      description: "an upstream and a check: main#1:model",
    },
    ...RANGE_ARGS,
    since: AUDIT_ARGS.since,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { audit, range } = await runAudit(args, cli);
    const all = audit.upstreams.flatMap((upstream) =>
      upstream.findings.map((finding) => ({ upstream, finding })),
    );
    const found = all.find(({ finding, upstream }) => findingId(upstream, finding) === args.id);
    if (found === undefined) {
      const { similarNames } = await import("../../base/similar-names.ts");
      const ids = all.map(({ finding, upstream }) => findingId(upstream, finding));
      const [near] = similarNames(args.id, ids);
      throw new UserError(t`no finding "${args.id}"`, {
        hint: near === undefined ? "ch audit" : `ch audit show ${near}`,
      });
    }
    const { finding, upstream } = found;
    const wanted = new Set(finding.requests);
    const records: LogRecord[] = [];
    if (wanted.size > 0)
      await scanRange(cli, range, (record) => void (wanted.has(record.id ?? "") && records.push(record)));
    if (args.json === true) return cli.out.json({ ...makeFindingJson(upstream, finding), requests: records });
    cli.out.line(`${showName(upstream)}  ${tell(CHECK_NAMES[finding.check])}`);
    for (const words of [tell(describeFinding(finding)), ...describeEvidence(finding).map(tell)])
      for (const line of wrapWords(words, cli.out.width - 2)) cli.out.line(`  ${line}`);
    if (records.length === 0) return;
    cli.out.line("");
    const { createLinePrinter } = await import("./usage/lines.ts");
    const print = await createLinePrinter(cli, { hasService: true, withId: true });
    for (const record of records) print(record);
    cli.out.note(t`details: ch usage show ID`);
  },
});

export const command = defineCommand({
  description: "what your own traffic says of each relay, with evidence",
  examples: [
    ["ch audit", "the last 7 days: models, tokens, cache, charges, speed"],
    ["ch audit show main#1:model", "the requests behind a finding"],
  ],
  default: "list",
  subCommands: { list: listCommand, show: showCommand },
});

/** Also for other screens: the audit of a range of the log. */
async function runAudit(
  args: Typed<typeof RANGE_ARGS>,
  cli: Cli,
): Promise<{ readonly audit: LogAudit; readonly range: Range; readonly bad: number }> {
  const now = cli.now();
  const given = readRange(args, now);
  const since = given.since ?? readTime({ flag: "--since", value: DEFAULT_SINCE, now });
  const range = makeRange({ since, until: given.until, service: given.service });
  const [{ loadPricer }, { createLogAudit }] = await Promise.all([
    import("../../app/prices.ts"),
    import("../../app/audit/log-audit.ts"),
  ]);
  const { costOf } = await loadPricer(cli.paths);
  const builder = createLogAudit({ paths: cli.paths, costOf, hourOf: LOCAL_NAMES.hour, since });
  const bad = await scanRange(cli, range, (record) => builder.add(record));
  return { audit: await builder.finish(), range, bad };
}

/** Throws UserError for one that no request in the range went to. */
function choose(all: readonly AuditedUpstream[], name: string | undefined): readonly AuditedUpstream[] {
  if (name === undefined) return all;
  const found = all.filter(
    ({ baseUrl, label }) => label === name || baseUrl === name || label?.replace(/#\d+$/, "") === name,
  );
  if (found.length > 0) return found;
  const labels = all.flatMap(({ label }) => label ?? []);
  throw new UserError(t`no request of ${name} in the log since then`, {
    hint: labels.length === 0 ? "ch audit --since 30d" : `ch audit --upstream ${labels[0]}`,
  });
}

function showName({ baseUrl, label }: AuditedUpstream): string {
  return label === null ? oneLine(showHost(baseUrl)) : `${oneLine(label)}  ${showHost(baseUrl)}`;
}

function describeUpstream(one: AuditedUpstream, { out }: Cli): string[] {
  const rows = one.findings.map((finding) => [
    tell(CHECK_NAMES[finding.check]),
    tell(describeFinding(finding)),
  ]);
  const width = Math.max(...rows.map(([name = ""]) => Bun.stringWidth(name)));
  const head = `${out.paint("bold", showName(one))}  ${t`${one.answers} answers`}`;
  const lines = rows.flatMap(([name = "", words = ""]) => {
    const wrapped = wrapWords(words, Math.max(20, out.width - width - 4));
    return wrapped.map(
      (line, at) =>
        `  ${at === 0 ? name + " ".repeat(width - Bun.stringWidth(name)) : " ".repeat(width)}  ${line}`,
    );
  });
  const figures = wrapFields(listFigures(one).map(tell).join("  "), out.width - 2).map((line) =>
    out.paint("dim", `  ${line}`),
  );
  const strip = makeStrip(one.strip, out.width - 4);
  return [head, ...lines, ...figures, ...(strip === "" ? [] : [`  ${strip}`])];
}

function makeFindingJson(upstream: AuditedUpstream, finding: Finding): Record<string, unknown> {
  const { check, confidence, count, needed, of, ratio, state, values } = finding;
  const [middle = null, low = null, high = null] = ratio ?? [];
  return {
    id: findingId(upstream, finding),
    check,
    state,
    count,
    needed,
    of,
    confidence,
    ratio: ratio === null ? null : { middle, low, high },
    values,
  };
}

function makeJson(one: AuditedUpstream): Record<string, unknown> {
  const { answers, baseUrl, drift, figures, findings, label, strip } = one;
  return {
    label,
    base_url: baseUrl,
    answers,
    findings: findings.map((finding) => ({ ...makeFindingJson(one, finding), requests: finding.requests })),
    figures: {
      ...figures,
      drift,
      uptime: strip === null || strip.asked === 0 ? null : strip.fine / strip.asked,
    },
  };
}
