// The shape of a line of requests.jsonl, for its published JSON Schema and its type. Nothing that runs needs it: a line
// is written and read by hand. Fields are only ever added.
// Pure.
import { SERVICES } from "../base/service.ts";
import * as z from "zod/mini";

const tokens = z.optional(z.int().check(z.nonnegative()));
const milliseconds = z.number().check(z.nonnegative());

const figures = {
  input_tokens: tokens.check(
    z.describe("Codex: everything read. Claude: without what came from or went to the cache"),
  ),
  output_tokens: tokens.check(z.describe("Everything written, reasoning included")),
  reasoning_tokens: tokens.check(z.describe("The part of output_tokens that was reasoning")),
  total_tokens: tokens.check(z.describe("Everything read and written, cached or not")),
  cached_input_tokens: tokens.check(
    z.describe("Read from the upstream's cache. Codex: a part of input_tokens. Claude: not"),
  ),
  cache_creation_tokens: tokens.check(
    z.describe("Written to the upstream's cache. Codex: a part of input_tokens. Claude: not"),
  ),
  cache_creation_1h_tokens: tokens.check(
    z.describe(
      "The part of cache_creation_tokens that is kept for an hour; the rest is kept for five minutes",
    ),
  ),
  input_audio_tokens: tokens.check(z.describe("The part of the input that was sound")),
  output_audio_tokens: tokens.check(z.describe("The part of output_tokens that was sound")),
  input_image_tokens: tokens.check(z.describe("The part of the input that was images")),
  output_image_tokens: tokens.check(z.describe("The part of output_tokens that was images")),
};

const usage = z
  .object({
    ...figures,
    server_tool_use: z
      .optional(
        z.object({
          web_search_requests: tokens,
          web_fetch_requests: tokens,
          code_execution_requests: tokens,
          file_search_requests: tokens,
          x_search_requests: tokens,
        }),
      )
      .check(z.describe("Calls of the upstream's own tools, which may cost extra")),
    service_tier: z
      .optional(z.string())
      .check(z.describe("As the answer says it: auto, default, priority, flex, standard, batch")),
    speed: z.optional(z.string()).check(z.describe("As the answer says it: standard or fast")),
    inference_geo: z
      .optional(z.string())
      .check(z.describe("Where the model ran, as the answer says it, such as us or global")),
    batch: z.optional(z.boolean()).check(z.describe("true: billed as a part of a batch")),
    iterations: z
      .optional(z.array(z.object({ model: z.optional(z.string()), ...figures })))
      .check(
        z.describe(
          "The passes that the figures above are the sum of, where there was more than one; model: where it is another",
        ),
      ),
    partial: z
      .optional(z.boolean())
      .check(
        z.describe(
          "true: more was used than the figures say, because the answer broke off or did not tell all",
        ),
      ),
  })
  .check(
    z.describe("Absent when the upstream did not say; a figure it did not give is absent too, never zero"),
  );

const reason = z
  .optional(z.looseObject({ rule: z.string() }))
  .check(
    z.describe(
      "The same as error, as data: the id of what is said, and its values by name; absent where it has none",
    ),
  );

const label = z
  .optional(z.string())
  .check(z.describe("What that upstream was called then: main#2, the second one of the config main"));
const chain_model = z
  .optional(z.string())
  .check(
    z.describe(
      "The model of the chain in config.json that was asked for instead of the client's, before the upstream's own map; absent where it was the client's",
    ),
  );

const served_model = z
  .optional(z.string())
  .check(z.describe("As the answer names it; absent where it names none"));

const estimate = z
  .optional(
    z.object({
      usd: z.optional(z.number().check(z.nonnegative())),
      tokens: z.int().check(z.nonnegative()),
    }),
  )
  .check(
    z.describe(
      "Where nobody said all that the answer used and a budget is concerned: what was expected of it, which budgets count where it is more than what is known; usd: absent where the model has no price",
    ),
  );

const attempt = z.object({
  upstream_base_url: z.string(),
  upstream_model: z
    .optional(z.string())
    .check(z.describe("As this upstream was asked for it, when that differs from what the client asked for")),
  upstream_label: label,
  chain_model,
  served_model,
  status_code: z
    .optional(z.int().check(z.minimum(100), z.maximum(599)))
    .check(z.describe("Absent when no answer came")),
  error: z.optional(z.string()),
  reason,
  verdict: z
    .string()
    .check(
      z.describe(
        "Id of the rule that judged the attempt, or ok; client-gone when the client left before there was an answer",
      ),
    ),
  duration_ms: milliseconds,
  held_events: z
    .optional(z.int().check(z.nonnegative()))
    .check(
      z.describe(
        "Events read before the answer was passed on or given up; nothing of it was sent until then",
      ),
    ),
  held_bytes: z.optional(z.int().check(z.nonnegative())).check(z.describe("Of the same, decoded")),
  shown: z.optional(z.boolean()).check(z.describe("false: the client saw nothing of this answer")),
  usage: z
    .optional(usage)
    .check(
      z.describe("Of an attempt whose answer the client did not get; not contained in the line's own usage"),
    ),
  estimate,
});

