// Which state redaction is in, for screens of processes that serve nothing. Changes nothing.
// The redaction engine is the largest part of the program: it is loaded only where there is, or should be, a file.
import type { UserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import { findAt, makeFilterRecord } from "../../filter/filter-record.ts";
import type { RedactionFacts } from "../../filter/redaction.ts";

export interface InspectedFilter {
  readonly facts: RedactionFacts;
  readonly problem: UserError | null;
}

/** `isOff`: turned off in config.json. `now` is the wall clock, ms. Throws nothing for what the files hold. */
export async function inspectFilter({
  isOff,
  now,
  paths,
}: {
  readonly isOff: () => boolean;
  readonly now: () => number;
  readonly paths: Pick<Paths, "filter" | "filterRecord">;
}): Promise<InspectedFilter> {
  if (isOff()) return { facts: { state: "off", rules: 0 }, problem: null };
  const record = makeFilterRecord(paths.filterRecord, null);
  if (isNothing(paths.filter) && record.read() !== "seen")
    return { facts: { state: "none", rules: 0 }, problem: null };
  const { createLiveFilter } = await import("../../filter/live-filter.ts");
  const filter = createLiveFilter({ path: paths.filter, record, isOff, now, placeholderKey: () => "" });
  return { facts: filter.facts(), problem: filter.problem() };
}

/** Where that cannot be told, there is something to say. */
function isNothing(path: string): boolean {
  try {
    return findAt(path) === "nothing";
  } catch {
    return false;
  }
}
