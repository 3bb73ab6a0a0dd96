// The shape of config.json, as users write it. Unknown keys pass through; null means absent; errors never show values.
// Pure.
import * as z from "zod/mini";
import { IDENTITY_HEADERS } from "../base/header-names.ts";
import { DEFAULT_SERVICE, SERVICES, mapServices } from "../base/service.ts";
import { makeAccountKeys, modelChains, onAllExhausted } from "./at-a-limit.ts";
import { makeBudgetKeys, manyBudgets } from "./budget-schema.ts";
import { commandSchema, commandTtlSchema } from "./key-command.ts";
import { CONFIG_NAME } from "./name.ts";
import { EVENT_KINDS, makeAlarm, makeNotify } from "./notify.ts";
import { described, maybe, whole } from "./schema-words.ts";
import { makeShare } from "./share.ts";

/** Whether a file has a name anywhere. */
export type Has = (name: string) => boolean;

type Members = Readonly<Record<string, z.ZodMiniType | (() => z.ZodMiniType)>>;

type Made<M extends Members> = {
  [K in keyof M]: M[K] extends () => unknown ? ReturnType<M[K]> : M[K];
};

/**
 * The members of an object, those that may be absent as functions: what no file has is not made. To make them all takes longer
 * than everything else that a start has to do with the file.
 */
function only<M extends Members>(has: Has, members: M): Made<M> {
  const made = Object.entries(members).flatMap(([name, member]) =>
    typeof member !== "function" ? [[name, member] as const] : has(name) ? [[name, member()] as const] : [],
  );
  return Object.fromEntries(made) as Made<M>;
}

const string = z.string();
const seconds = (least: number, most: number) => z.number().check(z.minimum(least), z.maximum(most));

/** RFC 9110 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that belong to the connection (RFC 9110 7.6.1) or are worked out anew for each request. */
const NOT_ADDED =
  /^(?:connection|content-encoding|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i;

const headerName = () =>
  z.string().check(
    z.regex(HEADER_NAME),
    z.refine((name) => !NOT_ADDED.test(name)),
  );
/** The client's login is let through by `auth.client`, and by nothing else. */
const headersAllowed = (about: string) =>
  maybe(z.array(headerName().check(z.refine((name) => !IDENTITY_HEADERS.has(name.toLowerCase())))), about);

const STATUS_VERDICTS = ["next", "terminal", "exhausted", "auth-dead", "cooldown"] as const;
/** "90s", "2h30m", "00:00 +08:00", "03:00 Asia/Shanghai". */
const UNTIL =
  /^(?:(?:\d{1,6}[smhd]){1,4}|(?:[01]\d|2[0-3]):[0-5]\d (?:UTC|[+-]\d\d:\d\d|[A-Za-z]{2,20}\/[A-Za-z_]{2,30}))$/;
const hasKnownZone = (until: string): boolean => {
  const zone = /\S+\/\S+$/.exec(until)?.[0];
  if (zone === undefined) return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).format(0) !== "";
  } catch {
    return false;
  }
};
const onError = (about: string) =>
  maybe(
    z
      .array(
        z.looseObject({
          match: described(
            z.string().check(z.minLength(1), z.maxLength(200)),
            "What its words or codes hold, in any case; `*` is anything between.",
          ),
          status: maybe(whole(100, 599), "Only with this status. Default: any."),
          verdict: described(z.enum([...STATUS_VERDICTS, "model"]), "What it means, as in `on_status`."),
          until: maybe(
            z.string().check(z.regex(UNTIL), z.refine(hasKnownZone)),
            'How long: "2h30m", or until a time of day: "00:00 +08:00". Default: what the upstream states.',
          ),
        }),
      )
      .check(z.maxLength(64)),
    about,
  );

const makeAuth = (has: Has) =>
  z.looseObject(
    only(has, {
      auth_token: () => maybe(string, "Sent as `Authorization: Bearer`."),
      api_key: () => maybe(string, "Sent as `x-api-key`."),
      auth_token_env: () => maybe(string, "Name of the variable that holds the bearer token."),
      api_key_env: () => maybe(string, "Name of the variable that holds the x-api-key."),
      auth_token_command: () => commandSchema("the bearer token"),
      api_key_command: () => commandSchema("the x-api-key"),
      command_ttl_secs: () => commandTtlSchema(),
      client: () =>
        maybe(z.boolean(), "Pass on the client's own credentials. Only for the origin they belong to."),
    }),
  );

