// Hands the redaction rules in force to the proxy: body and headers in, what may leave out.
import type { UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";
import type { Service } from "../base/service.ts";
import { makeRequestFilter } from "../filter/request-filter.ts";
import { type FilterState, createFilterStore } from "../filter/store.ts";
import type { Filtered } from "../proxy/deps.ts";

export interface LiveFilter {
  forService(service: Service): (body: Uint8Array, headers: Headers) => Filtered;
  /** What is wrong with the rule file, or null. */
  problem(): UserError | null;
  /** The same, as the last request found it: costs nothing. */
  lastProblem(): UserError | null;
}

/** `now` is the wall clock, ms. */
export function createFilter({
  path,
  now,
}: {
  readonly path: string;
  readonly now: () => number;
}): LiveFilter {
  const store = createFilterStore(path, now);
  let seen: FilterState | null = null;
  const look = (): FilterState => (seen = store.current());
  const problemIn = (state: FilterState | null): UserError | null =>
    state !== null && "problem" in state ? state.problem : null;
  return {
    problem: () => problemIn(look()),
    lastProblem: () => problemIn(seen),
    forService: (service) => (body, headers) => {
      const state = look();
      if (state.kind === "none") return { kind: "filtered", body, headers: {}, redactions: 0 };
      if (state.kind === "broken-never-loaded") {
        return { kind: "refused", message: t`redaction rules cannot be read: ${state.problem.message}` };
      }
      // Workspaces are taken out later, for each upstream by itself: the vendor's own host may have them.
      const filter = makeRequestFilter({
        rules: state.rules,
        service,
        now: () => performance.now(),
      });
      const filtered = filter.filterBody(body, headers.get("content-type"));
      if (filtered.kind === "refused") return filtered;
      let redactions = sum(filtered.hits);
      let exempt = sum(filtered.exemptHits);
      const replaced: Record<string, string> = {};
      for (const [name, value] of headers) {
        const header = filter.filterHeader(name, value);
        if (header.kind === "refused") return header;
        redactions += sum(header.hits);
        exempt += sum(header.exemptHits);
        if (header.value !== value) replaced[name] = header.value;
      }
      return { kind: "filtered", body: filtered.value, headers: replaced, redactions, exempt };
    },
  };
}

function sum(hits: readonly number[]): number {
  return hits.reduce((total, count) => total + count, 0);
}
