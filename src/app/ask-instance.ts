// Talks to running proxies over their own addresses: asks for facts, in the shapes that are described here, and tells them
// to change something. Both sides prove that they know the token of the run; what cannot prove it is not ours, and says nothing.
import * as z from "zod/mini";
import { askPage } from "./ask-page.ts";
import { UserError } from "../base/errors.ts";
import { later } from "../base/later.ts";
import { SERVICES } from "../base/service.ts";
import { t, type Text, isText } from "../base/text.ts";
import { quotaRowSchema } from "../quota/sources.ts";
import type { Instance } from "../state/instances.ts";

/** A proxy on this machine answers in a few ms; one that does not hangs or has ended. */
const ANSWER_MS = 1_000;

interface AskOptions {
  readonly query?: Readonly<Record<string, string>>;
  /** Longest wait for an answer. Default 1,000. */
  readonly waitMs?: number;
}

/** What a proxy says about `name` ("status"); null where it does not answer, or cannot prove that it is ours. */
export async function askInstance(
  instance: Pick<Instance, "port" | "token">,
  name: string,
  options: AskOptions = {},
): Promise<unknown> {
  const response = await send(instance, name, options);
  return response?.ok === true ? await response.json().catch(() => null) : null;
}

/** Makes a proxy do something. Throws UserError where it does not. */
export async function tellInstance(
  instance: Pick<Instance, "pid" | "port" | "token">,
  name: string,
  options: AskOptions = {},
): Promise<void> {
  const response = await send(instance, name, options, "POST");
  if (response?.ok === true) return;
  const { pid, port } = instance;
  throw new UserError(t`the proxy on port ${port} (pid ${pid}) does not answer`, { hint: "ch status" });
}

/** The events of one of its pages, until it ends or `signal` aborts; null where it does not answer within a moment. */
export async function followInstance(
  instance: Pick<Instance, "port" | "token">,
  name: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array> | null> {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort());
  const timer = setTimeout(() => own.abort(), ANSWER_MS);
  const response = await send(instance, name, { signal: own.signal });
  clearTimeout(timer);
  return response?.ok === true ? response.body : null;
}

/** Null without an answer of ours. */
async function send(
  instance: Pick<Instance, "port" | "token">,
  name: string,
  { query, signal, waitMs = ANSWER_MS }: AskOptions & { readonly signal?: AbortSignal },
  method: "GET" | "POST" = "GET",
): Promise<Response | null> {
  const asked = { method, query, signal: signal ?? AbortSignal.timeout(waitMs) };
  return await askPage(instance, name, asked).catch(() => null);
}

// The answers. A proxy makes these from plain values and never reads them.

