// Asks one upstream for one word, with its key: is it reachable, is the key taken, does output come, and how soon.
// Judges the answer as the proxy would, and tells nobody: no health is changed, no line is logged.
import { UserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import type { Upstream } from "../../base/upstream.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { ExamineOptions } from "../../doctor/facts.ts";
import type { TestRequestFacts } from "../../doctor/test-request-findings.ts";
import { attempt } from "../../proxy/attempt.ts";
import type { Answer } from "../../proxy/attempt.ts";
import { createConnections } from "../../proxy/connections.ts";
import { ANY_OUTPUT } from "../../proxy/gate.ts";
import { makeRequestHeaders } from "../../proxy/headers.ts";
import { joinTargetUrl } from "../../proxy/target-url.ts";
import { classifyAttempt, isKeyAccepted } from "../../routing/classify.ts";
import { modelAt } from "../../routing/model-name.ts";
import type { LogRecord } from "../../log/record.ts";
import type { AttemptOutcome, RoutingSettings } from "../../routing/types.ts";
import { type AnswerFacts, createAnswerReader } from "../../usage/answer-reader.ts";
import { REACH_MS } from "./examine.ts";
import { reach } from "./reach.ts";

export interface TestRequestOptions extends Pick<ExamineOptions, "now" | "paths"> {
  /** As the client would ask for it. */
  readonly model: string;
  readonly routing: RoutingSettings;
}

/** A person waits for it. */
const FIRST_BYTE_MS = 60_000;
const WHOLE_MS = 60_000;

/** Never throws. Ends within two minutes. */
export async function sendTestRequest(
  upstream: Upstream,
  options: TestRequestOptions,
): Promise<TestRequestFacts> {
  const { now } = options;
  const target = { url: upstream.baseUrl, proxy: upstream.proxy };
  const reached = { ...(await reach(target, { now, withinMs: REACH_MS })), labels: upstream.label };
  const model = modelAt(upstream, options.model);
  const base = { label: upstream.label, service: upstream.service, model, reached };
  const isReached = reached.stages.every(({ error }) => error === null);
  if (!isReached || upstream.credential.kind === "client" || upstream.credential.kind === "unusable") {
    const reason = upstream.credential.kind === "unusable" ? upstream.credential.why : null;
    return { ...base, isOwnLogin: upstream.credential.kind === "client", unusable: reason, asked: null };
  }
  return { ...base, isOwnLogin: false, unusable: null, asked: await ask(upstream, model, options) };
}

async function ask(
  upstream: Upstream,
  model: string,
  options: TestRequestOptions,
): Promise<NonNullable<TestRequestFacts["asked"]>> {
  const { api, testRequest } = CLIENTS[upstream.service];
  const { body, headers, path } = testRequest;
  const connections = createConnections(() => performance.now());
  const over = AbortSignal.timeout(FIRST_BYTE_MS + WHOLE_MS);
  const began = performance.now();
  try {
    const result = await attempt(
      {
        upstream,
        url:
          joinTargetUrl({
            service: upstream.service,
            baseUrl: upstream.baseUrl,
            path,
            search: "",
            query: upstream.query,
          }) ?? upstream.baseUrl,
        method: "POST",
        headers: makeRequestHeaders({
          client: new Headers({
            "content-type": "application/json",
            accept: "text/event-stream",
            ...headers,
          }),
          upstream,
          ownedNames: new Set(),
          decoded: false,
          keepTurnState: false,
          instance: "doctor",
          replaced: {},
        }),
        body: new TextEncoder().encode(JSON.stringify(body(model))),
        api,
        stream: true,
        accept: ANY_OUTPUT,
        firstByteMs: FIRST_BYTE_MS,
        checksConnect: false,
        mayResend: () => false,
        clientSignal: over,
        acceptEncoding: "",
      },
      connections,
    );
    const firstByteMs = performance.now() - began;
    if (result.kind === "answer") {
      const { usage } = await readAnswer(result.answer, api);
      const usd =
        usage === undefined
          ? null
          : await priceOf({ usage, model, path, timestamp_ms: options.now() }, upstream, options.paths);
      return { authorised: "yes", answers: true, reason: "", firstByteMs, usage: usage ?? null, usd };
    }
    const outcome: AttemptOutcome =
      result.kind === "failed" ? result.outcome : { kind: "timeout", phase: "first-byte" };
    if (result.kind === "failed") result.answer?.abort();
    const verdict = classifyAttempt(outcome, upstream, { now: options.now(), settings: options.routing });
    const authorised = isKeyAccepted(outcome, verdict);
    return { authorised, answers: false, reason: verdict.reason, firstByteMs, usage: null, usd: null };
  } finally {
    connections.close();
  }
}

/** As a line of the log would be priced. */
async function priceOf(
  record: LogRecord,
  { baseUrl, configName, service }: Upstream,
  paths: Paths,
): Promise<number | null> {
  try {
    const { loadPricer } = await import("../prices.ts");
    const { costOf } = await loadPricer(paths);
    const cost = costOf({ ...record, service, config_name: configName, upstream_base_url: baseUrl });
    return cost.kind === "priced" ? cost.usd : null;
  } catch (error) {
    // What is wrong with prices.json is another check's to say.
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** To its end, so that the upstream says what it counted. One that breaks off has answered all the same. */
async function readAnswer(answer: Answer, api: "responses" | "messages"): Promise<AnswerFacts> {
  const reader = createAnswerReader(api);
  for (const chunk of answer.body.held()) reader.feed(chunk);
  try {
    for (let chunk = await answer.body.next(); chunk !== null; chunk = await answer.body.next())
      reader.feed(chunk);
  } catch {
    answer.abort();
  }
  return reader.facts();
}