const makeTimeouts = () =>
  z.looseObject({
    connect_secs: maybe(seconds(1, 120), "Longest wait for a connection. Default 10."),
    first_byte_secs: maybe(
      seconds(1, 3600),
      "Longest wait for response headers and the first event while another upstream could be tried. Default 120; 300 for the last one.",
    ),
    non_stream_secs: maybe(
      seconds(1, 3600),
      "The same for requests that do not stream. Default 600; 280 for Claude Code.",
    ),
    idle_secs: maybe(
      seconds(1, 3600),
      "Longest wait for the next event of an answer; comments are none. Default 300.",
    ),
  });

const makeAllTimeouts = () =>
  z.extend(makeTimeouts(), {
    upload_idle_secs: maybe(seconds(1, 600), "Longest pause of the client while it sends. Default 30."),
    first_byte_total_secs: maybe(
      seconds(1, 3600),
      "Longest sum of waits for response headers and first events over all upstreams. Default 330.",
    ),
  });

const makeUpstream = (has: Has) =>
  z.looseObject(
    only(has, {
      base_url: described(z.string(), "https address of the API, usually ending in /v1."),
      auth: () => maybe(makeAuth(has), "The credential to send. Without any of these none is sent."),
      tags: () => maybe(z.record(string, z.unknown()), "Free notes. `provider_id` names the relay in lists."),
      enabled: () => maybe(z.boolean(), "false: not used. Default true."),
      disabled_until: () => maybe(z.iso.datetime({ offset: true }), "Not used before this time."),
      models: () =>
        maybe(
          z.record(string, z.string().check(z.minLength(1))),
          'Requested model, or "*" for every other, to this upstream\'s name for it.',
        ),
      headers: () =>
        maybe(
          z.record(headerName(), z.string().check(z.regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/))),
          "Added to its requests.",
        ),
      headers_allowed: () =>
        headersAllowed(
          "Names of the client's headers that it may see although they are unknown, look like a credential or are another's.",
        ),
      query: () => maybe(z.record(string, string), "Parameters added to its requests."),
      proxy: () =>
        maybe(
          z.union([z.string().check(z.minLength(1)), z.literal(false)]),
          "Outbound proxy URL for this upstream, or false for none. Default: HTTPS_PROXY, HTTP_PROXY, NO_PROXY.",
        ),
      tls_ca: () =>
        maybe(
          z.string().check(z.minLength(1)),
          "A PEM file with the only authorities that may have signed its certificate, by its absolute path.",
        ),
      timeouts: () => maybe(makeTimeouts(), "Overrides for this upstream."),
      on_status: () =>
        maybe(
          z.record(z.string().check(z.regex(/^[1-5]\d\d$/)), z.enum(STATUS_VERDICTS)),
          "What a status of this upstream means, if the built-in rules do not fit.",
        ),
      on_error: () =>
        onError(
          "What a refusal with these words means, before everything else; the first that fits decides.",
        ),
      cost_multiplier: () =>
        maybe(
          z.number().check(z.minimum(0), z.maximum(1000)),
          "Factor on list prices; 0 for a subscription. Default 1.",
        ),
      ...makeBudgetKeys("this upstream"),
      ...makeAccountKeys(),
      privacy: () =>
        maybe(
          z.looseObject({
            strip_workspaces: maybe(z.boolean(), "As at the top level, for this upstream."),
          }),
          "Overrides for this upstream.",
        ),
    }),
  );

