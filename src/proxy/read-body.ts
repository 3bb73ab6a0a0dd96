// Reads a request's whole body so that it can be redacted and replayed: bounded in size, in silence and in what a
// compressed one may unfold to.
import { decodeWhole } from "../base/decoder.ts";
import { type Text, t } from "../base/text.ts";

export interface BodyLimits {
  /** Bytes, before and after decoding. */
  readonly maxBytes: number;
  /** Longest silence while the client is sending. */
  readonly uploadIdleMs: number;
}

export type BodyResult =
  | { readonly kind: "body"; readonly bytes: Uint8Array; readonly decoded: boolean }
  | Refused
  | { readonly kind: "client-gone" };

interface Refused {
  readonly kind: "refused";
  readonly status: 400 | 408 | 413 | 415;
  readonly message: Text;
}

const EMPTY = new Uint8Array(0);
/** Up to here a body of declared length is read in one go: half the cost of reading it piece by piece. */
const WHOLE_BYTES = 16 * 2 ** 20;
/** Bun does not say how far such a body has come. At this pace it comes on, through the slowest tunnel too. */
const SLOWEST_BYTES_PER_MS = 16;

/** Reads and, where a Content-Encoding says so, decodes the body. Never throws. */
export async function readBody(request: Request, limits: BodyLimits): Promise<BodyResult> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limits.maxBytes) return tooLarge(limits.maxBytes);
  const raw =
    declared > 0 && declared <= WHOLE_BYTES
      ? await readWhole(request, declared, limits)
      : await readAll(request.body, limits);
  if (!(raw instanceof Uint8Array)) return raw;
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return { kind: "body", bytes: raw, decoded: false };
  return await decode(raw, encoding, limits.maxBytes);
}

/** One timer for all of it, no stream. */
async function readWhole(
  request: Request,
  declared: number,
  limits: BodyLimits,
): Promise<Uint8Array | BodyResult> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | BodyResult>();
  const longestMs = limits.uploadIdleMs + declared / SLOWEST_BYTES_PER_MS;
  const timer = setTimeout(() => resolve(silent(limits)), longestMs);
  request.bytes().then(resolve, () => resolve({ kind: "client-gone" }));
  const result = await promise;
  clearTimeout(timer);
  return result;
}

async function readAll(
  body: ReadableStream<Uint8Array> | null,
  limits: BodyLimits,
): Promise<Uint8Array | BodyResult> {
  if (body === null) return EMPTY;
  const reader = body.getReader();
  const silence = Promise.withResolvers<"silent">();
  const timer = setTimeout(() => silence.resolve("silent"), limits.uploadIdleMs);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), silence.promise]);
      if (next === "silent") return silent(limits);
      if (next.done) break;
      size += next.value.length;
      if (size > limits.maxBytes) return tooLarge(limits.maxBytes);
      chunks.push(next.value);
      timer.refresh();
    }
  } catch {
    return { kind: "client-gone" };
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size);
}

async function decode(raw: Uint8Array, encoding: string, maxBytes: number): Promise<BodyResult> {
  const decoded = await decodeWhole(raw, encoding, maxBytes);
  if (decoded === "unknown")
    return refused(415, t`the content encoding "${encoding.slice(0, 40)}" is not supported`);
  if (decoded === "too-large") return tooLarge(maxBytes);
  if (decoded === "invalid") return refused(400, t`the request body is not valid ${encoding}`);
  return { kind: "body", bytes: decoded, decoded: true };
}

function silent({ uploadIdleMs }: BodyLimits): BodyResult {
  return refused(408, t`the request body stalled for ${uploadIdleMs / 1000} s`);
}

function tooLarge(maxBytes: number): BodyResult {
  return refused(413, t`the request body is larger than ${Math.floor(maxBytes / 2 ** 20)} MiB`);
}

function refused(status: Refused["status"], message: Text): Refused {
  return { kind: "refused", status, message };
}
