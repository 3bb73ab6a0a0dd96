// Asks one address for JSON, carefully: a short wait, a small answer, no redirect, no cookie. Every way to fail is a value.
// Judges no content.
import { errorCode } from "../base/errors.ts";
import { kept } from "../base/language.ts";
import { type JsonRecord, parseRecord } from "../base/json-value.ts";
import { VERSION } from "../base/version.ts";

export interface JsonQuestion {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Outbound proxy URL, or false. */
  readonly proxy: string | false;
  readonly signal: AbortSignal;
  /** Default 8,000. */
  readonly timeoutMs?: number;
}

export type JsonAnswer =
  | { readonly kind: "json"; readonly body: JsonRecord }
  /** The address does not offer this: asking again is of no use. */
  | { readonly kind: "unsupported"; readonly why: string }
  /** Nothing was learned; it may be otherwise next time. `why` holds nothing of the answer. */
  | { readonly kind: "failed"; readonly why: string };

const TIMEOUT_MS = 8_000;
const MAX_BYTES = 2 ** 20;
/** Statuses that say "not now" rather than "not here". */
const PASSING = new Set([408, 409, 425, 429]);

/** Never throws. */
export async function fetchJson(question: JsonQuestion): Promise<JsonAnswer> {
  const { headers, proxy, signal, timeoutMs = TIMEOUT_MS, url } = question;
  const timeout = AbortSignal.timeout(timeoutMs);
  const own = new AbortController();
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json", "user-agent": `codex-helper/${VERSION}`, ...headers },
      redirect: "manual",
      proxy,
      signal: AbortSignal.any([signal, timeout, own.signal]),
    });
    const { status } = response;
    if (status !== 200) {
      own.abort();
      return judgeStatus(status);
    }
    const text = await readLimited(response);
    if (text === null) {
      own.abort();
      return { kind: "failed", why: kept`the answer is larger than 1 MB` };
    }
    const body = parseRecord(text);
    return body === null ? { kind: "failed", why: kept`the answer is not JSON` } : { kind: "json", body };
  } catch (error) {
    const seconds = timeoutMs / 1_000;
    const code = errorCode(error) ?? "unknown";
    if (timeout.aborted) return { kind: "failed", why: kept`no answer within ${seconds} s` };
    if (signal.aborted) return { kind: "failed", why: kept`given up` };
    return { kind: "failed", why: kept`the connection failed (${code})` };
  }
}

function judgeStatus(status: number): JsonAnswer {
  const why = kept`the endpoint answered ${status}`;
  const isFinal = status >= 400 && status < 500 && !PASSING.has(status);
  return { kind: isFinal ? "unsupported" : "failed", why };
}

/** Null where it is longer than it may be. What is counted is decompressed. */
async function readLimited(response: Response): Promise<string | null> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
