// What `ch status` has to warn of, and the one command to type next.
// Pure.
import { tellEither } from "../../language.ts";
import type { StatusFacts } from "../../../app/status/survey.ts";
import type { Problem } from "../../../app/ask-instance.ts";
import type { SwitchReport } from "../../../app/status/switch-report.ts";

/** Each once: two proxies read the same files. */
export function listProblems({ services, ...own }: StatusFacts): Problem[] {
  const sources = [...services.flatMap(({ instances }) => instances), own];
  const problems = sources.flatMap((one) => [
    one.config_problem,
    one.filter_problem,
    one.quota_problem,
    one.prices_problem,
  ]);
  const byMessage = new Map(
    problems.flatMap((problem) => {
      if (problem === null) return [];
      // A proxy says it in English.
      const message = tellEither(problem.message_text, problem.message);
      return [[message, { ...problem, message }]];
    }),
  );
  return [...byMessage.values()];
}

/** By the gravest thing there is. */
export function nextCommand({ services }: StatusFacts, reports: readonly SwitchReport[]): string {
  const robbed = reports.find(({ listener }) => listener?.kind === "other");
  if (robbed !== undefined) return `ch switch off --${robbed.service}`;
  const locked = reports.find(({ tokenProblem }) => tokenProblem !== null)?.tokenProblem;
  if (locked != null) return locked.hint;
  const isLeftOver =
    reports.some(({ status }) => status.isOwnerDead || status.isInterrupted) ||
    services.some(({ dead_instances: dead }) => dead.length > 0);
  if (isLeftOver) return "ch doctor --fix";
  const unset = services.find(({ problem }) => problem?.hint != null)?.problem?.hint;
  const hasRoute = services.some(({ problem }) => problem === null);
  if (!hasRoute && unset != null) return unset;
  if (services.every(({ instances }) => instances.length === 0)) return "ch serve";
  return "ch routing explain";
}
