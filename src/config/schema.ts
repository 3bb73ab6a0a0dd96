// The shape of config.json, as users write it. Unknown keys pass through; null means absent; errors never show values.
// Pure.
import { z } from "zod";
import { CONFIG_NAME } from "./name.ts";

const text = z.string().nullish();
const seconds = (least: number, most: number) => z.number().min(least).max(most);

/** RFC 9110 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that belong to the connection (RFC 9110 7.6.1) or are worked out anew for each request. */
const NOT_ADDED =
  /^(?:connection|content-encoding|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i;
const headerName = z
  .string()
  .regex(HEADER_NAME)
  .refine((name) => !NOT_ADDED.test(name));

const authSchema = z.looseObject({
  auth_token: text.describe("Sent as `Authorization: Bearer`."),
  api_key: text.describe("Sent as `x-api-key`."),
  auth_token_env: text.describe("Name of the variable that holds the bearer token."),
  api_key_env: text.describe("Name of the variable that holds the x-api-key."),
  client: z
    .boolean()
    .nullish()
    .describe("Pass the client's own credentials on. Only for the origin they belong to."),
});

const timeoutsSchema = z.looseObject({
  connect_secs: seconds(1, 120).nullish().describe("Longest wait for a connection. Default 10."),
  first_byte_secs: seconds(1, 3600)
    .nullish()
    .describe(
      "Longest wait for response headers while another upstream could be asked. Default 120; 300 for the last one.",
    ),
  non_stream_secs: seconds(1, 3600)
    .nullish()
    .describe("The same for requests that do not stream. Default 600; 280 for Claude Code."),
  idle_secs: seconds(1, 3600).nullish().describe("Longest silence within an answer. Default 300."),
});

const allTimeoutsSchema = timeoutsSchema.extend({
  upload_idle_secs: seconds(1, 600)
    .nullish()
    .describe("Longest silence of the client while it sends. Default 30."),
  first_byte_total_secs: seconds(1, 3600)
    .nullish()
    .describe("Longest sum of waits for response headers over all upstreams. Default 330."),
});

const upstreamSchema = z.looseObject({
  base_url: z.string().describe("https address of the API, usually ending in /v1."),
  auth: authSchema
    .nullish()
    .describe("How the upstream is told who asks. Without any of these no credential is sent."),
  tags: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe("Free notes. `provider_id` names the relay in lists."),
  enabled: z.boolean().nullish().describe("false: never asked. Default true."),
  disabled_until: z.iso.datetime({ offset: true }).nullish().describe("Not asked before this time."),
  models: z
    .record(z.string(), z.string().min(1))
    .nullish()
    .describe('Requested model, or "*" for every other, to this upstream\'s name for it.'),
  headers: z
    .record(headerName, z.string().regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/))
    .nullish()
    .describe("Added to its requests."),
  query: z.record(z.string(), z.string()).nullish().describe("Parameters added to its requests."),
  proxy: z
    .union([z.string().min(1), z.literal(false)])
    .nullish()
    .describe(
      "Outbound proxy URL for this upstream, or false for none. Default: HTTPS_PROXY, HTTP_PROXY, NO_PROXY.",
    ),
  timeouts: timeoutsSchema.nullish().describe("Overrides for this upstream."),
  on_status: z
    .record(
      z.string().regex(/^[1-5]\d\d$/),
      z.enum(["next", "terminal", "exhausted", "auth-dead", "cooldown"]),
    )
    .nullish()
    .describe("What a status of this upstream means, where the built-in rules are wrong about it."),
  cost_multiplier: z
    .number()
    .min(0)
    .max(1000)
    .nullish()
    .describe("Factor on list prices; 0 where a subscription pays. Default 1."),
  budget_usd: z
    .looseObject({
      day: z.number().positive().nullish().describe("US dollars a calendar day."),
      month: z.number().positive().nullish().describe("US dollars a calendar month."),
    })
    .nullish()
    .describe("Own spending limits, counted from the request log."),
  privacy: z
    .looseObject({
      strip_workspaces: z.boolean().nullish().describe("As at the top level, for this upstream."),
    })
    .nullish()
    .describe("Overrides for this upstream."),
});

export const namedConfigSchema = z.looseObject({
  name: text.describe("Ignored: the key is the name."),
  alias: text.describe("Words for people."),
  upstreams: z
    .array(upstreamSchema)
    .min(1)
    .max(64)
    .describe("In order of priority: the first is the primary, the others are backups."),
  on_exhausted: z
    .enum(["continue", "stop"])
    .nullish()
    .describe("stop: an exhausted primary never spills into the backups. Default continue."),
});