/** One line, its fields in the order in which they are written. */
export const logEntrySchema = z.object({
  timestamp_ms: milliseconds.check(z.describe("When the request came in, ms since 1970")),
  service: z.enum(SERVICES),
  method: z.string(),
  path: z.string().check(z.describe("As the client asked for it, without the query, at most 2 KB of it")),
  status_code: z
    .int()
    .check(
      z.minimum(100),
      z.maximum(599),
      z.describe("What the client got; 499 when it left before the answer was complete"),
    ),
  duration_ms: milliseconds.check(z.describe("From the request's arrival to the answer's last byte")),
  config_name: z
    .nullable(z.string())
    .check(z.describe("The config of the last attempt, null when there was none")),
  upstream_base_url: z
    .nullable(z.string())
    .check(z.describe("The upstream of the last attempt, null when there was none")),
  usage: z.optional(usage),
  usage_unknown: z
    .optional(z.enum(["unreadable", "too_large", "cut", "not_told"]))
    .check(
      z.describe(
        "Why there is no usage although tokens may have been used. unreadable: the answer's compression is not known or broken; too_large: it decodes to more than the limits allow; cut: it broke off, or the client left, before the upstream said; not_told: the answer was complete and did not say",
      ),
    ),
  estimate,
  id: z.optional(z.string()).check(z.describe("Sorts by time")),
  model: z.optional(z.string()).check(z.describe("As the client asked for it")),
  upstream_model: z
    .optional(z.string())
    .check(z.describe("As the upstream was asked for it, when that differs")),
  upstream_label: label,
  chain_model,
  served_model,
  request_bytes: z
    .optional(z.int().check(z.nonnegative()))
    .check(z.describe("Of the request's body, decoded, as it was sent on; absent for none")),
  output_bytes: z
    .optional(z.int().check(z.nonnegative()))
    .check(
      z.describe(
        "Of what the answer showed, in UTF-8, without reasoning; only of some streams that were kept whole, about one in 16",
      ),
    ),
  session_id: z.optional(z.string()),
  client: z
    .optional(z.string())
    .check(
      z.describe(
        "The program that asked and its version, as its user-agent says: codex_exec/0.171.0; absent where it says no such thing",
      ),
    ),
  agent: z
    .optional(z.enum(["main", "subagent", "compaction", "auxiliary"]))
    .check(
      z.describe(
        "Which part of the client asked: the conversation itself, a sub-agent, the summary that replaces a long conversation, or a title or the like; absent where the client does not say",
      ),
    ),
  project: z
    .optional(z.string())
    .check(
      z.describe(
        "The project whose rules of config.json held for it; absent for a request of no such project",
      ),
    ),
  cwd: z.optional(z.string()).check(z.describe("Absent when unknown")),
  ttfb_ms: z.optional(milliseconds).check(z.describe("Until the answer's first byte went to the client")),
  queued_ms: z.optional(milliseconds).check(z.describe("It waited so long for a place at an upstream")),
  waited_ms: z
    .optional(milliseconds)
    .check(z.describe("How long of that it was held until a limit was reset, as on_all_exhausted asks")),
  stream: z.optional(z.boolean()).check(z.describe("The client asked for a stream")),
  outcome: z
    .enum(["ok", "client_gone", "cut", "error", "refused"])
    .check(
      z.describe(
        "ok: answered; client_gone: it left; cut: the answer broke off; error: answered with an error; refused: never sent to an upstream",
      ),
    ),
  attempts: z
    .optional(z.array(attempt))
    .check(
      z.describe(
        "When there was more than one, or the only one failed. An upstream that was passed over has none",
      ),
    ),
  redactions: z
    .optional(z.int().check(z.nonnegative()))
    .check(z.describe("How often a filter rule matched; absent for none")),
  redactions_by_rule: z
    .optional(z.record(z.string(), z.int().check(z.positive())))
    .check(
      z.describe(
        "The same by rule: its name, or rule-N as the N-th of filter.json, or PACK/NAME; never what it found; absent for none",
      ),
    ),
  redactions_exempt: z
    .optional(z.int().check(z.nonnegative()))
    .check(z.describe("Matches left alone, in keys, encrypted content and tool schemas; absent for none")),
  restored: z
    .optional(z.int().check(z.nonnegative()))
    .check(
      z.describe(
        "Placeholders of the answer that the client got as the values they stand for; absent for none",
      ),
    ),
  restored_exempt: z
    .optional(z.int().check(z.nonnegative()))
    .check(z.describe("Placeholders left alone, in what an upstream signed or encrypted; absent for none")),
  held_back: z
    .optional(z.array(z.string()))
    .check(
      z.describe(
        'Names of headers, and of parameters such as "?key", that an upstream was not shown: another relay\'s, or not known',
      ),
    ),
  dropped: z
    .optional(z.array(z.string()))
    .check(
      z.describe(
        "What the upstream was asked without, because it refuses it: values of anthropic-beta, members, headers, types of tools",
      ),
    ),
  refusals: z
    .optional(z.int().check(z.positive()))
    .check(
      z.describe(
        "Requests from web pages, for other hosts, with other methods or in a loop that this one line stands for: at most one line a minute, with the last of them; no line of sums and totals",
      ),
    ),
  error: z.optional(z.string()).check(z.describe("What went wrong, in words; secrets masked")),
  reason,
  run: z.optional(z.string()).check(z.describe("Which run of a proxy wrote the line")),
  seq: z
    .optional(z.int().check(z.positive()))
    .check(z.describe("The number of the line in that run, from 1: no two lines have both alike")),
});
