// What to type against each thing that can be wrong with an upstream: by the reason, the same for every screen and answer.
// Pure.
import { type Service, flagFor } from "../base/service.ts";
import { type Text, t } from "../base/text.ts";
import { inShell } from "../base/shell.ts";
import { type Upstream, keyCommand } from "../base/upstream.ts";
import { NETWORK_FAULTS } from "./network-faults.ts";
import { idOfWords, isReason } from "./reasons.ts";
import type { Assessment, Reason } from "./types.ts";

/** What is wrong with it, as far as it decides what to type. */
type Kind =
  | "budget"
  | "price"
  | "key"
  | "address"
  | "scheme"
  | "authority"
  | "clock"
  | "quota"
  | "time"
  | "features"
  | "model"
  | "proxy";

/** What is not here is looked into with a small request. */
const KINDS: Readonly<Record<Kind, readonly string[]>> = {
  key: ["credential", "codex-not-included", "on-status-auth-dead"],
  address: ["page", "redirect", "redirect-to", "not-served", "certificate-name", "not-http"],
  scheme: ["not-tls", "needs-tls", "https-port"],
  authority: ["certificate-authority"],
  clock: ["certificate-early"],
  quota: [
    "codex-usage-limit",
    "anthropic-window",
    "anthropic-model-window",
    "anthropic-spend-limit",
    "openai-quota",
    "relay-quota",
    "model-quota",
    "payment-required",
    "maybe-spent",
    "forbidden-spent",
    "on-status-exhausted",
    "quota-none",
    "quota-percent",
    "quota-left",
    "quota-left-of",
    "budget",
  ],
  budget: ["budget-usd", "budget-tokens", "budget-requests"],
  price: ["unpriced"],
  // It ends by itself.
  time: [
    "rate-limit",
    "slow-down",
    "concurrency",
    "in-flight-budget",
    "model-cooldown",
    "model-busy",
    "overloaded",
    "local-shortage",
    "on-status-cooldown",
  ],
  features: ["drift"],
  model: ["model-unknown", "on-status-model"],
  proxy: ["proxy-login", "proxy-unreachable", "proxy-refused", "proxy-silent", "proxy-lost", "proxy-page"],
};
const KIND_OF = new Map(
  Object.entries(KINDS).flatMap(([kind, ids]) => ids.map((id) => [id, kind as Kind] as const)),
);
/** A person has to change something: no waiting ends them. */
const LASTING: ReadonlySet<Kind> = new Set(["key", "address", "scheme", "authority", "clock"]);

export interface Fixable {
  /** "main#1" */
  readonly label: string;
  readonly service: Service;
  readonly baseUrl: string;
  /** Where its API was found instead. */
  readonly apiUrl?: string | null;
  /** How its key is sent. Default "bearer". */
  readonly credential?: string | undefined;
}

/** The command, or a short instruction; null where time alone mends it. */
export function fixOf(reason: Reason, upstream: Fixable): Text | string | null {
  const { label, service } = upstream;
  const flag = flagFor(service);
  const probe = `ch doctor --probe ${label}${flag}`;
  switch (kindOf(reason)) {
    case "key":
      return upstream.credential === "client" || upstream.credential === "command"
        ? probe
        : keyCommand(upstream);
    case "address":
    case "scheme":
      return `ch config set ${label} --base-url ${guessUrl(reason, upstream) ?? "URL"}${flag}`;
    case "authority":
      return t`${inShell().set("NODE_EXTRA_CA_CERTS", "/path/to/ca.pem")}, or "tls_ca"`;
    case "clock":
      return t`set the clock by the network: timedatectl set-ntp true`;
    case "budget":
      return liftOf(reason);
    case "price":
      return t`add its price to prices.json, or set "unpriced": "allow"`;
    case "quota":
      return `ch quota${flag}`;
    case "time":
      return null;
    case "features":
      return `${probe} --features`;
    case "model":
      return `${probe} --model MODEL`;
    case "proxy":
      return t`check HTTPS_PROXY, or set "proxy": false for this upstream`;
    case undefined:
      return probe;
  }
}

/** The address that was probably meant, where the reason tells; else null. */
export function guessUrl(
  reason: Reason,
  { apiUrl = null, baseUrl }: Pick<Fixable, "apiUrl" | "baseUrl">,
): string | null {
  return kindOf(reason) === "scheme" ? swapScheme(baseUrl) : apiUrl;
}