const routingSchema = z.looseObject({
  failure_threshold: z
    .int()
    .min(1)
    .max(100)
    .nullish()
    .describe("Failures in a row until an upstream is left alone. Default 3."),
  never_sent_threshold: z
    .int()
    .min(1)
    .max(100)
    .nullish()
    .describe("The same for refused connections and DNS errors. Default 2."),
  window_secs: seconds(1, 3600).nullish().describe("Window of the failure share. Default 60."),
  window_min_requests: z
    .int()
    .min(1)
    .max(10_000)
    .nullish()
    .describe("Requests in the window before the share counts. Default 6."),
  window_failure_share: z
    .number()
    .gt(0)
    .max(1)
    .nullish()
    .describe("Share of failures that trips. Default 0.5."),
  open_secs: seconds(0.1, 3600).nullish().describe("First pause; doubled each time. Default 10."),
  open_max_secs: seconds(0.1, 86_400).nullish().describe("Longest pause. Default 120."),
  last_usable_open_secs: seconds(0.1, 3600)
    .nullish()
    .describe("First pause where nothing else is left. Default 2."),
  last_usable_open_max_secs: seconds(0.1, 3600).nullish().describe("Longest such pause. Default 10."),
  jitter: z.number().min(0).max(0.9).nullish().describe("Random part of a pause. Default 0.2."),
  auth_dead_secs: seconds(1, 86_400).nullish().describe("Pause after a refused credential. Default 300."),
  exhausted_secs: seconds(1, 86_400)
    .nullish()
    .describe("Pause after a used-up quota without a stated reset. Default 900."),
  exhausted_max_secs: seconds(1, 691_200).nullish().describe("Longest such pause. Default 86400."),
  max_upstreams_per_request: z
    .int()
    .min(1)
    .max(64)
    .nullish()
    .describe("Upstreams that may see one request. Default 3."),
  ambiguous: z
    .enum(["failover", "never"])
    .nullish()
    .describe("May a request that an upstream perhaps received be given to the next one? Default failover."),
  return_after_idle_secs: seconds(0, 86_400)
    .nullish()
    .describe("Quiet time after which a session returns to the primary. Default 300."),
});

const privacySchema = z.looseObject({
  strip_workspaces: z
    .boolean()
    .nullish()
    .describe(
      "Take paths, remotes and commits out of Codex's metadata for hosts that are not the vendor's. Default true.",
    ),
});

const hooksSchema = z.looseObject({
  on_event: text.describe(
    "Command that gets an event as JSON on stdin: hop, exhausted, recovered, all-down.",
  ),
});

const limitsSchema = z.looseObject({
  max_body_mib: z.int().min(1).max(512).nullish().describe("Largest request body. Default 64."),
});

const serviceSchema = z.looseObject({
  active: text.describe("Name of the config in use. Without it, the only one."),
  configs: z.record(z.string().regex(CONFIG_NAME), namedConfigSchema).nullish().describe("Configs by name."),
});

const rest = {
  version: z
    .int()
    .min(1)
    .nullish()
    .describe("Version of this format. Default 1; a greater one is read only."),
  default_service: z
    .enum(["codex", "claude"])
    .nullish()
    .describe("The service that commands mean without a flag. Default codex."),
  routing: routingSchema.nullish().describe("When an upstream is left alone, and for how long."),
  timeouts: allTimeoutsSchema.nullish().describe("How long to wait, in seconds."),
  privacy: privacySchema.nullish().describe("What is taken out of requests, beside filter.json."),
  hooks: hooksSchema.nullish().describe("Commands of yours."),
  limits: limitsSchema.nullish().describe("Sizes."),
};

/** The whole file, for editors. */
export const configFileSchema = z.looseObject({
  ...rest,
  codex: serviceSchema.nullish().describe("Configs for the Codex CLI."),
  claude: serviceSchema.nullish().describe("Configs for Claude Code."),
});

const openService = serviceSchema.extend({ configs: z.record(z.string(), z.unknown()).nullish() });

/** The file around its configs: each config is read by itself, so that a bad one does not take the others along. */
export const configShellSchema = z.looseObject({
  ...rest,
  codex: openService.nullish(),
  claude: openService.nullish(),
});

export type UpstreamEntry = z.infer<typeof upstreamSchema>;
export type AuthEntry = z.infer<typeof authSchema>;
export type NamedConfigEntry = z.infer<typeof namedConfigSchema>;
export type ConfigShell = z.infer<typeof configShellSchema>;
export type TimeoutsEntry = z.infer<typeof timeoutsSchema>;