export const makeNamedConfig = (has: Has) =>
  z.looseObject(
    only(has, {
      name: () => maybe(string, "Ignored: the key is the name."),
      alias: () => maybe(string, "Display name."),
      needs_activation: () =>
        maybe(
          z.boolean(),
          "true: not used for being the only config, but once it is active. Set by an import, removed by `ch config set-active`.",
        ),
      upstreams: described(
        z.array(makeUpstream(has)).check(z.minLength(1), z.maxLength(64)),
        "In order of priority: the first is the primary, the others are backups.",
      ),
      ...makeBudgetKeys("this config"),
      headers_allowed: () => headersAllowed("As in an upstream, for all of them."),
      on_error: () => onError("As in an upstream, for all of them, after their own."),
      on_exhausted: () =>
        maybe(
          z.enum(["continue", "stop"]),
          "stop: an exhausted primary never spills over to the backups. Default continue.",
        ),
      on_all_exhausted: () =>
        onAllExhausted(
          "What to do with a request when every upstream is at a limit: wait for the first reset that is known, instead of the last answer.",
        ),
      models: () =>
        modelChains(
          'Requested model, or "*" for every other, to the models to ask for, one after the other: the next one only when every upstream refused the one before for capacity or quota. "*" in a list is the requested model.',
        ),
    }),
  );

const makeRouting = () =>
  z.looseObject({
    failure_threshold: maybe(whole(1, 100), "Consecutive failures that open the circuit breaker. Default 3."),
    never_sent_threshold: maybe(whole(1, 100), "The same for refused connections and DNS errors. Default 2."),
    window_secs: maybe(seconds(1, 3600), "Window of the failure share. Default 60."),
    window_min_requests: maybe(
      whole(1, 10_000),
      "Requests in the window before the share counts. Default 6.",
    ),
    window_failure_share: maybe(
      z.number().check(z.gt(0), z.maximum(1)),
      "Share of failures that opens the circuit breaker. Default 0.5.",
    ),
    open_secs: maybe(seconds(0.1, 3600), "First open time; doubled each time. Default 10."),
    open_max_secs: maybe(seconds(0.1, 86_400), "Longest open time. Default 120."),
    last_usable_open_secs: maybe(
      seconds(0.1, 3600),
      "First open time if no other upstream is usable. Default 2.",
    ),
    last_usable_open_max_secs: maybe(seconds(0.1, 3600), "Longest such time. Default 10."),
    jitter: maybe(
      z.number().check(z.minimum(0), z.maximum(0.9)),
      "Random share added to an open time. Default 0.2.",
    ),
    auth_dead_secs: maybe(seconds(1, 86_400), "How long a refused credential is not used. Default 300."),
    exhausted_secs: maybe(
      seconds(1, 86_400),
      "How long an exhausted quota without a stated reset is not used. Default 900.",
    ),
    exhausted_max_secs: maybe(seconds(1, 691_200), "Longest such time. Default 86400."),
    max_upstreams_per_request: maybe(whole(1, 64), "Upstreams that may receive one request. Default 3."),
    ambiguous: maybe(
      z.enum(["failover", "never"]),
      "Whether a request that an upstream may have processed can fail over. Default failover.",
    ),
    drift: maybe(
      z.enum(["adapt", "failover", "off"]),
      "After a refusal that no rule explains: adapt (ask another upstream, else leave out what may be left out), failover (ask another one), or off. Default adapt.",
    ),
    return_after_idle_secs: maybe(
      seconds(0, 86_400),
      "Idle time after which a session returns to the primary. Default 300.",
    ),
  });

const makePrivacy = () =>
  z.looseObject({
    strip_workspaces: maybe(
      z.boolean(),
      "Remove paths, remotes and commits from Codex's metadata for hosts other than the vendor's. Default true.",
    ),
  });

const makeHooks = () =>
  z.looseObject({
    on_event: maybe(string, `Command that receives an event as JSON on stdin: ${EVENT_KINDS.join(", ")}.`),
  });

const makeLimits = () =>
  z.looseObject({
    max_body_mib: maybe(whole(1, 512), "Largest request body. Default 64."),
    memory_mib: maybe(
      whole(16, 1_048_576),
      "What all requests together may hold in memory. Default 1024, or a quarter of the memory there is.",
    ),
    client_token: maybe(
      z.boolean(),
      "true: only clients with a token in their address are answered, for machines with several users. Default false.",
    ),
  });

