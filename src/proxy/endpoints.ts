// What a request is: a turn, one that is judged like a turn, or another. One table says of each endpoint how its answers are
// judged, what may fail over, and whether it changes an upstream's availability; docs/failover.md is made from it.
// Pure.
import type { Api } from "../usage/stream-events.ts";

export interface Endpoint {
  readonly id: string;
  /** Null: any. */
  readonly methods: readonly string[] | null;
  /** The last segments of its paths, whatever stands before them; null: any. */
  readonly path: RegExp | null;
  /** For the documentation. */
  readonly shown: string;
  /** The wire format of its answers, where it is one that is read event by event. */
  readonly api: Api | null;
  /**
   * `turn`: held until it shows output. `data`: a web page, an empty body and an error inside a 200 are failed attempts.
   * `no`: whatever comes with a 2xx is passed on.
   */
  readonly judged: "turn" | "data" | "no";
  /** What of it the upstream keeps: where it is anything, an ambiguous failure (class C) does not fail over. */
  readonly keeps: "nothing" | "if-asked" | "something";
  /**
   * Does what happens to it change the availability of an upstream for turns? `if-served`: yes, except that a 404, 405 or 501
   * says only that the endpoint is missing there.
   */
  readonly counts: "yes" | "if-served" | "no";
  /** The upstream's `models` map applies, as to turns. */
  readonly mapsModel: boolean;
  /**
   * Its answers are billed, and state their usage as this API does; null: they are not counted. Of those that are not known
   * some may be, as Gemini's: they are counted where they state any.
   */
  readonly usage: Api | null;
  /** The longest wait for the response headers: a setting, or ms. A turn that does not stream has them with the whole of it. */
  readonly headWithin: "first_byte_secs" | "non_stream_secs" | number;
}

const POST = ["POST"] as const;
const SLOW = { headWithin: "non_stream_secs" } as const;
const TURN = {
  methods: POST,
  judged: "turn",
  keeps: "if-asked",
  counts: "yes",
  mapsModel: true,
  headWithin: "first_byte_secs",
} as const;
/** Answers with a document, from what it was sent alone. */
const DATA = {
  methods: POST,
  api: null,
  judged: "data",
  keeps: "nothing",
  counts: "no",
  mapsModel: false,
  headWithin: "first_byte_secs",
} as const;
/** Where GET /models fails the client has a cache: it must be quick. */
const MODELS_FIRST_BYTE_MS = 4_000;

/** What is not known may do anything. */
const OTHER: Endpoint = {
  id: "other",
  methods: null,
  path: null,
  shown:
    "anything else: files, uploads, batches, fine-tuning, `/responses/ID/cancel`, `DELETE`, unknown paths",
  api: null,
  judged: "no",
  keeps: "something",
  counts: "no",
  mapsModel: false,
  usage: "chat",
  headWithin: "non_stream_secs",
};

/** In the order in which they are asked: the first that matches counts. */
export const ENDPOINTS: readonly Endpoint[] = [
  {
    id: "responses",
    path: /\/responses$/,
    shown: "`POST /responses`",
    api: "responses",
    usage: "responses",
    ...TURN,
  },
  {
    id: "messages",
    path: /\/messages$/,
    shown: "`POST /messages`",
    api: "messages",
    usage: "messages",
    ...TURN,
  },
  {
    id: "chat",
    path: /\/chat\/completions$/,
    shown: "`POST /chat/completions`",
    api: "chat",
    usage: "chat",
    ...TURN,
  },
  {
    id: "compact",
    path: /\/responses\/compact$/,
    shown: "`POST /responses/compact`",
    api: "responses",
    usage: "responses",
    ...TURN,
    keeps: "nothing",
    counts: "if-served",
  },
  {
    id: "count-tokens",
    path: /\/messages\/count_tokens$/,
    shown: "`POST /messages/count_tokens`",
    usage: null,
    ...DATA,
    mapsModel: true,
  },
  {
    id: "input-tokens",
    path: /\/responses\/input_tokens$/,
    shown: "`POST /responses/input_tokens`",
    usage: null,
    ...DATA,
    mapsModel: true,
  },
  { id: "embeddings", path: /\/embeddings$/, shown: "`POST /embeddings`", usage: "chat", ...DATA },
  {
    id: "completions",
    path: /\/completions$/,
    shown: "`POST /completions`",
    usage: "chat",
    ...DATA,
    ...SLOW,
  },
  { id: "moderations", path: /\/moderations$/, shown: "`POST /moderations`", usage: null, ...DATA },
  { id: "search", path: /\/alpha\/search$/, shown: "`POST /alpha/search`", usage: null, ...DATA },
  {
    id: "images",
    path: /\/images\/(?:generations|edits|variations)$/,
    shown: "`POST /images/generations`, `/images/edits`, `/images/variations`",
    usage: "chat",
    ...DATA,
    ...SLOW,
  },
  {
    id: "audio",
    path: /\/audio\/(?:speech|transcriptions|translations)$/,
    shown: "`POST /audio/speech`, `/audio/transcriptions`, `/audio/translations`",
    usage: "chat",
    ...DATA,
    ...SLOW,
  },
  {
    id: "models",
    methods: ["GET", "HEAD"],
    path: /\/models(?:\/[^/]+)?$/,
    shown: "`GET /models`, `/models/NAME`",
    api: null,
    judged: "data",
    keeps: "nothing",
    counts: "no",
    mapsModel: false,
    usage: null,
    headWithin: MODELS_FIRST_BYTE_MS,
  },
  {
    id: "read",
    methods: ["GET", "HEAD", "OPTIONS"],
    path: null,
    shown: "any other `GET`, `HEAD` or `OPTIONS`",
    api: null,
    judged: "no",
    keeps: "nothing",
    counts: "no",
    mapsModel: false,
    usage: null,
    headWithin: "first_byte_secs",
  },
  OTHER,
];

/** A slash at the end of a path changes nothing: servers redirect to the one without. */
export function endpointOf(method: string, path: string): Endpoint {
  const bare = path.endsWith("/") ? path.replace(/\/+$/, "") : path;
  return (
    ENDPOINTS.find(
      ({ methods, path: pattern }) =>
        (methods === null || methods.includes(method)) && (pattern === null || pattern.test(bare)),
    ) ?? OTHER
  );
}