const figure = later(() => z.nullable(z.number()));
/** The same as the field without `_text`, as data: for a screen in another language. */
const textSchema = later(() => z.optional(z.custom<Text>(isText)));
/** The same as the field without `_data`. A newer version may have ids that this one does not know: looked at where it is shown. */
const reasonSchema = later(() => z.optional(z.unknown()));
const problemSchema = later(() =>
  z.looseObject({
    message: z.string(),
    message_text: textSchema,
    hint: z.nullable(z.string()),
    hint_text: textSchema,
  }),
);
/** How an upstream is: the same on every page. A proxy of an older version leaves some of it out where it only orders them. */
const makeState = () =>
  z.looseObject({
    label: z.string(),
    base_url: z.string(),
    enabled: z._default(z.boolean(), true),
    /** See Availability of routing/types.ts. */
    standing: z.string(),
    usage_exhausted: z._default(z.boolean(), false),
    /** Wall clock, as all times here. */
    since_ms: z._default(figure, null),
    /** When the state ends by itself. */
    until_ms: figure,
    /** When a request may be tried, which can be earlier; null where it may now. */
    retry_at_ms: z._default(figure, null),
    reason: z.string(),
    reason_data: reasonSchema,
    /** Where `until_ms` comes from. */
    source: z._default(z.nullable(z.string()), null),
    source_data: reasonSchema,
    /** Why nothing can be sent to it until the user fixes it. */
    problem: z.nullable(z.string()),
    problem_text: textSchema,
    /** The command against it, if there is one. */
    problem_hint: z._default(z.nullable(z.string()), null),
    /** The places at one that takes only so many requests at once; absent where none are counted. */
    concurrency: z.optional(
      z.looseObject({
        in_use: z.number(),
        limit: z.number(),
        waiting: z.number(),
        /** The name of the limit that several upstreams share. */
        group: z.nullable(z.string()),
        /** "config", or "learned" from a refusal. */
        source: z.string(),
        /** When a learned limit ends. */
        until_ms: figure,
      }),
    ),
    /** What to type against its state; a proxy of an older version does not say. */
    fix: z._default(z.nullable(z.string()), null),
    fix_text: textSchema,
    /** What refusals have taught of it, each for one version of a client; absent for nothing. */
    learned: z.optional(
      z.array(
        z.looseObject({
          client: z.string(),
          reason: z.string(),
          reason_data: reasonSchema,
          until_ms: figure,
        }),
      ),
    ),
  });
const upstreamSchema = later(() =>
  z.extend(makeState(), {
    /** Since the proxy started; one of an older version has them by their earlier names alone. */
    attempts: z.optional(z.number()),
    failed_attempts: z.optional(z.number()),
    requests: z.number(),
    failures: z.number(),
    last_failure: z.nullable(
      z.looseObject({ at_ms: z.number(), reason: z.string(), reason_data: reasonSchema }),
    ),
    /** Sessions bound to it. */
    sessions: z.number(),
    /** What is left, from whoever says so; a proxy of an older version does not know. */
    quota: z._default(z.array(quotaRowSchema), []),
    /** What its owner keeps of its plan; absent for nothing. */
    reserves: z.optional(
      z.array(
        z.looseObject({
          window: z.string(),
          keep_percent: z.number(),
          left_percent: figure,
          /** See Reserve of quota/reserve.ts. */
          state: z.string(),
          read_at_ms: figure,
        }),
      ),
    ),
    /** Host and port of the proxy on the way to it; null for a direct connection. */
    outbound_proxy: z._default(z.nullable(z.string()), null),
  }),
);
/** A requested model, and those that stand in for one another then. */
const chainSchema = later(() =>
  z.looseObject({
    model: z.string(),
    models: z.array(z.string()),
    /** The one that a request would be asked for now; null where that depends on the request. */
    in_use: z.nullable(z.string()),
  }),
);
const waitSchema = later(() =>
  z.looseObject({
    session_id: z.nullable(z.string()),
    model: z.nullable(z.string()),
    since_ms: z.number(),
    /** Null where no end is known just now. */
    until_ms: figure,
    /** Label of the upstream whose limit is reset then. */
    upstream: z.string(),
  }),
);
const makeRoute = () =>
  z.looseObject({
    config_name: z.nullable(z.string()),
    /** Why there is nothing to send requests to. */
    problem: z.nullable(problemSchema),
    upstreams: z.array(upstreamSchema),
    /** Models that stand in for one another; absent where none do. */
    chains: z.optional(z.array(chainSchema)),
  });