/** Strict: a wall whose name is mistyped would be none. */
const makeProject = (has: Has) =>
  z.strictObject(
    only(has, {
      config: () =>
        maybe(
          z.string().check(z.regex(CONFIG_NAME)),
          "The config that its requests use. Default: the active one.",
        ),
      allow: () =>
        maybe(
          z.array(z.string().check(z.minLength(1))),
          "The wall: nothing of the project goes to any other upstream. NAME of a config, NAME#N of an upstream, or the host of an address. Default: no wall.",
        ),
      filter: () =>
        maybe(
          z.string().check(z.minLength(1)),
          "A file of redaction rules for its requests, after those of filter.json: its absolute path, or its name in the home of ch.",
        ),
      models: () => modelChains("As in a config, for its requests."),
      ...makeBudgetKeys("its requests"),
    }),
  );

const makeRest = (has: Has) =>
  only(has, {
    version: () =>
      maybe(
        z.int().check(z.minimum(1)),
        "Version of this format. Default 1; a higher one is read but not changed.",
      ),
    default_service: () =>
      maybe(z.enum(SERVICES), `The service that commands use without a flag. Default ${DEFAULT_SERVICE}.`),
    routing: () => maybe(makeRouting(), "The circuit breaker: when it opens, and for how long."),
    timeouts: () => maybe(makeAllTimeouts(), "How long to wait, in seconds."),
    ...makeBudgetKeys("everything together"),
    budgets_by_model: () =>
      maybe(
        z.record(z.string().check(z.minLength(1)), manyBudgets()),
        'Budgets by the model that is asked for; `*` is anything: `{ "gpt-6*": { "usd": 5, "per": "day" } }`.',
      ),
    privacy: () => maybe(makePrivacy(), "What is removed from requests, in addition to filter.json."),
    filter: () =>
      maybe(z.boolean(), "false: filter.json is not used, and nothing is redacted. Default true."),
    on_all_exhausted: () => onAllExhausted("As in a config, for those that have none of their own."),
    hooks: () => maybe(makeHooks(), "Your own commands."),
    notify: () => maybe(makeNotify(), "Notifications: `{}` for those of the desktop."),
    alarm: () => maybe(makeAlarm(), "Costs to be told of, in US dollars: the event `cost-alarm`."),
    share: () =>
      maybe(makeShare(), "One pool for several machines, through Redis or Valkey (docs/sharing.md)."),
    limits: () => maybe(makeLimits(), "Sizes, in MiB, and who is answered."),
    projects: () =>
      maybe(
        z.record(string, makeProject(has)),
        'Rules for what comes from a directory: `"~/work/acme/**"`. A rule holds for what it names and for all below; of several, the one that names the most.',
      ),
    unknown_project: () =>
      maybe(
        z.enum(["refuse", "default"]),
        "What becomes of a request whose project cannot be told: refuse, or default (the active config). Default refuse where a project has a wall.",
      ),
  });

/** The whole file. */
export const makeConfigFile = (has: Has) => {
  const service = z.looseObject({
    active: maybe(string, "Name of the config in use. Without it, the only one."),
    configs: maybe(
      z.record(z.string().check(z.regex(CONFIG_NAME)), makeNamedConfig(has)),
      "Configs by name.",
    ),
  });
  return z.looseObject({
    ...makeRest(has),
    ...mapServices(({ about }) => maybe(service, about)),
  });
};

let wholeFile: ReturnType<typeof makeConfigFile> | null = null;

/** With all that a file may hold: for editors, for paths that somebody types, and for what is wrong with a name. */
export const wholeConfigFile = (): NonNullable<typeof wholeFile> =>
  (wholeFile ??= makeConfigFile(() => true));

/** The file around its configs: each config is read by itself, so that a bad one does not take the others along. */
export const makeConfigShell = (has: Has) => {
  const service = z.looseObject({
    active: z.nullish(string),
    configs: z.nullish(z.record(string, z.unknown())),
  });
  return z.looseObject({ ...makeRest(has), ...mapServices(() => z.nullish(service)) });
};

export type UpstreamEntry = z.infer<ReturnType<typeof makeUpstream>>;
export type AuthEntry = z.infer<ReturnType<typeof makeAuth>>;
export type ProjectEntry = z.infer<ReturnType<typeof makeProject>>;
export type NamedConfigEntry = z.infer<ReturnType<typeof makeNamedConfig>>;
export type ConfigShell = z.infer<ReturnType<typeof makeConfigShell>>;
export type TimeoutsEntry = z.infer<ReturnType<typeof makeTimeouts>>;
