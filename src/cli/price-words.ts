// What a screen says once of the costs on it: that they are an estimate, by how old a list, or why there are none.
import type { UserError } from "../base/errors.ts";
import type { Cli } from "./cli.ts";
import type { QuotaRow } from "../quota/sources.ts";
import { t, tell, tellEither } from "./language.ts";

const DAY_MS = 86_400_000;
/** Older than that, a list is likely to lack models, and to have prices that changed. */
const OLD_DAYS = 60;

export interface PriceFacts {
  /** "2026-11-29": the day of the list. */
  readonly asOf: string;
  readonly problem: UserError | null;
}

/**
 * Where there are none, a mistake in prices.json costs the prices, not what was counted. `isShown`: the screen is for people,
 * and there is a cost on it.
 */
export function notePrices({ now, out }: Cli, { asOf, problem }: PriceFacts, isShown: boolean): void {
  if (problem !== null) return out.warn(t`no costs: ${tell(problem.text)}`);
  const days = Math.floor((now() - Date.parse(asOf)) / DAY_MS);
  if (isShown)
    out.note(
      days > OLD_DAYS
        ? t`costs are an estimate from list prices of ${asOf}, ${days} days old; a newer list: ch usage prices --update`
        : t`costs are an estimate from list prices`,
    );
}

/** For a screen with budgets: what they cannot count, where it is not said beside them, and that it is at list prices. */
export async function noteBudgets(
  cli: Cli,
  upstreams: readonly { readonly label: string; readonly quota: readonly QuotaRow[] }[],
  isSaid = false,
): Promise<void> {
  for (const { label, quota } of isSaid ? [] : upstreams)
    for (const { error, error_text: words, source } of quota)
      if (source === "budget" && error !== null) cli.out.note(`${label}: ${tellEither(words, error)}`);
  const hasBudget = upstreams.some(({ quota }) => quota.some(({ source }) => source === "budget"));
  if (!hasBudget) return;
  const { readListDate } = await import("../app/prices.ts");
  notePrices(cli, { asOf: await readListDate(cli.paths), problem: null }, true);
}
