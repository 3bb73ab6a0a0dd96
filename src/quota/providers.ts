// usage_providers.json: which endpoint is polled for the balance of which upstreams, and how often. Written once where it is
// missing, reloaded when it changes, with the last good version in force while it is broken; never overwritten.
// The answers of the vendors are in vendors.ts.
import { existsSync } from "node:fs";
import * as z from "zod/mini";
import { UserError } from "../base/errors.ts";
import { PRIVATE_FILE, ensurePrivateDirectory, writeFileAtomic } from "../base/files.ts";
import { type JsonRecord, isRecord } from "../base/json-value.ts";
import { later } from "../base/later.ts";
import type { Paths } from "../base/paths.ts";
import { type Text, t } from "../base/text.ts";
import type { KeySource } from "../base/upstream.ts";
import { describeAt, readJsonc, valueOf } from "../config/jsonc.ts";
import { commandSchema, commandTtlSchema, makeKeySource, problemOfCommand } from "../config/key-command.ts";
import { createKeptFile } from "../config/kept-file.ts";
import { DESCRIBABLE, describeFirstIssue, described, maybe } from "../config/schema-words.ts";
import { KIND_NAMES, PRESET_NAMES, type PresetName, VENDORS, urlsOf } from "./vendors.ts";

/** How an answer is read; `auto` recognises it. */
const KINDS = [...KIND_NAMES, "json_path", "auto"] as const;

/** Polling more often would be a burden on a relay. */
const LEAST_INTERVAL_SECS = 60;
const MOST_INTERVAL_SECS = 86_400;
/** By default. The endpoints' own limits are strict: some allow 20 requests in 20 min. */
const USUAL_INTERVAL_SECS = 600;

const makePaths = () => {
  const path = z.string().check(z.minLength(1), z.maxLength(200));
  return z.looseObject({
    limit: maybe(path, "Path of the limit, such as data.limits[0].total."),
    used: maybe(path, "Path of the used amount."),
    remaining: maybe(path, "Path of the remainder."),
    reset: maybe(path, "When the quota resets: epoch seconds or ms, or RFC 3339."),
    available: maybe(path, "A boolean; false means that nothing is left."),
    currency: maybe(path, "Path of the unit."),
    unit: maybe(path, "The unit, if no path gives it. Default USD."),
    divisor: maybe(z.number().check(z.positive()), "Divisor of all figures: 100 for cents."),
  });
};

const providerSchema = later(() =>
  z.looseObject({
    id: described(z.string().check(z.minLength(1), z.maxLength(64)), "Your name for it; must be unique."),
    kind: described(z.enum(KINDS), "How the response is read."),
    domains: maybe(
      z.array(z.string().check(z.minLength(1), z.maxLength(253))),
      'Applies to upstreams at these domains, and their tokens may be sent there. "*" (kind auto only): all others.',
    ),
    endpoint: maybe(
      z.string().check(z.minLength(1)),
      "https address. Default: the kind's own, at the upstream.",
    ),
    token_env: maybe(
      z.string().check(z.minLength(1)),
      "Variable with the token for the endpoint. Default: the upstream's own token.",
    ),
    token_command: commandSchema("the token for the endpoint"),
    command_ttl_secs: commandTtlSchema(),
    poll_interval_secs: maybe(z.number(), "Seconds between two queries, at least 60. Default 600."),
    preset: maybe(
      later(() => z.enum(PRESET_NAMES)),
      "json_path: a known vendor.",
    ),
    paths: maybe(later(makePaths), "json_path: where the figures are in the response."),
  }),
);

export const providersFileSchema = later(() =>
  z.looseObject({
    providers: described(
      z.array(providerSchema).check(z.maxLength(100)),
      "The first that matches an upstream is used.",
    ),
  }),
);

const fileShellSchema = later(() =>
  z.looseObject({ providers: z.array(z.unknown()).check(z.maxLength(100)) }),
);
const unusableSchema = later(() =>
  z.catch(z.looseObject({ id: z.catch(z.string(), "?"), domains: z.catch(z.array(z.string()), []) }), {
    id: "?",
    domains: [],
  }),
);

