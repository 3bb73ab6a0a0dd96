// `ch doctor --probe`: says what it would send to whom, asks, and shows what came of it.
import { type ProbeQuestion, planProbe } from "../../../app/doctor/probe-plan.ts";
import { UserError } from "../../../base/errors.ts";
import { t } from "../../language.ts";
import { CLIENT_NAME } from "../../../base/service.ts";
import type { Finding } from "../../../doctor/check.ts";
import type { ExamineOptions } from "../../../doctor/facts.ts";
import { makeProbeFindings } from "../../../doctor/probe-findings.ts";
import type { Cli } from "../../cli.ts";
import { alignRows } from "../../layout.ts";

export interface ProbeRequest extends ProbeQuestion {
  readonly isConfirmed: boolean;
}

/** The findings, in the order of the upstreams; empty where the user said no. Throws UserError. */
export async function runProbe(cli: Cli, request: ProbeRequest, options: ExamineOptions): Promise<Finding[]> {
  const { out } = cli;
  const { asked, live } = await planProbe(request, options);
  out.note(t`One small request with its key goes to each of these:`);
  const rows = asked.map(({ model, upstream }) => [
    upstream.label,
    CLIENT_NAME[upstream.service],
    new URL(upstream.baseUrl).host,
    model,
  ]);
  for (const row of alignRows(rows, undefined)) out.note(`  ${row}`);
  out.note(t`Each costs about 30 tokens; what the upstream counts is shown.`);
  if (!request.isConfirmed) {
    if (!cli.isInteractive) throw notAsked(request);
    if (!(await out.confirm(t`Send them?`))) return [];
  }
  const { probe } = await import("../../../app/doctor/probe.ts");
  const { routing } = live.settings();
  const facts = await Promise.all(
    asked.map(({ model, upstream }) =>
      probe(upstream, { model, routing, now: options.now, paths: options.paths }),
    ),
  );
  return facts.flatMap(makeProbeFindings);
}

function notAsked({ target }: ProbeQuestion): UserError {
  const name = target === null ? "" : ` ${target}`;
  return new UserError(t`nobody is there to be asked: nothing was sent`, {
    hint: `ch doctor --probe${name} --yes`,
  });
}
