// Reads a request's whole body so that it can be redacted and replayed: bounded in size, in silence, in what a compressed one
// may unfold to, and in what all of them hold.
import { decodeWhole } from "../base/decoder.ts";
import { type Text, t } from "../base/text.ts";
import { TURN_MS, type Upload, type Uploads } from "./uploads.ts";

export interface BodyLimits {
  /** Bytes, before and after decoding. */
  readonly maxBytes: number;
  /** Longest silence while the client is sending. */
  readonly uploadIdleMs: number;
}

export interface BodyReading {
  readonly limits: BodyLimits;
  readonly uploads: Uploads;
  /** Counts what is held of the body. */
  readonly hold: (bytes: number) => void;
}

export type BodyResult =
  | { readonly kind: "body"; readonly bytes: Uint8Array; readonly decoded: boolean }
  | Refused
  | { readonly kind: "client-gone" };

interface Refused {
  readonly kind: "refused";
  readonly status: 400 | 408 | 413 | 415 | 503;
  readonly message: Text;
  readonly retryAfterSecs?: number;
}

const EMPTY = new Uint8Array(0);
const MIB = 2 ** 20;
/** Up to here a body of declared length is read in one go: half the cost of reading it piece by piece. */
const WHOLE_BYTES = 16 * MIB;
const SMALL_BYTES = 64 * 1024;
/** Bun does not say how far such a body has come. At this pace it comes on, through the slowest tunnel too. */
const SLOWEST_BYTES_PER_MS = 16;
/** Of one that is read piece by piece so much is counted before it comes. */
const FIRST_BYTES = 256 * 1024;

/** Reads and, where a Content-Encoding says so, decodes the body. Never throws. */
export async function readBody(request: Request, reading: BodyReading): Promise<BodyResult> {
  const { hold, limits, uploads } = reading;
  const limitBytes = uploads.budget.limitBytes();
  const maxBytes = Math.min(limits.maxBytes, limitBytes);
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) return tooLarge(maxBytes);
  // Where room grows scarce, what is counted must be what has come.
  const isWhole =
    declared > 0 && declared <= WHOLE_BYTES && uploads.budget.heldBytes() + declared <= limitBytes / 2;
  const raw =
    isWhole && declared <= SMALL_BYTES
      ? await readSmall(request, declared, reading)
      : await readRaw(request, { declared, isWhole, maxBytes, uploadIdleMs: limits.uploadIdleMs, uploads });
  if (!(raw instanceof Uint8Array)) return raw;
  hold(raw.length);
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return { kind: "body", bytes: raw, decoded: false };
  const decoded = await decodeWhole(raw, encoding, maxBytes);
  if (decoded === "unknown")
    return refused(415, t`the content encoding "${encoding.slice(0, 40)}" is not supported`);
  if (decoded === "too-large") return tooLarge(maxBytes);
  if (decoded === "invalid") return refused(400, t`the request body is not valid ${encoding}`);
  const more = decoded.length - raw.length;
  if (!uploads.budget.hasRoom(more)) return noRoom(uploads);
  hold(more);
  return { kind: "body", bytes: decoded, decoded: true };
}

type Raw = Uint8Array | Exclude<BodyResult, { readonly kind: "body" }>;

const GONE: BodyResult & { readonly kind: "client-gone" } = { kind: "client-gone" };

/** It is there by now, or takes no room: it waits for no turn. */
async function readSmall(request: Request, declared: number, { limits, uploads }: BodyReading): Promise<Raw> {
  const { promise, resolve } = Promise.withResolvers<Raw>();
  const upload = uploads.begin(declared, () => resolve(tooSlow()));
  if (upload === null) return noRoom(uploads);
  const longestMs = limits.uploadIdleMs + declared / SLOWEST_BYTES_PER_MS;
  const timer = setTimeout(() => resolve(silent(limits)), longestMs);
  request.bytes().then(resolve, () => resolve(GONE));
  const raw = await promise;
  clearTimeout(timer);
  upload.end();
  return raw;
}

interface RawReading extends BodyLimits {
  readonly uploads: Uploads;
}

async function readRaw(
  request: Request,
  { declared, isWhole, ...reading }: RawReading & { readonly declared: number; readonly isWhole: boolean },
): Promise<Raw> {
  const { uploadIdleMs, uploads } = reading;
  const body = isWhole ? null : request.body;
  if (!isWhole && body === null) return EMPTY;
  const { promise: end, resolve: endAs } = Promise.withResolvers<Raw>();
  const bytes = isWhole ? declared : Math.min(declared || FIRST_BYTES, FIRST_BYTES);
  const upload = uploads.begin(bytes, () => endAs(tooSlow()));
  if (upload === null) return noRoom(uploads);
  let timer: Timer | undefined;
  const watch = (longestMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        upload.pause();
        timer = setTimeout(() => endAs(silent(reading)), longestMs - TURN_MS);
      },
      Math.min(TURN_MS, longestMs),
    );
  };
  const turn = upload.waitForTurn();
  if (turn !== null) await turn;
  const reader = body?.getReader();
  if (reader === undefined) {
    watch(uploadIdleMs + declared / SLOWEST_BYTES_PER_MS);
    request.bytes().then(endAs, () => endAs(GONE));
  } else {
    const onTurn = (): void => watch(uploadIdleMs);
    readAll(reader, { ...reading, upload, onTurn }).then(endAs, () => endAs(GONE));
  }
  const result = await end;
  clearTimeout(timer);
  upload.end();
  reader?.cancel().catch(() => {});
  return result;
}

/** Rejects where the client leaves. */
async function readAll(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">,
  { maxBytes, onTurn, upload, uploads }: RawReading & { upload: Upload; onTurn: () => void },
): Promise<Raw> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const turn = upload.waitForTurn();
    if (turn !== null) await turn;
    onTurn();
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > maxBytes) return tooLarge(maxBytes);
    if (!upload.receive(value.length)) return noRoom(uploads);
    chunks.push(value);
  }
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, size);
}

function silent({ uploadIdleMs }: BodyLimits): Refused {
  return refused(408, t`the request body stalled for ${uploadIdleMs / 1000} s`);
}

function tooLarge(maxBytes: number): Refused {
  return refused(413, t`the request body is larger than ${Math.floor(maxBytes / MIB)} MiB`);
}

function tooSlow(): Refused {
  const message = t`the request body came too slowly, and others needed its place`;
  return { ...refused(503, message), retryAfterSecs: 1 };
}

function noRoom({ budget }: Uploads): Refused {
  const limitMib = budget.limitBytes() / MIB;
  const message = t`the requests that are open hold as much memory as limits.memory_mib allows (${limitMib} MiB)`;
  return { ...refused(503, message), retryAfterSecs: 1 };
}

function refused(status: Refused["status"], message: Text): Refused {
  return { kind: "refused", status, message };
}
