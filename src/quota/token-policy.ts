// May this token be sent to this address? The one place that decides it, before anything is sent.
// Pure.
import { kept } from "../base/language.ts";

export interface TokenQuestion {
  /** Where the token would go. */
  readonly url: string;
  /** Whose token it is: the upstream's own, or that of a variable named for this very endpoint. */
  readonly owner: "upstream" | "endpoint";
  readonly upstreamBaseUrl: string;
  /** That the user listed for the provider. */
  readonly domains: readonly string[];
}

/** Why not, in words; null where it may. */
export function refusalOf({ domains, owner, upstreamBaseUrl, url }: TokenQuestion): string | null {
  const target = URL.parse(url);
  const upstream = URL.parse(upstreamBaseUrl);
  if (target === null || upstream === null) return kept`the endpoint is not an address`;
  const { hostname: host, origin, protocol } = target;
  if (target.username !== "" || target.password !== "") return kept`the endpoint holds a password`;
  const isOwnOrigin = origin === upstream.origin;
  if (isPrivateHost(host) && !isOwnOrigin)
    return kept`${host} is a private address and not the upstream's own`;
  // Where the upstream itself is asked by http, its key is in the open already.
  if (protocol !== "https:" && !(protocol === "http:" && isOwnOrigin)) {
    return kept`the endpoint at ${host} is not https`;
  }
  if (owner === "endpoint" || isOwnOrigin) return null;
  const own = registrableDomain(upstream.hostname);
  const isRelated =
    host === upstream.hostname ||
    (own !== null && own === registrableDomain(host)) ||
    domains.some((domain) => isWithin(host, domain));
  return isRelated ? null : kept`${host} is neither the upstream's own domain nor one of the listed domains`;
}

/** Under these everybody gets a name. Narrow on purpose: a missing one is only reached by hosts that share it. */
const SHARED = new Set(
  (
    "github.io gitlab.io pages.dev workers.dev vercel.app netlify.app fly.dev onrender.com railway.app " +
    "herokuapp.com hf.space zeabur.app deno.dev deno.net web.app firebaseapp.com appspot.com run.app " +
    "azurewebsites.net cloudfront.net amazonaws.com myqcloud.com aliyuncs.com ngrok.io ngrok.app ngrok.dev " +
    "ngrok-free.app trycloudflare.com duckdns.org dynu.net eu.org us.kg nip.io sslip.io replit.app repl.co " +
    "glitch.me surge.sh render.com koyeb.app northflank.app code.run lhr.life loca.lt ts.net r2.dev b4a.run " +
    "back4app.io leapcell.dev leapcell.app cpolar.cn cpolar.top vip.cpolar.cn natapp1.cc gitpod.io github.dev"
  ).split(" "),
);
/** Second levels that registries sell under, below a country: co.uk, com.cn. */
const SECOND_LEVEL = /^(?:com|net|org|gov|edu|ac|co|ne|or|go|gob|info|biz|name|mil|nom|firm|store|web)$/;

/** Null for an address, a single label and a suffix: such a host has no relatives. */
export function registrableDomain(host: string): string | null {
  const labels = host.toLowerCase().replace(/\.$/, "").split(".");
  const [second = "", top = ""] = labels.slice(-2);
  if (labels.length < 2 || host.includes(":") || /^\d+$/.test(top)) return null;
  const depth = [3, 2].find((length) => SHARED.has(labels.slice(-length).join(".")));
  // A short name below a country may be the country's own second level: "id.au", "k12.tr".
  const isSuffix = top.length === 2 && (SECOND_LEVEL.test(second) || second.length <= 3);
  const wanted = depth === undefined ? (isSuffix ? 3 : 2) : depth + 1;
  return labels.length < wanted ? null : labels.slice(-wanted).join(".");
}

/** Is the host this domain, or below it? */
export function isWithin(host: string, domain: string): boolean {
  const name = host.toLowerCase();
  return name === domain || (domain.includes(".") && !isAddress(domain) && name.endsWith(`.${domain}`));
}

/** Loopback and the ranges of private networks (RFC 1918, 4193, 6598, link-local), and names that only they have. */
export function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (/^(?:::1|f[cd][0-9a-f]{2}:.*|fe80:.*)$/.test(name)) return true;
  return /^(?:127|10)\.\d+\.\d+\.\d+$|^192\.168\.\d+\.\d+$|^169\.254\.\d+\.\d+$|^172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+$|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/.test(
    name,
  );
}

function isAddress(domain: string): boolean {
  return /^[\d.]+$/.test(domain);
}
