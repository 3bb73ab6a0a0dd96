// The shape of usage_providers.json: who is asked for the balance of which upstreams, where, and how often.
// Knows no relay's answers; those are in kinds.ts.
// Pure.
import { z } from "zod";
import { UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";
import { describeIssue } from "../config/issue-words.ts";
import { type JsoncSource, formatPath, placeOf, readJsonc, valueOf } from "../config/jsonc.ts";

/** Each of a user's own choice; `auto` finds out. */
export const PROVIDER_KINDS = [
  "budget_http_json",
  "yescode_profile",
  "newapi_token",
  "sub2api_usage",
  "json_path",
  "auto",
] as const;
const PRESET_NAMES = ["openrouter", "deepseek", "moonshot", "moonshot_ai", "openai_billing"] as const;

/** Asking more often would be a burden on a relay. */
const LEAST_INTERVAL_SECS = 60;
const MOST_INTERVAL_SECS = 86_400;
/** Where the user names no interval. The endpoints' own limits are strict: some allow 20 questions in 20 min. */
const USUAL_INTERVAL_SECS = 600;

const path = z.string().min(1).max(200).nullish();
const pathsSchema = z.looseObject({
  limit: path.describe("Where the limit stands, such as data.limits[0].total."),
  used: path.describe("Where the used part stands."),
  remaining: path.describe("Where the rest stands."),
  reset: path.describe("When it is full again: epoch seconds or ms, or RFC 3339."),
  available: path.describe("A boolean; false means that nothing is left."),
  currency: path.describe("Where the unit stands."),
  unit: path.describe("The unit itself, where no place has it. Default USD."),
  divisor: z.number().positive().nullish().describe("What a unit is counted in: 100 for cents."),
});

const providerSchema = z.looseObject({
  id: z.string().min(1).max(64).describe("Your name for it, once."),
  kind: z.enum(PROVIDER_KINDS).describe("How the answer is read."),
  domains: z
    .array(z.string().min(1).max(253))
    .nullish()
    .describe(
      'Upstreams at these domains are meant, and their tokens may be sent there. "*" (kind auto only): all others.',
    ),
  endpoint: z.string().min(1).nullish().describe("https address. Default: the kind's own, at the upstream."),
  token_env: z
    .string()
    .min(1)
    .nullish()
    .describe("Variable with the token for the endpoint. Default: the upstream's own token."),
  poll_interval_secs: z
    .number()
    .positive()
    .nullish()
    .describe("Seconds between two questions, at least 60. Default 600."),
  preset: z.enum(PRESET_NAMES).nullish().describe("json_path: a vendor that is known."),
  paths: pathsSchema.nullish().describe("json_path: where the figures stand in the answer."),
});

export const providersFileSchema = z.looseObject({
  providers: z.array(providerSchema).max(100).describe("The first that fits an upstream is used."),
});

export interface Provider {
  readonly id: string;
  readonly kind: (typeof PROVIDER_KINDS)[number];
  /** Lower case. */
  readonly domains: readonly string[];
  readonly endpoint: string | null;
  readonly tokenEnv: string | null;
  readonly intervalMs: number;
  readonly preset: (typeof PRESET_NAMES)[number] | null;
  readonly paths: z.infer<typeof pathsSchema> | null;
}

/** What is written where there is no file. */
export const DEFAULT_PROVIDERS_TEXT = `{
  // Who knows what is left on your relays. See docs/quota.md.
  "providers": [
    {
      "id": "packycode",
      "kind": "budget_http_json",
      "domains": ["packycode.com"],
      "endpoint": "https://www.packycode.com/api/backend/users/info",
      "token_env": null,
      "poll_interval_secs": 60
    },
    {
      "id": "yescode",
      "kind": "yescode_profile",
      "domains": ["yes.vg"],
      "endpoint": "https://co.yes.vg/api/v1/auth/profile",
      "token_env": null,
      "poll_interval_secs": 60
    },
    // Any other relay: recognised by the headers of its answers. Remove this to ask nobody else.
    {
      "id": "auto",
      "kind": "auto",
      "domains": ["*"]
    }
  ]
}
`;

/** `file` is for messages. Throws UserError that begins with file, line and column. */
export function parseProviders(text: string, file: string): Provider[] {
  const source = readSource(text, file);
  if (source.root === null) return [];
  const parsed = providersFileSchema.safeParse(valueOf(source.root));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const at = (issue?.path ?? []).filter((part) => typeof part !== "symbol");
    throw refuse(source, at, issue === undefined ? t`is not as expected` : describeIssue(issue));
  }
  const ids = new Set<string>();
  return parsed.data.providers.map((entry, index) => {
    const wrong = (key: string, words: string): UserError => refuse(source, ["providers", index, key], words);
    if (ids.has(entry.id)) throw wrong("id", t`stands here twice`);
    ids.add(entry.id);
    const problem = problemOf(entry);
    if (problem !== null) throw wrong(...problem);
    return makeProvider(entry);
  });
}

type Entry = z.infer<typeof providerSchema>;

function problemOf({ domains, endpoint, kind, paths, preset }: Entry): [key: string, words: string] | null {
  if (endpoint != null && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    return ["endpoint", t`must be an https address`];
  }
  if (kind !== "auto" && (domains ?? []).includes("*"))
    return ["domains", t`can hold "*" for kind auto only`];
  if ((kind === "budget_http_json" || kind === "yescode_profile") && endpoint == null) {
    return ["endpoint", t`is missing`];
  }
  if (kind === "json_path" && preset == null && (paths == null || endpoint == null)) {
    return ["kind", t`needs a preset, or an endpoint and paths`];
  }
  return null;
}

function makeProvider(entry: Entry): Provider {
  const secs = entry.poll_interval_secs ?? USUAL_INTERVAL_SECS;
  return {
    id: entry.id,
    kind: entry.kind,
    domains: (entry.domains ?? []).map((domain) =>
      domain
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, ""),
    ),
    endpoint: entry.endpoint ?? null,
    tokenEnv: entry.token_env ?? null,
    intervalMs: Math.min(MOST_INTERVAL_SECS, Math.max(LEAST_INTERVAL_SECS, secs)) * 1_000,
    preset: entry.preset ?? null,
    paths: entry.paths ?? null,
  };
}

function refuse(source: JsoncSource, at: (string | number)[], words: string): UserError {
  const place = placeOf(source, at);
  const name = formatPath(at) || "the file";
  return new UserError(`${place}: ${name}: ${words}`);
}

function readSource(text: string, file: string): JsoncSource {
  try {
    return readJsonc(text, file);
  } catch (error) {
    // Its hint is for config.json.
    throw error instanceof UserError ? new UserError(error.message, { cause: error }) : error;
  }
}
