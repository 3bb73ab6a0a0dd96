// What the next answer is expected to use, from the size of its request and from what the answers before it used. Method:
// docs/budgets.md. Remembers figures alone.
// Pure.
import { setNewest } from "../base/newest.ts";
import type { BilledTokens } from "../usage/price-rates.ts";

/** An answer of which is known what it used. */
interface Sample {
  /** Of its request, decoded. */
  readonly bytes: number;
  readonly tokens: BilledTokens;
  /** Null where the model has no price. */
  readonly usd: number | null;
}

export interface Question {
  readonly sessionId: string | null;
  readonly model: string | null;
  readonly bytes: number;
}

export interface Expected {
  /** To be priced. */
  readonly tokens: BilledTokens;
  /** No answer of its session is known: at least as much as the dearest one of the model. */
  readonly least: Pick<Sample, "usd"> & { readonly tokens: number };
  /** Nothing is known of the model yet, and the output is the most that is believed. */
  readonly isGuess: boolean;
}

/** Text and code in English have four bytes a token, Chinese about three. */
const BYTES_PER_TOKEN = 3;
/** What an answer writes where none of its model is known. */
const UNKNOWN_OUTPUT = 32_000;
const LEAST_OUTPUT = 500;
const KEPT_OF_SESSION = 3;
const KEPT_OF_MODEL = 20;
const MOST_SESSIONS = 500;
const MOST_MODELS = 100;

export function createExpectedUse() {
  const sessions = new Map<string, Sample[]>();
  const models = new Map<string, Sample[]>();
  return {
    expect({ bytes, model, sessionId }: Question): Expected {
      const own = sessionId === null ? undefined : sessions.get(`${sessionId} ${model ?? ""}`);
      const last = own?.at(-1);
      if (own !== undefined && last !== undefined) {
        const { cached, created, created1h, fresh } = last.tokens;
        const grown = Math.max(0, bytes - last.bytes) / BYTES_PER_TOKEN;
        const tokens = { fresh: fresh + grown, cached, created, created1h, output: longestOf(own) };
        return { tokens, least: NOTHING, isGuess: false };
      }
      const others = models.get(model ?? "") ?? [];
      const isGuess = others.length === 0;
      const output = isGuess ? UNKNOWN_OUTPUT : longestOf(others);
      return {
        tokens: { fresh: bytes / BYTES_PER_TOKEN, cached: 0, created: 0, created1h: 0, output },
        least: {
          usd: Math.max(0, ...others.map(({ usd }) => usd ?? 0)),
          tokens: Math.max(0, ...others.map(({ tokens }) => sumOf(tokens))),
        },
        isGuess,
      };
    },
    note({ bytes, model, sessionId }: Question, tokens: BilledTokens, usd: number | null): void {
      const sample = { bytes, tokens, usd };
      keep(models, model ?? "", { sample, most: MOST_MODELS, kept: KEPT_OF_MODEL });
      if (sessionId !== null)
        keep(sessions, `${sessionId} ${model ?? ""}`, { sample, most: MOST_SESSIONS, kept: KEPT_OF_SESSION });
    },
  };
}

const NOTHING = { usd: 0, tokens: 0 };

/** All that is billed. */
export function sumOf({ cached, created, created1h, fresh, output }: BilledTokens): number {
  return cached + created + created1h + fresh + output;
}

function longestOf(samples: readonly Sample[]): number {
  let longest = LEAST_OUTPUT;
  for (const { tokens } of samples) longest = Math.max(longest, tokens.output);
  return longest;
}

/** The newest ones, of the keys that were used last. */
function keep(
  samples: Map<string, Sample[]>,
  key: string,
  { kept, most, sample }: { readonly sample: Sample; readonly most: number; readonly kept: number },
): void {
  const own = samples.get(key) ?? [];
  own.push(sample);
  if (own.length > kept) own.shift();
  setNewest(samples, key, own, most);
}
