// What is known of one upstream, whoever says it: the place that is asked, the headers of its answers, the user's budget.
// Asks nobody and keeps nothing.
import type { Env } from "../../base/env.ts";
import type { Upstream } from "../../base/upstream.ts";
import { type LookupChoice, chooseLookup } from "../../quota/lookup.ts";
import { type Source, makeNote } from "../../quota/note.ts";
import type { ProvidersFile } from "../../quota/providers-file.ts";
import type { QuotaNote } from "../../routing/types.ts";
import type { Budgets } from "./budgets.ts";
import type { QuotaRow } from "../instance-answers.ts";
import { makeErrorRow, makeQuotaRows } from "./facts.ts";
import type { QuotaState } from "./state.ts";

export interface QuotaSources {
  /** Who would be asked. */
  lookupOf(upstream: Upstream): LookupChoice;
  /** For routing. */
  noteOf(upstream: Upstream): QuotaNote | null;
  /** For people and scripts. */
  rowsOf(upstream: Upstream): QuotaRow[];
}

export interface QuotaSourcesOptions {
  readonly providers: ProvidersFile;
  readonly state: Pick<QuotaState, "readings" | "relays">;
  readonly budgets: Pick<Budgets, "readingOf">;
  readonly env: Env;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export function createQuotaSources({
  budgets,
  env,
  now,
  providers,
  state,
}: QuotaSourcesOptions): QuotaSources {
  const lookupOf = (upstream: Upstream): LookupChoice =>
    chooseLookup({
      upstream,
      providers: providers.current().providers,
      env,
      vendorAt: (host) => state.relays.get(host) ?? null,
      now: now(),
    });

  const listSources = (upstream: Upstream, choice: LookupChoice): Source[] => {
    const asked =
      choice.kind === "lookup"
        ? { reading: state.readings.get(choice.lookup.key), intervalMs: choice.lookup.intervalMs }
        : null;
    const seen = { reading: state.readings.get(headersKey(upstream)), intervalMs: 0 };
    const own = { reading: budgets.readingOf(upstream) ?? undefined, intervalMs: 0 };
    return [asked, seen, own].flatMap((source) =>
      source?.reading === undefined ? [] : [{ reading: source.reading, intervalMs: source.intervalMs }],
    );
  };

  return {
    lookupOf,
    noteOf: (upstream) => makeNote(listSources(upstream, lookupOf(upstream)), now()),
    rowsOf(upstream) {
      const choice = lookupOf(upstream);
      const rows = listSources(upstream, choice).flatMap((source) => makeQuotaRows(source, now()));
      return choice.kind === "refused" ? [makeErrorRow(choice.source, choice.why), ...rows] : rows;
    },
  };
}

/** Under which a reading from the headers of its answers is kept. */
export function headersKey(upstream: Upstream): string {
  return `headers|${upstream.key}`;
}
