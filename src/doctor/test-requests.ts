// What one small request at an upstream came to: reachable, authorised, answers; and what of a client's newest release it takes.
// Pure.
import { type Finding, fail, info, ok, warn } from "../base/check.ts";
import { type Text, t } from "../base/text.ts";
import { fixOf, needsPerson } from "../routing/fixes.ts";
import { describe } from "../routing/reasons.ts";
import type { Reason } from "../routing/types.ts";
import type { FeatureFacts, TestRequestFacts } from "./facts.ts";
import { describeReached, reasonOf } from "./upstreams.ts";

/** Three findings for each upstream, fewer where an earlier one makes the later ones moot. */
export function makeTestRequestFindings(facts: TestRequestFacts): Finding[] {
  const { asked, isOwnLogin, label, unusable } = facts;
  const reachable = { id: "probe-reachable", ...describeReached(facts.reached) };
  if (reachable.status === "fail") return [reachable];
  if (unusable !== null) {
    const say = unusable.isOnlyHere ? info : fail;
    return [reachable, { id: "probe-authorised", ...say(t`${label}: ${unusable.why}`, showCommand(facts)) }];
  }
  if (isOwnLogin || asked === null) {
    const message = t`${label}: it uses the client's own login, which is not tested here`;
    return [reachable, { id: "probe-authorised", ...info(message) }];
  }
  return [reachable, describeAuthorised(facts, asked), ...describeAnswer(facts, asked)];
}

/** Why a test request came to nothing; null where it answers, or nothing was asked. */
export function reasonOfFailure({ asked, reached }: TestRequestFacts): Reason | null {
  const last = reached.stages.at(-1);
  if (asked !== null) return asked.reason;
  return last === undefined || last.error === null ? null : reasonOf(last);
}

export function makeLearnedFinding(label: string, words: Text): Finding {
  return { id: "probe-learned", ...info(t`${label}: ${words}`) };
}

/** What a client's newest release needs, and what the upstream has of it. */
export function makeFeatureFindings({
  dropped,
  isAnswered,
  label,
  lacks,
  refused,
  takes,
}: FeatureFacts): Finding[] {
  const id = "probe-features";
  const has = takes.length === 0 ? "-" : takes.join(", ");
  const hasNot = lacks.length === 0 ? "-" : lacks.join(", ");
  const all = { id, ...info(t`${label}: takes ${has}; does not take ${hasNot}`) };
  if (!isAnswered) {
    const what = refused.length === 0 ? t`what the client's newest version sends` : refused.join(", ");
    return [all, { id, ...warn(t`${label}: refuses ${what}, which may not be left out`, "ch config list") }];
  }
  if (dropped.length === 0)
    return [all, { id, ...ok(t`${label}: takes the flags and fields of the client's newest version`) }];
  return [all, { id, ...info(t`${label}: is asked without ${dropped.join(", ")} from now on`) }];
}

type Asked = NonNullable<TestRequestFacts["asked"]>;

function describeAuthorised(facts: TestRequestFacts, { authorised, reason }: Asked): Finding {
  const id = "probe-authorised";
  const { label } = facts;
  if (authorised === "yes") return { id, ...ok(t`${label}: the key was accepted`) };
  if (authorised === "no" && reason !== null)
    return {
      id,
      ...fail(
        t`${label}: the key was refused: ${describe(reason)}`,
        fixOf(reason, facts.reached.first) ?? undefined,
      ),
    };
  return { id, ...info(t`${label}: the key could not be checked`) };
}

function describeAnswer({ label, model, reached, service }: TestRequestFacts, asked: Asked): Finding[] {
  const id = "probe-answers";
  const { answers, authorised, reason, usage, usd } = asked;
  if (authorised === "no") return [];
  const firstByteMs = Math.round(asked.firstByteMs);
  if (!answers && reason !== null) {
    const message = t`${label}: no answer from ${model}: ${describe(reason)}`;
    // Another model may do, unless something else is to blame.
    const probe = `ch doctor --probe ${label} --${service} --model MODEL`;
    const hint = needsPerson(reason) ? fixOf(reason, { ...reached.first, apiUrl: asked.apiUrl }) : probe;
    return [{ id, ...fail(message, hint ?? probe) }];
  }
  const input = usage?.input_tokens;
  const output = usage?.output_tokens;
  if (input === undefined || output === undefined)
    return [{ id, ...ok(t`${label}: ${model} answers, first output after ${firstByteMs} ms`) }];
  const tokens = t`${input} tokens in, ${output} out`;
  const price = `$${usd?.toFixed(usd < 0.01 ? 6 : 2)}`;
  const cost = usd === null ? tokens : t`${tokens}, ${price} by list prices`;
  return [{ id, ...ok(t`${label}: ${model} answers, first output after ${firstByteMs} ms; cost: ${cost}`) }];
}

function showCommand({ label, service }: TestRequestFacts): string {
  return `ch config show ${label} --${service}`;
}
