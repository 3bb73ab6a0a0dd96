// Which rule takes an answer that somebody has at hand, as the proxy would judge it from an upstream of the config in use.
// Sends nothing and changes nothing.
import { parseRecord } from "../../base/json-value.ts";
import { maskText } from "../../base/secrets.ts";
import type { Service } from "../../base/service.ts";
import { nameOfThing } from "../../routing/droppable.ts";
import { isError } from "../../proxy/gate.ts";
import { classify } from "../../routing/classify.ts";
import { reasonInEnglish } from "../../routing/reasons.ts";
import { makeSignal } from "../../routing/signal.ts";
import type { AttemptOutcome, Verdict } from "../../routing/types.ts";
import { type LiveConfigOptions, createLiveConfig } from "../live-config.ts";

export interface Judgement {
  /** Of them all the same is true; none where no upstream is configured. */
  readonly labels: readonly string[];
  readonly verdict: Verdict;
}

export interface JudgedResponse {
  /** Of its head; null for a body alone, which is taken for an error inside a 200. */
  readonly status: number | null;
  /** What the rules saw in the body, keys masked. */
  readonly codes: readonly string[];
  readonly words: string;
  /** None for an answer that is no failure. */
  readonly judgements: readonly Judgement[];
}

/** As much of a body as the proxy keeps. */
const MAX_BODY = 64 * 1024;
const MAX_WORDS = 300;

export function judgeResponse(text: string, service: Service, options: LiveConfigOptions): JudgedResponse {
  const { outcome, status } = readResponse(text);
  if (outcome === null) return { status, codes: [], words: "", judgements: [] };
  const live = createLiveConfig(options);
  const { routing } = live.settings();
  const context = { now: options.now(), settings: routing, canRepair: () => false };
  const groups = new Map<string, { labels: string[]; verdict: Verdict }>();
  const route = live.routeOf(service);
  const upstreams = route.upstreams();
  const state = route.state();
  const stopsWhenSpent = state.kind === "ready" && state.route.onExhausted === "stop";
  for (const { label, onError, onStatus } of upstreams.length > 0 ? upstreams : [NOT_CONFIGURED]) {
    const verdict = classify(outcome, { ...context, stopsWhenSpent, overrides: onStatus, onError });
    const key = JSON.stringify(verdict);
    const group = groups.get(key) ?? { labels: [], verdict };
    groups.set(key, group);
    if (label !== null) group.labels.push(label);
  }
  const { codes, message } = makeSignal(outcome, { ...context, overrides: {}, onError: [] }).facts;
  return {
    status,
    codes: codes.map((code) => maskText(code)),
    words: maskText(message).slice(0, MAX_WORDS),
    judgements: [...groups.values()],
  };
}

const NOT_CONFIGURED = { label: null, onError: [], onStatus: {} };

export function judgedAsJson({ codes, judgements, status, words }: JudgedResponse): object {
  return {
    status,
    codes,
    words,
    verdicts: judgements.map(({ labels, verdict }) => ({
      upstreams: labels,
      rule: verdict.rule,
      next: verdict.next,
      ...(verdict.refused === undefined ? {} : { refused: verdict.refused.map(nameOfThing) }),
      counted_as: verdict.blame,
      retry_class: verdict.retryClass,
      until_ms: verdict.until,
      reason: reasonInEnglish(verdict.reason),
      source: reasonInEnglish(verdict.source),
    })),
  };
}

/** A head as `curl -i` prints it, if there is one, and a body. Of several heads the last counts. */
function readResponse(text: string): { status: number | null; outcome: AttemptOutcome | null } {
  let rest = text.replaceAll("\r\n", "\n").trimStart();
  let status: number | null = null;
  let headers = new Headers();
  for (let head = HEAD.exec(rest); head !== null; head = HEAD.exec(rest)) {
    status = Number(head[1]);
    const end = rest.indexOf("\n\n");
    const lines = rest.slice(0, end < 0 ? rest.length : end).split("\n");
    headers = readHeaders(lines.slice(1));
    rest = end < 0 ? "" : rest.slice(end + 2);
  }
  const body = rest.slice(0, MAX_BODY);
  if (status !== null && (status < 200 || status > 299))
    return { status, outcome: { kind: "status", status, headers, body } };
  const content = findFailure(body, status === null);
  return {
    status,
    outcome: content === null ? null : { kind: "bad-content", status: status ?? 200, headers, ...content },
  };
}

const HEAD = /^HTTP\/[\d.]{1,3} (\d{3})\b/;

function readHeaders(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([\t -~]*)$/.exec(line) ?? [];
    if (name !== "") headers.append(name, value);
  }
  return headers;
}

/** Without a head (`isSure`) it is shown because it is a failure. */
function findFailure(
  body: string,
  isSure: boolean,
): Pick<Extract<AttemptOutcome, { kind: "bad-content" }>, "reason" | "body"> | null {
  if (body.trim() === "") return { reason: "nothing", body: "" };
  if (/^\s*</.test(body)) return { reason: "html", body };
  for (const [, data = ""] of body.matchAll(/^data: ?(.*)$/gm)) {
    const event = parseRecord(data);
    if (event !== null && (isError(event) || event["type"] === "response.failed"))
      return { reason: "error-event", body: data };
  }
  const value = parseRecord(body);
  return isSure || (value !== null && isError(value)) ? { reason: "json-error", body } : null;
}
