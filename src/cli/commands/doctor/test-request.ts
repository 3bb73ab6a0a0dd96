// `ch doctor --probe`: says what it would send to whom, asks, and shows what came of it.
import { showHost } from "../../../base/upstream.ts";
import type { TestQuestion } from "../../../app/doctor/test-request.ts";
import type { Finding } from "../../../base/check.ts";
import { UserError } from "../../../base/errors.ts";
import { t } from "../../language.ts";
import { CLIENT_NAME } from "../../../base/service.ts";
import type { ExamineOptions } from "../../../doctor/facts.ts";
import {
  makeFeatureFindings,
  makeLearnedFinding,
  makeTestRequestFindings,
} from "../../../doctor/test-requests.ts";
import type { Cli } from "../../cli.ts";
import { alignRows } from "../../layout.ts";

export interface TestRequest extends TestQuestion {
  readonly isConfirmed: boolean;
  readonly withFeatures: boolean;
  /** What was typed, without its flags. */
  readonly line: string;
}

/** The findings, in the order of the upstreams; empty where the user said no. Throws UserError. */
export async function runTestRequests(
  cli: Cli,
  request: TestRequest,
  options: ExamineOptions,
): Promise<Finding[]> {
  const { out } = cli;
  const { planTestRequests, sendTestRequest, withItsKey } =
    await import("../../../app/doctor/test-request.ts");
  const { asked, live } = await planTestRequests(request, options);
  out.note(t`One small request with its key will be sent to each of these:`);
  const rows = asked.map(({ model, upstream }) => [
    upstream.label,
    CLIENT_NAME[upstream.service],
    showHost(upstream.baseUrl),
    model,
  ]);
  for (const row of alignRows(rows, undefined)) out.note(`  ${row}`);
  out.note(t`Each costs about 30 tokens; the upstream's own count is shown.`);
  if (request.withFeatures) out.note(t`Where it answers, about five more follow.`);
  if (!request.isConfirmed) {
    if (!cli.isInteractive) throw notAsked(request);
    if (!(await out.confirm(t`Send them?`))) return [];
  }
  const { keys } = live;
  const { routing } = live.settings();
  const facts = await Promise.all(
    asked.map(({ model, upstream }) =>
      sendTestRequest(upstream, { model, routing, keys, now: options.now, paths: options.paths }),
    ),
  );
  const { listLearned } = await import("../../../app/router-state.ts");
  const findings = facts.map((one, place) => {
    const upstream = asked[place]?.upstream;
    const known = upstream === undefined ? [] : listLearned(upstream, live, options);
    return [...makeTestRequestFindings(one), ...known.map((words) => makeLearnedFinding(one.label, words))];
  });
  if (!request.withFeatures) return findings.flat();
  const { testFeatures } = await import("../../../app/doctor/test-features.ts");
  const { findClient } = await import("../../../app/doctor/examine-machine.ts");
  const features = await Promise.all(
    asked.map(async ({ model, upstream }, place) => {
      if (facts[place]?.asked?.answers !== true) return [];
      const { version } = await findClient(upstream.service, options.env, options.paths.requestsLog);
      const about = { model, routing, version, now: options.now, paths: options.paths };
      return makeFeatureFindings(await testFeatures(await withItsKey(upstream, keys), about));
    }),
  );
  return findings.flatMap((one, place) => [...one, ...(features[place] ?? [])]);
}

function notAsked({ line }: TestRequest): UserError {
  return new UserError(t`no terminal to ask for confirmation: nothing was sent`, { hint: `${line} --yes` });
}
