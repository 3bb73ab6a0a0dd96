// Fetches JSON from one address, carefully: a short timeout, a size limit, no redirect, no cookie. Failures are values.
// Does not interpret the content.
import { createDecoder, DecodeError } from "../base/decoder.ts";
import { errorCode } from "../base/errors.ts";
import { type Text, t } from "../base/text.ts";
import { type JsonRecord, parseRecord } from "../base/json-value.ts";
import { VERSION } from "../base/version.ts";
import { findTarget } from "../routing/classify.ts";
import { describe, describeConnection } from "../routing/reasons.ts";

export interface JsonRequest {
  readonly url: string;
  /** Default GET. A POST has no body. */
  readonly method?: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** Outbound proxy URL, or false. */
  readonly proxy: string | false;
  /** PEM: the only authorities that may have signed the certificate. */
  readonly ca?: string;
  readonly signal: AbortSignal;
  /** Default 8,000. */
  readonly timeoutMs?: number;
}

export type JsonAnswer =
  | { readonly kind: "json"; readonly body: JsonRecord }
  /** The endpoint does not offer this: a retry is of no use. */
  | { readonly kind: "unsupported"; readonly why: Text; readonly status: number }
  /** It may work next time. `why` holds nothing of the answer. `location`: where a redirect leads, as it says. */
  | { readonly kind: "failed"; readonly why: Text; readonly location?: string };

const TIMEOUT_MS = 8_000;
const MAX_BYTES = 2 ** 20;
/** Client errors that a retry may solve. */
const TRANSIENT = new Set([408, 409, 425, 429]);

/** Never throws. */
export async function fetchJson(request: JsonRequest): Promise<JsonAnswer> {
  const { ca, headers, method = "GET", proxy, signal, timeoutMs = TIMEOUT_MS, url } = request;
  const timeout = AbortSignal.timeout(timeoutMs);
  const own = new AbortController();
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: "application/json", "user-agent": `codex-helper/${VERSION}`, ...headers },
      redirect: "manual",
      // Bun would decode without a limit.
      decompress: false,
      proxy,
      ...(ca === undefined ? {} : { tls: { ca } }),
      signal: AbortSignal.any([signal, timeout, own.signal]),
    });
    const { status } = response;
    if (status !== 200) {
      own.abort();
      return errorOfStatus(response);
    }
    const text = await readLimited(response);
    if (text === null) {
      own.abort();
      return { kind: "failed", why: t`the answer is larger than 1 MB` };
    }
    const body = parseRecord(text);
    if (body !== null) return { kind: "json", body };
    const isPage = /^\s*</.test(text);
    return { kind: "failed", why: isPage ? describe({ rule: "page" }) : t`the answer is not JSON` };
  } catch (error) {
    const seconds = timeoutMs / 1_000;
    const code = errorCode(error) ?? "unknown";
    if (timeout.aborted) return { kind: "failed", why: t`no answer within ${seconds} s` };
    if (signal.aborted) return { kind: "failed", why: t`cancelled` };
    return { kind: "failed", why: describeConnection(code) };
  }
}

function errorOfStatus({ headers, status }: Response): JsonAnswer {
  const why = describeStatus(status, headers);
  const isFinal = status >= 400 && status < 500 && !TRANSIENT.has(status);
  if (isFinal) return { kind: "unsupported", why, status };
  const location = status >= 300 && status < 400 ? headers.get("location") : null;
  return { kind: "failed", why, ...(location !== null && { location }) };
}

/** Where the proxy has words for it: who answers here is not the relay, or does not know the key. */
function describeStatus(status: number, headers: Headers): Text {
  if (status >= 300 && status < 400) return describe({ rule: "redirect", status, ...findTarget(headers) });
  return status === 401 ? describe({ rule: "credential", status }) : t`the endpoint answered ${status}`;
}

/** Compressed answers are decoded one after the other: each may come to the limit, and a home has a hundred upstreams. */
const decoding = { last: Promise.resolve() };

/** Null where it is larger than allowed, decoded. */
async function readLimited(response: Response): Promise<string | null> {
  if (response.headers.get("content-encoding") === null) return await readText(response);
  const { promise, resolve } = Promise.withResolvers<void>();
  const before = decoding.last;
  decoding.last = promise;
  // One that dribbles keeps the others waiting no longer than this.
  await Promise.race([before, Bun.sleep(TURN_MS)]);
  try {
    return await readText(response);
  } finally {
    resolve();
  }
}

const TURN_MS = 500;

async function readText(response: Response): Promise<string | null> {
  const text = new TextDecoder();
  let bytes = 0;
  let read = "";
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  const decoder = createDecoder(encoding, { maxBytes: MAX_BYTES, burstBytes: MAX_BYTES });
  try {
    for await (const chunk of response.body ?? []) {
      if (decoder === null) {
        bytes += chunk.byteLength;
        if (bytes > MAX_BYTES) return null;
        read += text.decode(chunk, { stream: true });
      } else for await (const piece of decoder.decode(chunk)) read += text.decode(piece, { stream: true });
    }
    return read + text.decode();
  } catch (error) {
    if (error instanceof DecodeError) return error.problem === "too-large" ? null : "";
    throw error;
  } finally {
    decoder?.close();
  }
}
