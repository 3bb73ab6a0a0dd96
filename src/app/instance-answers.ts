// What a running proxy answers on its own pages, as the commands that ask it read it. The proxy itself makes these from
// plain values and never reads them.
// Pure.
import * as z from "zod/mini";
import { later } from "../base/later.ts";
import { SERVICES } from "../base/service.ts";

const figure = later(() => z.nullable(z.number()));
export const quotaRowSchema = later(() =>
  z.looseObject({
    /** Who said so: a provider's id, "headers", "budget". */
    source: z.string(),
    /** Which allowance: "balance", "key", "day", "5h"; null where none is known. */
    window: z.nullable(z.string()),
    /** See ReadingState. */
    state: z.string(),
    left: figure,
    used: figure,
    limit: figure,
    unit: z.nullable(z.string()),
    /** Wall clock, as all times here. */
    resets_at_ms: figure,
    read_at_ms: figure,
    /** When it is at its end if the spending of the last hours goes on. */
    runs_out_at_ms: figure,
    /** What went wrong with the last lookup, in English. */
    error: z.nullable(z.string()),
  }),
);

const problemSchema = later(() => z.looseObject({ message: z.string(), hint: z.nullable(z.string()) }));
const upstreamSchema = later(() =>
  z.looseObject({
    label: z.string(),
    base_url: z.string(),
    enabled: z.boolean(),
    /** See Standing. */
    standing: z.string(),
    usage_exhausted: z.boolean(),
    /** Wall clock, as all times here. */
    since_ms: figure,
    until_ms: figure,
    reason: z.string(),
    /** Where `until_ms` comes from. */
    source: z.nullable(z.string()),
    /** Attempts since the proxy started. */
    requests: z.number(),
    failures: z.number(),
    last_failure: z.nullable(z.looseObject({ at_ms: z.number(), reason: z.string() })),
    /** That stay with it. */
    sessions: z.number(),
    /** Why nothing can be sent to it until the user mends it. */
    problem: z.nullable(z.string()),
    /** What is left, from whoever says so; a proxy of an older version does not know. */
    quota: z._default(z.array(quotaRowSchema), []),
    /** Host and port of the proxy on the way to it; null for a direct connection. */
    outbound_proxy: z._default(z.nullable(z.string()), null),
  }),
);
const makeRoute = () =>
  z.looseObject({
    config_name: z.nullable(z.string()),
    /** Why there is nothing to send requests to. */
    problem: z.nullable(problemSchema),
    upstreams: z.array(upstreamSchema),
  });
/** What a running proxy says of itself. */
export const instanceSchema = later(() =>
  z.extend(makeRoute(), {
    name: z.string(),
    version: z.string(),
    pid: z.number(),
    service: z.enum(SERVICES),
    port: z.number(),
    since_ms: z.number(),
    /** What is wrong with the files, while the last good versions stay in force. */
    config_problem: z.nullable(problemSchema),
    filter_problem: z.nullable(problemSchema),
    quota_problem: z._default(z.nullable(problemSchema), null),
  }),
);

const placeSchema = later(() =>
  z.looseObject({
    label: z.string(),
    base_url: z.string(),
    /** See Standing. */
    standing: z.string(),
    reason: z.string(),
    /** Why it is passed over until the user mends it. */
    problem: z.nullable(z.string()),
    /** Wall clock; null where it may be asked now. */
    until_ms: z.nullable(z.number()),
    /** What it would be asked for instead of the model. */
    upstream_model: z.nullable(z.string()),
  }),
);
/** `problem`: there is nothing to send requests to. */
export const explanationSchema = later(() =>
  z.looseObject({
    config_name: z.nullable(z.string()),
    problem: z.nullable(problemSchema),
    /** The first so many that can be reached may see the request. */
    max_upstreams: z.number(),
    places: z.array(placeSchema),
  }),
);

export type QuotaRow = z.infer<typeof quotaRowSchema>;
export type Problem = z.infer<typeof problemSchema>;
export type UpstreamFacts = z.infer<typeof upstreamSchema>;
export type RouteFacts = z.infer<ReturnType<typeof makeRoute>>;
export type InstanceFacts = z.infer<typeof instanceSchema>;
export type Explanation = z.infer<typeof explanationSchema>;