const refusalsSchema = later(() =>
  z.looseObject({
    count: z.number(),
    by_status: z.record(z.string(), z.number()),
    last_at_ms: figure,
  }),
);
/** What a running proxy says of itself. */
export const instanceSchema = later(() =>
  z.extend(makeRoute(), {
    name: z.string(),
    version: z.string(),
    pid: z.number(),
    service: z.enum(SERVICES),
    port: z.number(),
    since_ms: z.number(),
    /** Where it was started, as `ps` names it; null where it has none, or to others than its owner. */
    terminal: z._default(z.nullable(z.string()), null),
    /** Those that the configs name, and whether it has them; to its owner. */
    variables: z._default(z.array(z.looseObject({ name: z.string(), is_set: z.boolean() })), []),
    /** Only clients with the client token are answered; a proxy of an older version answers all. */
    client_token: z._default(z.boolean(), false),
    /** What is wrong with the files, while the last good versions stay in force. */
    config_problem: z.nullable(problemSchema),
    filter_problem: z.nullable(problemSchema),
    quota_problem: z._default(z.nullable(problemSchema), null),
    prices_problem: z._default(z.nullable(problemSchema), null),
    /** Requests that were turned away: from web pages, for other hosts, in a loop. */
    refusals: z._default(z.nullable(refusalsSchema), null),
    /** Requests that are held until a limit is reset. */
    waiting: z._default(z.array(waitSchema), []),
    /** Which state redaction is in; a proxy of an older version does not say. */
    redaction: z.optional(
      z.looseObject({
        state: z.enum(["off", "none", "rules", "broken", "gone"]),
        rules: z.number(),
      }),
    ),
    /** How it is with the pool; absent without one. */
    pool: z.optional(
      z.looseObject({
        namespace: z.string(),
        name: z.string(),
        features: z.array(z.string()),
        state: z.enum(["connecting", "shared", "alone"]),
        since_ms: figure,
        why: z.nullable(z.string()),
        round_trip_ms: z.nullable(figure),
      }),
    ),
  }),
);

/** The requests that a proxy is answering: see RunningFacts of proxy/deps.ts. */
export const runningSchema = later(() =>
  z.looseObject({
    count: z.number(),
    /** By label. */
    in_flight: z.record(z.string(), z.number()),
    /** The newest of them, the oldest first. */
    requests: z.array(
      z.looseObject({
        id: z.string(),
        started_at_ms: z.number(),
        path: z.string(),
        model: z.nullable(z.string()),
        session_id: z.nullable(z.string()),
        project: z.nullable(z.string()),
        client: z.nullable(z.string()),
        agent: z.nullable(z.string()),
        upstream: z.nullable(z.string()),
        state: z.string(),
        ttfb_ms: figure,
        output_tokens_estimate: figure,
        attempts: z.array(
          z.looseObject({
            upstream: z.string(),
            status_code: figure,
            error: z.string(),
            reason: reasonSchema,
            duration_ms: z.number(),
          }),
        ),
      }),
    ),
  }),
);

/** `reason`: why it has its place. */
const placeSchema = later(() =>
  z.extend(makeState(), {
    /** What it would be asked for instead of the model. */
    upstream_model: z.nullable(z.string()),
  }),
);
/** `problem`: there is nothing to send requests to. */
export const explanationSchema = later(() =>
  z.looseObject({
    config_name: z.nullable(z.string()),
    /** Of the directory that was asked about: its project, and the project whose wall keeps some upstreams away. */
    project: z.optional(z.nullable(z.string())),
    wall: z.optional(z.string()),
    problem: z.nullable(problemSchema),
    /** The first so many that can be reached may see the request. */
    max_upstreams: z.number(),
    /** Where the model has others to go to: the places are those for the one in use. */
    chain: z.optional(chainSchema),
    places: z.array(placeSchema),
  }),
);

export type RunningPart = z.infer<typeof runningSchema>;
export type Problem = z.infer<typeof problemSchema>;
export type UpstreamState = z.infer<ReturnType<typeof makeState>>;
export type ChainFacts = z.infer<typeof chainSchema>;
export type WaitFacts = z.infer<typeof waitSchema>;
export type UpstreamFacts = z.infer<typeof upstreamSchema>;
export type RouteFacts = z.infer<ReturnType<typeof makeRoute>>;
export type InstanceFacts = z.infer<typeof instanceSchema>;
export type Explanation = z.infer<typeof explanationSchema>;
