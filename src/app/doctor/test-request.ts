// `ch doctor --probe`: whom it asks and for which model; then asks each upstream for one word, with its key: is it reachable,
// is the key accepted, does output come, and how soon. Judges the answer as the proxy would: no health is changed, nothing logged.
import { UserError, onUserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import { SERVICES, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { t } from "../../base/text.ts";
import { type Credential, type Upstream, modelAt, withKey } from "../../base/upstream.ts";
import type { TestRequest } from "../../clients/client.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { ExamineOptions, TestRequestFacts } from "../../doctor/facts.ts";
import { readLogBackward } from "../../log/reader.ts";
import type { LogRecord } from "../../log/record.ts";
import { type Answer, attempt } from "../../proxy/attempt.ts";
import { createConnections } from "../../proxy/connections.ts";
import { ANY_OUTPUT } from "../../proxy/gate.ts";
import { makeRequestHeaders } from "../../proxy/headers.ts";
import { joinTargetUrl } from "../../proxy/target-url.ts";
import { listUpstreams } from "../../config/resolve.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import { classifyAttempt, isKeyAccepted } from "../../routing/classify.ts";
import { isOfAddress } from "../../routing/fixes.ts";
import type { AttemptOutcome, RoutingSettings } from "../../routing/types.ts";
import { type AnswerFacts, createAnswerReader } from "../../usage/answer-reader.ts";
import { createClientSecrets } from "../client-secrets.ts";
import type { Keys } from "../keys/keys.ts";
import { createLiveConfig, type LiveConfig } from "../live-config.ts";
import { listTargets } from "../status/targets.ts";
import { describeProcess } from "../../base/process-identity.ts";
import { askRunning, describeLack } from "../status/running.ts";
import { reach } from "./examine-network.ts";
import { findApi } from "./find-api.ts";

export interface TestQuestion {
  /** NAME, NAME#N, or null for every enabled upstream of the active configs. */
  readonly target: string | null;
  /** Null for both services. */
  readonly service: Service | null;
  /** Null for the one that was used last. */
  readonly model: string | null;
}

/** The last requests of one service are near the end of the log, or it is hardly used. */
const MOST_BATCHES = 4;

/** Throws UserError where there is no upstream to ask. */
export async function planTestRequests(question: TestQuestion, options: ExamineOptions) {
  const live = createLiveConfig(options);
  const { problem } = live.current();
  if (problem !== null) throw problem;
  const services = SERVICES.filter((service) => question.service === null || question.service === service);
  const found = services.map((service) => ({ service, upstreams: findUpstreams(live, service, question) }));
  if (found.every(({ upstreams }) => upstreams.length === 0)) throw noUpstream(question);
  const asked = found
    .filter(({ upstreams }) => upstreams.length > 0)
    .map(async ({ service, upstreams }) => {
      const model = question.model ?? (await chooseModel(service, options));
      return upstreams.map((upstream) => ({ upstream, model }));
    });
  /** In the order of the services and of their lists. */
  return { live, asked: (await Promise.all(asked)).flat() };
}

/** For upstreams that config.json does not have yet, as it would have them. */
export async function planDraftRequests(
  service: Service,
  named: { readonly name: string; readonly upstreams: readonly UpstreamEntry[] },
  options: ExamineOptions,
) {
  const { env, now, paths } = options;
  const secrets = createClientSecrets(paths, now);
  const live = createLiveConfig(options);
  const { config } = live.current();
  const context = { env, clientSecret: (name: string) => secrets.read(service, name), now: now() };
  const { name, upstreams } = named;
  const listed = listUpstreams(
    config,
    service,
    { name, alias: null, entry: { upstreams: [...upstreams] } },
    context,
  );
  return {
    keys: live.keys,
    model: await chooseModel(service, options),
    routing: live.settings().routing,
    upstreams: listed.map(({ upstream }) => upstream),
  };
}

/** One that is named is asked although it is disabled. */
function findUpstreams(live: LiveConfig, service: Service, { target }: TestQuestion): readonly Upstream[] {
  return target === null ? live.routeOf(service).upstreams() : listTargets(live, service, target);
}

function noUpstream({ target }: TestQuestion): UserError {
  if (target === null) {
    const hint = "ch config add main --base-url URL --auth-token-env NAME";
    return new UserError(t`there is no upstream to test`, { hint });
  }
  return new UserError(t`there is no upstream "${target}"`, {
    hint: SERVICES.map((service) => `ch config list ${SERVICE_FACTS[service].flag}`).join("\n"),
  });
}

/** What was asked for last, else what the client is set to, else a usual one. */
async function chooseModel(service: Service, options: ExamineOptions): Promise<string> {
  return (
    (await findLoggedModel(service, options.paths.requestsLog)) ??
    (await CLIENTS[service].readModel(options).catch(onUserError(() => null))) ??
    CLIENTS[service].defaultModel
  );
}

async function findLoggedModel(service: Service, path: string): Promise<string | null> {
  let batches = 0;
  try {
    for await (const entries of readLogBackward(path)) {
      const found = entries.find(({ record }) => record.service === service && record.model !== undefined)
        ?.record.model;
      if (found !== undefined) return found;
      if (++batches === MOST_BATCHES) break;
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return null;
}

export interface TestRequestOptions extends Pick<ExamineOptions, "now" | "paths"> {
  readonly keys: Pick<Keys, "read">;
  /** As the client would ask for it. */
  readonly model: string;
  readonly routing: RoutingSettings;
  /** Instead of the client's smallest: what to send for a model. */
  readonly body?: TestRequest["body"];
}

/** A person waits for it. */
const FIRST_BYTE_MS = 60_000;
const WHOLE_MS = 60_000;

/** Never throws. Ends within two minutes. */
export async function sendTestRequest(
  upstream: Upstream,
  options: TestRequestOptions,
): Promise<TestRequestFacts> {
  const { keys, now } = options;
  const reached = { ...(await reach(upstream, now)), labels: upstream.label };
  const model = modelAt(upstream, options.model);
  const base = { label: upstream.label, service: upstream.service, model, reached };
  const isReached =
    reached.trustProblem === undefined &&
    reached.stages.every(({ error, isProxy, name }) => error === null || (name === "http" && !isProxy));
  const ready = await withItsKey(upstream, keys);
  const { credential } = ready;
  const isOwnLogin = credential.kind === "client";
  if (isReached && credential.kind !== "unusable" && !isOwnLogin)
    return { ...base, isOwnLogin, unusable: null, asked: await ask(ready, model, options) };
  const unusable = credential.kind === "unusable" ? await explain(upstream, credential, options) : null;
  return { ...base, isOwnLogin, unusable, asked: null };
}

/** With the key that its command prints, or with the reason why there is none. The person who asks sees what the command said. */
export async function withItsKey(upstream: Upstream, keys: Pick<Keys, "read">): Promise<Upstream> {
  const { credential } = upstream;
  if (credential.kind !== "command") return upstream;
  const key = await keys.read(credential.source);
  if (key.kind === "key") return withKey(upstream, key.secret);
  const why = key.said === "" ? key.why : t`${key.why}: ${key.said}`;
  return { ...upstream, credential: { kind: "unusable", why } };
}

/** The running proxy may have the key all the same: it was started elsewhere. */
async function explain(
  { label, service }: Upstream,
  { needs, why }: Extract<Credential, { readonly kind: "unusable" }>,
  options: TestRequestOptions,
): Promise<TestRequestFacts["unusable"]> {
  const running = needs === undefined ? null : await askRunning(service, options);
  if (running === null || needs === undefined) return { why, isOnlyHere: false };
  const lack = describeLack(running, { ...needs, label, service });
  if (lack !== null) return { why: lack, isOnlyHere: false };
  const words = t`${why} in this terminal, but in ${describeProcess(running)}: export it here to test it`;
  return { why: words, isOnlyHere: true };
}

/** One whose key can be used. `model`: as it is asked for it. Never throws. */
export async function ask(
  upstream: Upstream,
  model: string,
  options: TestRequestOptions,
): Promise<NonNullable<TestRequestFacts["asked"]>> {
  const { api, testRequest } = CLIENTS[upstream.service];
  const { headers, path } = testRequest;
  const body = options.body ?? testRequest.body;
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
        judged: "turn",
        usage: null,
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
        hold() {},
        acceptEncoding: "",
      },
      connections,
    );
    const firstByteMs = performance.now() - began;
    if (result.kind === "answer") {
      const { servedModel = null, usage } = await readAnswer(result.answer, api);
      const wholeMs = performance.now() - began;
      const usd =
        usage === undefined
          ? null
          : await priceOf({ usage, model, path, timestamp_ms: options.now() }, upstream, options.paths);
      const known = {
        reason: null,
        apiUrl: null,
        firstByteMs,
        wholeMs,
        servedModel,
        usage: usage ?? null,
        usd,
      };
      return { authorised: "yes", answers: true, ...known };
    }
    const outcome: AttemptOutcome =
      result.kind === "failed" ? result.outcome : { kind: "timeout", phase: "first-byte" };
    if (result.kind === "failed") result.answer?.abort();
    const verdict = classifyAttempt(outcome, upstream, { now: options.now(), settings: options.routing });
    const authorised = isKeyAccepted(outcome, verdict);
    return {
      authorised,
      answers: false,
      reason: verdict.reason,
      apiUrl: isOfAddress(verdict.reason) ? await findApi(upstream) : null,
      firstByteMs,
      wholeMs: firstByteMs,
      servedModel: null,
      usage: null,
      usd: null,
    };
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
  const { loadPricer } = await import("../prices.ts");
  // What is wrong with prices.json is another check's to say.
  const pricer = await loadPricer(paths).catch(onUserError(() => null));
  const cost = pricer?.costOf({ ...record, service, config_name: configName, upstream_base_url: baseUrl });
  return cost?.kind === "priced" ? cost.usd : null;
}

/** To its end, so that the upstream says what it counted. One that breaks off has answered all the same. */
async function readAnswer(answer: Answer, api: "responses" | "messages"): Promise<AnswerFacts> {
  const reader = createAnswerReader(api);
  for (const chunk of answer.body.held()) reader.feed(chunk);
  try {
    for await (const chunk of answer.body.rest()) reader.feed(chunk);
  } catch {
    answer.abort();
  }
  return reader.facts();
}
