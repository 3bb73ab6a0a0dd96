// `ch bench`: the same prompts to each upstream, some rounds long: first byte, speed, what comes from the prompt cache, the model that
// is named, what it takes of the client's newest release. No health is changed and nothing logged; what is refused is learned.
import { onUserError } from "../../base/errors.ts";
import type { Upstream } from "../../base/upstream.ts";
import { modelAt } from "../../base/upstream.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { ExamineOptions, FeatureFacts, TestRequestFacts } from "../../doctor/facts.ts";
import type { RoutingSettings } from "../../routing/types.ts";
import type { LoggedFigures } from "../../usage/price-rates.ts";
import { readBilledTokens } from "../../usage/price-rates.ts";
import type { Keys } from "../keys/keys.ts";
import { ask, sendTestRequest, withItsKey } from "../doctor/test-request.ts";
import { testFeatures } from "../doctor/test-features.ts";
import { findClient } from "../doctor/examine-machine.ts";

export interface BenchOptions extends Pick<ExamineOptions, "env" | "now" | "paths"> {
  readonly rounds: number;
  readonly keys: Pick<Keys, "read">;
  readonly routing: RoutingSettings;
}

export interface Contender {
  readonly upstream: Upstream;
  /** As the client would ask for it. */
  readonly model: string;
}

/** One answer. */
export interface Round {
  readonly firstByteMs: number;
  /** From the first byte to the end; null where nothing was counted or all came at once. */
  readonly tokensPerSecond: number | null;
  /** Of what was read, from 0 to 1; null where nothing was counted. */
  readonly cachedShare: number | null;
  readonly servedModel: string | null;
  readonly usd: number | null;
}

export interface BenchResult extends Contender {
  /** What a first small request said; the rest was asked only where it was answered. */
  readonly first: TestRequestFacts;
  readonly rounds: readonly Round[];
  /** Rounds that were not answered. */
  readonly failed: number;
  readonly features: FeatureFacts | null;
}

/** More than any vendor wants of a beginning that it caches: https://platform.claude.com/docs/en/build-with-claude/prompt-caching */
const BEGINNING_LINES = 330;
const PROMPT = "Write the numbers from 1 to 100, separated by blanks, and nothing else.";
/** What a round takes, roughly. */
const ROUND_TOKENS: LoggedFigures = { input_tokens: 5_000, output_tokens: 300 };
/** What came in less time came in one piece. */
const LEAST_MS = 50;

/** US dollars, roughly, nothing cached; null where no price is known of one of them. */
export async function estimate(
  contenders: readonly Contender[],
  { now, paths, rounds }: Pick<BenchOptions, "now" | "paths" | "rounds">,
): Promise<number | null> {
  const { loadPricer } = await import("../prices.ts");
  const pricer = await loadPricer(paths).catch(onUserError(() => null));
  let sum = 0;
  for (const { model, upstream } of contenders) {
    const cost = pricer?.costOf({
      timestamp_ms: now(),
      service: upstream.service,
      config_name: upstream.configName,
      upstream_base_url: upstream.baseUrl,
      model: modelAt(upstream, model),
      path: CLIENTS[upstream.service].testRequest.path,
      usage: ROUND_TOKENS,
    });
    if (cost?.kind !== "priced") return null;
    sum += rounds * cost.usd;
  }
  return sum;
}

/** Never throws. One round after the other, all upstreams of a round at once. `onRound`: so many of them are over. */
export async function runBench(
  contenders: readonly Contender[],
  options: BenchOptions,
  onRound: (done: number) => void,
): Promise<readonly BenchResult[]> {
  const firsts = await Promise.all(
    contenders.map(async ({ model, upstream }) => await sendTestRequest(upstream, { ...options, model })),
  );
  const lines = contenders.map(makeBeginning);
  const rounds: Round[][] = contenders.map(() => []);
  for (let round = 1; round <= options.rounds; round += 1) {
    await Promise.all(
      contenders.map(async ({ model, upstream }, place) => {
        if (firsts[place]?.asked?.answers !== true) return;
        const { measured } = CLIENTS[upstream.service].testRequest;
        const ready = await withItsKey(upstream, options.keys);
        const asked = await ask(ready, modelAt(upstream, model), {
          ...options,
          model,
          body: (name) => measured(name, lines[place] ?? "", PROMPT),
        });
        if (asked.answers) rounds[place]?.push(makeRound(asked, upstream));
      }),
    );
    onRound(round);
  }
  return await Promise.all(
    contenders.map(async (contender, place) => {
      const first = firsts[place];
      const own = rounds[place] ?? [];
      const failed = first?.asked?.answers === true ? options.rounds - own.length : 0;
      const features = first?.asked?.answers === true ? await findFeatures(contender, options) : null;
      // One for each of them, by what map does.
      return { ...contender, first: first as TestRequestFacts, rounds: own, failed, features };
    }),
  );
}

async function findFeatures({ model, upstream }: Contender, options: BenchOptions): Promise<FeatureFacts> {
  const { version } = await findClient(upstream.service, options.env, options.paths.requestsLog);
  return await testFeatures(await withItsKey(upstream, options.keys), { ...options, model, version });
}

/** Its own for each upstream and run: what an earlier run left in a cache would be no measure. */
function makeBeginning(): string {
  const lines = Array.from(
    { length: BEGINNING_LINES },
    (_, index) => `${index}. Answer shortly, as you are asked to.`,
  );
  return `${crypto.randomUUID()}\n${lines.join("\n")}`;
}

function makeRound(asked: NonNullable<TestRequestFacts["asked"]>, { service }: Upstream): Round {
  const { firstByteMs, servedModel, usage, usd, wholeMs } = asked;
  const tokens = readBilledTokens({
    usage: usage ?? undefined,
    path: CLIENTS[service].testRequest.path,
  });
  const ms = wholeMs - firstByteMs;
  const read = tokens === null ? 0 : tokens.fresh + tokens.cached + tokens.created + tokens.created1h;
  return {
    firstByteMs,
    tokensPerSecond: tokens === null || ms < LEAST_MS ? null : (1000 * tokens.output) / ms,
    cachedShare: tokens === null || read === 0 ? null : tokens.cached / read,
    servedModel,
    usd,
  };
}