function liftOf({ budget, cause }: Reason): string {
  if (typeof budget === "string")
    return `ch budget lift ${/^[\w./:#@+=-]+$/.test(budget) ? budget : `'${budget}'`} --for 1h`;
  return cause === undefined ? "ch budget" : liftOf(cause);
}

/** A quota, a balance or a budget is spent, as the rule of that id says. */
export function isOfQuota(rule: string): boolean {
  const kind = KIND_OF.get(rule);
  return kind === "quota" || kind === "budget";
}

/** It is the owner's own rule, which a person may change at any time. */
export function isOwnersRule(reason: Reason): boolean {
  return kindOf(reason) === "budget";
}

/** What answers at its address is not the API. */
export function isOfAddress(reason: Reason): boolean {
  return kindOf(reason) === "address";
}

/** What to type against how it is; null where nothing is wrong, or time alone mends it. */
export function fixOfState(
  { availability, reason }: Pick<Assessment, "availability" | "reason">,
  upstream: Fixable,
): Text | string | null {
  const quota = `ch quota${flagFor(upstream.service)}`;
  switch (availability) {
    case "ok":
    case "full":
    case "walled":
      return null;
    case "probing":
      return needsPerson(reason) ? fixOf(reason, upstream) : null;
    case "low":
      return quota;
    case "exhausted":
      return kindOf(reason) === undefined ? quota : fixOf(reason, upstream);
    case "cooling":
      return kindOf(reason) === undefined ? null : fixOf(reason, upstream);
    case "auth-dead":
    case "model-unknown":
    case "open":
      return fixOf(reason, upstream);
  }
}

/** The way, or who answers at its end, is at fault: nothing that the upstream says itself. */
export function isOfNetwork(reason: Reason): boolean {
  return WAY.has(idOfWords(reason)) || isOfAddress(reason);
}

/** It stays as it is until a person changes something. */
export function needsPerson(reason: Reason): boolean {
  const kind = kindOf(reason);
  return kind !== undefined && LASTING.has(kind);
}

interface Failed {
  readonly reason: Reason;
  readonly upstream: Pick<Fixable, "label">;
}

/** For an answer: what looks at dead ways step by step. Once: where the network is gone all of them have the same. */
export function tellProbe(failed: readonly Failed[], service: Service): Reason[] {
  const lost = failed.filter(({ reason }) => WAY.has(idOfWords(reason)) && !needsPerson(reason));
  const [first] = lost;
  if (first === undefined) return [];
  const only = lost.length === 1 ? ` ${first.upstream.label}` : "";
  return [{ rule: "probe-tells", command: `ch doctor --probe${only}${flagFor(service)}` }];
}

const WAY: ReadonlySet<string> = new Set([...NETWORK_FAULTS.map(({ id }) => id), "never-sent", "https-port"]);

function kindOf(reason: Reason): Kind | undefined {
  const { cause } = reason;
  return KIND_OF.get(idOfWords(reason)) ?? (cause === undefined ? undefined : kindOf(cause));
}

/** https to port 80 was meant for the usual port: the key goes out in plain text only where nothing else can be meant. */
function swapScheme(baseUrl: string): string {
  const isPlain = baseUrl.startsWith("http:");
  const url = new URL(baseUrl);
  const isUsual = !isPlain && url.port === "80";
  const host = isUsual ? url.hostname : url.host;
  const { origin } = new URL(`${isPlain || isUsual ? "https" : "http"}://${host}`);
  return origin + url.pathname.replace(/\/+$/, "");
}

/** What to type against the refusals of these attempts that no waiting ends, by label. */
export function listFixes(
  attempts: readonly { readonly reason?: unknown; readonly upstream_label?: string | undefined }[],
  upstreams: readonly Upstream[],
): ReadonlyMap<string, Text | string> {
  const found = attempts.flatMap(({ reason, upstream_label: label }) => {
    const upstream = upstreams.find((one) => one.label === label);
    if (upstream === undefined || !isReason(reason) || !needsPerson(reason)) return [];
    const fix = fixOf(reason, { ...upstream, credential: upstream.credential.kind });
    return fix === null ? [] : [[upstream.label, fix] as const];
  });
  return new Map(found);
}