export interface Provider {
  readonly id: string;
  readonly kind: (typeof KINDS)[number];
  /** Lower case. */
  readonly domains: readonly string[];
  readonly endpoint: string | null;
  readonly tokenEnv: string | null;
  /** Before `tokenEnv`. */
  readonly tokenSource: KeySource | null;
  readonly intervalMs: number;
  readonly preset: PresetName | null;
  readonly paths: z.infer<ReturnType<typeof makePaths>> | null;
  /** Why it cannot be used, with file and position. */
  readonly problem: string | null;
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

export interface ParsedProviders {
  /** In the file's order. The first that fits an upstream counts. */
  readonly providers: readonly Provider[];
  /** The first mistake in a single provider: the others are used. */
  readonly problem: UserError | null;
}

/** `file` is for messages. Throws UserError that begins with file, line and column where the whole cannot be read. */
export function parseProviders(text: string, file: string): ParsedProviders {
  const source = readJsonc(text, file);
  if (source.root === null) return { providers: [], problem: null };
  const parsed = fileShellSchema.safeParse(valueOf(source.root), DESCRIBABLE);
  if (!parsed.success) {
    const { path, words } = describeFirstIssue(parsed.error);
    throw new UserError(describeAt(source, path, words));
  }
  const ids = new Set<unknown>();
  const problems: UserError[] = [];
  const providers = parsed.data.providers.map((value, index) => {
    const result = readProvider(value, ids);
    if (result.kind === "ok") return makeProvider(result.entry);
    const problem = new UserError(describeAt(source, ["providers", index, ...result.path], result.words));
    problems.push(problem);
    return makeUnusable(value, problem.message);
  });
  return { providers, problem: problems[0] ?? null };
}

/** Throws UserError for the first mistake, be it in a single provider. */
export function checkProviders(text: string, file: string): void {
  const { problem } = parseProviders(text, file);
  if (problem !== null) throw problem;
}

type Entry = z.infer<typeof providerSchema>;

type ReadEntry =
  | { readonly kind: "ok"; readonly entry: Entry }
  | { readonly kind: "wrong"; readonly path: (string | number)[]; readonly words: Text };

function readProvider(value: unknown, ids: Set<unknown>): ReadEntry {
  const given = isRecord(value) ? withNumericInterval(value) : value;
  const parsed = providerSchema.safeParse(given, DESCRIBABLE);
  if (!parsed.success) return { kind: "wrong", ...describeFirstIssue(parsed.error) };
  const { data: entry } = parsed;
  const wrong = (key: string, words: Text): ReadEntry => ({ kind: "wrong", path: [key], words });
  if (ids.has(entry.id)) return wrong("id", t`is given twice`);
  ids.add(entry.id);
  const problem = problemOf(entry);
  return problem === null ? { kind: "ok", entry } : wrong(...problem);
}

/** "60" is what some write. */
function withNumericInterval(entry: JsonRecord): JsonRecord {
  const { poll_interval_secs: secs } = entry;
  const isText = typeof secs === "string" && /^\d{1,9}$/.test(secs);
  return isText ? { ...entry, poll_interval_secs: Number(secs) } : entry;
}

function problemOf({
  domains,
  endpoint,
  kind,
  paths,
  preset,
  ...token
}: Entry): [key: string, words: Text] | null {
  const wrong = token.token_command == null ? null : problemOfCommand(token.token_command);
  if (wrong !== null) return ["token_command", wrong];
  if (token.token_command != null && token.token_env != null)
    return ["token_command", t`cannot be given together with token_env`];
  if (endpoint != null && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? "")) {
    return ["endpoint", t`must be an https address`];
  }
  if (kind !== "auto" && (domains ?? []).includes("*"))
    return ["domains", t`can contain "*" only for kind auto`];
  const vendor = kind === "auto" || kind === "json_path" ? null : VENDORS[kind];
  if (vendor !== null && urlsOf(vendor, "", 0).length === 0 && endpoint == null) {
    return ["endpoint", t`is missing`];
  }
  if (kind === "json_path" && preset == null && (paths == null || endpoint == null)) {
    return ["kind", t`needs a preset, or an endpoint and paths`];
  }
  return null;
}

/** "*." and ".", before a domain. */
const WILDCARD = /^\*?\./;

function makeProvider(entry: Entry): Provider {
  const secs = entry.poll_interval_secs ?? USUAL_INTERVAL_SECS;
  return {
    id: entry.id,
    kind: entry.kind,
    domains: (entry.domains ?? []).map((domain) => domain.trim().toLowerCase().replace(WILDCARD, "")),
    endpoint: entry.endpoint ?? null,
    tokenEnv: entry.token_env ?? null,
    tokenSource:
      entry.token_command == null ? null : makeKeySource(entry.token_command, entry.command_ttl_secs),
    intervalMs: Math.min(MOST_INTERVAL_SECS, Math.max(LEAST_INTERVAL_SECS, secs)) * 1_000,
    preset: entry.preset ?? null,
    paths: entry.paths ?? null,
    problem: null,
  };
}

/** It keeps its domains: no other provider may be used for them with another token. */
function makeUnusable(value: unknown, problem: string): Provider {
  const { domains, id } = unusableSchema.parse(value);
  const entry = { id, kind: "auto", domains: domains.filter((domain) => domain !== "*") } as const;
  return { ...makeProvider(entry), problem };
}

export type ProvidersFile = ReturnType<typeof createProvidersFile>;

/** What was good stays in force while the file is saved, broken or removed. `now`: wall clock, ms. */
export function createProvidersFile(path: string, now: () => number) {
  const file = createKeptFile({ path, parse: parseProviders, now });
  let byDefault: ParsedProviders | null = null;
  return {
    /** What is in force, and why the current file is not. */
    current(): ParsedProviders {
      const { problem, value } = file.current();
      if (problem !== null) return { providers: value?.providers ?? [], problem };
      // Where there never was a file, the defaults are meant: they are written at the next start.
      return value ?? (byDefault ??= parseProviders(DEFAULT_PROVIDERS_TEXT, ""));
    },
  };
}

/** Writes the default where there is no file. Throws UserError. */
export function writeDefaultProviders({
  home,
  usageProviders,
}: Pick<Paths, "home" | "usageProviders">): void {
  if (existsSync(usageProviders)) return;
  ensurePrivateDirectory(home);
  writeFileAtomic(usageProviders, DEFAULT_PROVIDERS_TEXT, { mode: PRIVATE_FILE });
}
