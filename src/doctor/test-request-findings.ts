// What one small request at an upstream came to, as findings: reachable, authorised, answers.
// Pure.
import { type Text, t } from "../base/text.ts";
import type { Service } from "../base/service.ts";
import { type Finding, ok } from "./check.ts";
import type { Reached } from "./facts.ts";
import { describeReached } from "./upstreams.ts";

export interface TestRequestFacts {
  /** "main#1" */
  readonly label: string;
  readonly service: Service;
  /** As the upstream is asked for it. */
  readonly model: string;
  readonly reached: Reached;
  /** It takes the client's own login, which is not ours to send. */
  readonly isOwnLogin: boolean;
  /** Why its key cannot be used, or null. */
  readonly unusable: Text | null;
  /** Null where nothing was asked. */
  readonly asked: {
    readonly authorised: "yes" | "no" | "unknown";
    readonly answers: boolean;
    /** The proxy's verdict; "" where it answers. */
    readonly reason: Text | string;
    /** Until the first real output, or until it was clear that none comes. */
    readonly firstByteMs: number;
    /** As the upstream counted. */
    readonly usage: {
      readonly input_tokens?: number | undefined;
      readonly output_tokens?: number | undefined;
    } | null;
    /** By list prices; null where the tokens or their price are not known. */
    readonly usd: number | null;
  } | null;
}

/** Three findings for each upstream, fewer where an earlier one makes the later ones moot. */
export function makeTestRequestFindings(facts: TestRequestFacts): Finding[] {
  const { asked, isOwnLogin, label, unusable } = facts;
  const reachable = { id: "probe-reachable", ...describeReached(facts.reached) };
  if (reachable.status === "fail") return [reachable];
  if (unusable !== null)
    return [
      reachable,
      { id: "probe-authorised", status: "fail", message: t`${label}: ${unusable}`, hint: showCommand(facts) },
    ];
  if (isOwnLogin || asked === null) {
    const message = t`${label}: it uses the client's own login, which is not tested here`;
    return [reachable, { id: "probe-authorised", status: "info", message }];
  }
  return [reachable, describeAuthorised(facts, asked), ...describeAnswer(facts, asked)];
}

type Asked = NonNullable<TestRequestFacts["asked"]>;

function describeAuthorised(facts: TestRequestFacts, { authorised, reason }: Asked): Finding {
  const id = "probe-authorised";
  const { label } = facts;
  if (authorised === "yes") return { id, ...ok(t`${label}: the key was accepted`) };
  if (authorised === "no")
    return {
      id,
      status: "fail",
      message: t`${label}: the key was refused: ${reason}`,
      hint: showCommand(facts),
    };
  return { id, status: "info", message: t`${label}: the key could not be checked` };
}

function describeAnswer({ label, model, service }: TestRequestFacts, asked: Asked): Finding[] {
  const id = "probe-answers";
  const { answers, authorised, reason, usage, usd } = asked;
  if (authorised === "no") return [];
  const firstByteMs = Math.round(asked.firstByteMs);
  if (!answers) {
    const message = t`${label}: no answer from ${model}: ${reason}`;
    const hint = `ch doctor --probe ${label} --${service} --model MODEL`;
    return [{ id, status: "fail", message, hint }];
  }
  const input = usage?.input_tokens;
  const output = usage?.output_tokens;
  if (input === undefined || output === undefined)
    return [{ id, ...ok(t`${label}: ${model} answers, first output after ${firstByteMs} ms`) }];
  const tokens = t`${input} tokens in, ${output} out`;
  const price = usd === null ? "" : `$${usd.toFixed(6)}`;
  const cost = price === "" ? tokens : t`${tokens}, ${price}`;
  return [{ id, ...ok(t`${label}: ${model} answers, first output after ${firstByteMs} ms; cost: ${cost}`) }];
}

function showCommand({ label, service }: TestRequestFacts): string {
  return `ch config show ${label} --${service}`;
}
