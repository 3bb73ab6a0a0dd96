// The form in which the ledger of spend is kept in spend.json.
// Pure.
import * as z from "zod/mini";
import { later } from "../base/later.ts";
import { figure, recentSchema } from "./recent-use.ts";

const count = later(() => z._default(figure, 0));
const name = later(() => z.nullable(z.string()));
const rowSchema = later(() =>
  z.object({
    service: z.string(),
    config: name,
    upstream: name,
    /** What it was called then: another key of its address has another one. */
    label: z._default(name, null),
    model: name,
    project: name,
    /** The rule of config.json for its directory. */
    rule: z._default(name, null),
    /** Whose last attempt was there. */
    requests: count,
    failures: count,
    attempts: count,
    failed_attempts: count,
    /** Hits of the rules of redaction in the requests. */
    redactions: count,
    usd: count,
    /** Not in `usd`: the model had no price. */
    unpriced_requests: count,
    /** Not in `usd` nor in the tokens: the upstream did not say. */
    requests_without_usage: count,
    /** Of requests and failed attempts: more was used than is in the tokens. */
    partial_requests: count,
    /** Each token is in one of the four. */
    fresh_input_tokens: count,
    cached_input_tokens: count,
    cache_creation_tokens: count,
    output_tokens: count,
    /** Answers that used tokens, or may have; before they were counted, requests that did not fail. */
    answers: z.optional(figure),
    /**
     * Of answers of which nobody said all that they used: what was expected of them, or what a total has beyond its parts. For
     * budgets alone, beside the other figures.
     */
    estimated_answers: count,
    estimated_usd: count,
    estimated_tokens: count,
  }),
);
const spendSchema = later(() =>
  z.object({
    version: z.literal(1),
    /** When the log was read last, wall clock in ms. */
    read_at: z.nullable(figure),
    log: z.array(z.object({ ino: figure, bytes: figure, head: z.string(), tail: z.string() })),
    /** The lines of each run of a proxy that are counted, as first and last number of each stretch. */
    runs: z.record(z.string(), z.object({ at: figure, seq: z.array(figure) })),
    /** What was used in the last hours, for forecasts and budgets of hours: from when, and how many dollars; tokens, answers. */
    recent: recentSchema,
    days: z.record(z.string(), z.array(rowSchema)),
    /** Days with lines of which nothing tells whether they are counted: they were left out. */
    unsure: z.optional(z.array(z.string())),
  }),
);

export type SpendRow = Readonly<z.infer<typeof rowSchema>>;
export type SavedSpend = z.infer<typeof spendSchema>;

/** Null for what is no ledger. */
export function readSavedSpend(value: unknown): SavedSpend | null {
  return spendSchema.safeParse(value).data ?? null;
}
