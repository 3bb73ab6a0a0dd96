// The edits of budgets in config.json that `ch budget` makes, and where the budgets of a NAME are.
// Pure.
import type { JSONPath } from "jsonc-parser";
import { SERVICES, type Service } from "../base/service.ts";
import type { BudgetUnit, BudgetWindow } from "./budgets.ts";
import type { Change } from "./jsonc-edit.ts";
import { parseTarget } from "./name.ts";
import type { ParsedConfig } from "./parse.ts";
import { BUDGET_WINDOWS, type BudgetEntry } from "./budget-schema.ts";

/** What may have budgets. */
interface Holder {
  readonly budget?: BudgetEntry | BudgetEntry[] | null | undefined;
  readonly budget_usd?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface BudgetPlace {
  /** "codex:main#1", as in the list of budgets. */
  readonly id: string;
  readonly holder: Holder;
  /** Of `budget`. */
  readonly path: JSONPath;
  /** What goes with it, where it is the only one. Default: nothing. */
  readonly wholePath?: JSONPath | undefined;
  /** Of `budget_usd`; null where there is none. */
  readonly shortPath: JSONPath | null;
}

/** What NAME means: a config, one of its upstreams, a project, `model:PATTERN` or a pattern that has a budget, `all`. */
export function findBudgetPlaces(config: ParsedConfig, name: string, only?: Service): readonly BudgetPlace[] {
  const { projects, services, shell } = config;
  const at = (id: string, holder: Holder, path: JSONPath): BudgetPlace => ({
    id,
    holder,
    path: [...path, "budget"],
    shortPath: [...path, "budget_usd"],
  });
  if (name === "all") return [at("all", shell, [])];
  const [, prefix, rest] = /^(codex|claude|model|project):(.+)$/s.exec(name) ?? [];
  const wanted = rest ?? name;
  const isKind = (kind: string): boolean => prefix === undefined || prefix === kind;
  const named = SERVICES.filter((service) => isKind(service) && (only ?? service) === service).flatMap(
    (service): BudgetPlace[] => {
      const target = readTarget(wanted);
      const found = services[service].configs.get(target?.name ?? "");
      if (target === null || found === undefined) return [];
      const path = [service, "configs", target.name];
      if (target.position === null) return [at(`${service}:${target.name}`, found.entry, path)];
      const upstream = found.entry.upstreams[target.position - 1];
      if (upstream === undefined) return [];
      return [at(`${service}:${wanted}`, upstream, [...path, "upstreams", target.position - 1])];
    },
  );
  const rules = isKind("project") && only === undefined ? projects : [];
  const ofProjects = rules
    .filter((rule) => rule.name === wanted || rule.pattern === wanted)
    .map((rule) => at(`project:${rule.name}`, rule.entry, ["projects", rule.pattern]));
  const budgets = shell.budgets_by_model ?? {};
  const isModel = prefix === "model" || (isKind("model") && Object.hasOwn(budgets, wanted));
  const ofModels: BudgetPlace[] = isModel
    ? [
        {
          id: `model:${wanted}`,
          holder: { budget: budgets[wanted] },
          path: ["budgets_by_model", wanted],
          wholePath: Object.keys(budgets).length === 1 ? ["budgets_by_model"] : undefined,
          shortPath: null,
        },
      ]
    : [];
  return [...named, ...ofProjects, ...ofModels];
}

/** Sets one of its budgets: the one of that unit and window, where there is one. */
export function planSetBudget(
  { holder, path, shortPath }: BudgetPlace,
  entry: BudgetEntry,
): readonly Change[] {
  const { per } = entry;
  const unit = unitOf(entry);
  const before = listOf(holder);
  const isSame = (other: BudgetEntry): boolean => other.per === per && unitOf(other) === unit;
  const old = before.find(isSame);
  const merged = { ...(old === undefined ? {} : pick(old)), ...entry };
  const isShort = unit === "usd" && holder.budget_usd?.[per] != null;
  const inherited = isShort && old === undefined ? { ...pick(holder.budget_usd ?? {}), ...entry } : merged;
  const all =
    old === undefined ? [...before, inherited] : before.map((one) => (isSame(one) ? inherited : one));
  const [only] = all;
  return [
    ...(isShort && shortPath !== null ? removeShort(holder, shortPath, per) : []),
    { kind: "set", path, value: all.length === 1 ? only : all },
  ];
}

/** Removes its budgets, or those of a window. */
export function planClearBudget(
  { holder, path, shortPath, wholePath = path }: BudgetPlace,
  per: BudgetWindow | null,
): readonly Change[] {
  const before = listOf(holder);
  const left = per === null ? [] : before.filter((one) => one.per !== per);
  const [only] = left;
  const full: Change[] =
    left.length === before.length
      ? []
      : [
          left.length === 0
            ? { kind: "remove", path: wholePath }
            : { kind: "set", path, value: left.length === 1 ? only : left },
        ];
  if (holder.budget_usd == null || shortPath === null) return full;
  if (per === null) return [...full, { kind: "remove", path: shortPath }];
  return holder.budget_usd[per] == null ? full : [...full, ...removeShort(holder, shortPath, per)];
}

export function unitOf({ tokens, usd }: Pick<BudgetEntry, "tokens" | "usd">): BudgetUnit {
  return usd != null ? "usd" : tokens != null ? "tokens" : "requests";
}

/** Nothing of it is left where it was the only window. */
function removeShort({ budget_usd: short }: Holder, path: JSONPath, per: BudgetWindow): readonly Change[] {
  const isOnly = BUDGET_WINDOWS.every((other) => other === per || short?.[other] == null);
  return [{ kind: "remove", path: isOnly ? path : [...path, per] }];
}

function listOf({ budget }: Holder): readonly BudgetEntry[] {
  return budget == null ? [] : Array.isArray(budget) ? budget : [budget];
}

function pick({
  on_spent,
  unpriced,
}: Readonly<Record<string, unknown>>): Pick<BudgetEntry, "on_spent" | "unpriced"> {
  return {
    ...(on_spent == null ? {} : { on_spent: on_spent as BudgetEntry["on_spent"] }),
    ...(unpriced == null ? {} : { unpriced: unpriced as BudgetEntry["unpriced"] }),
  };
}

function readTarget(text: string): ReturnType<typeof parseTarget> | null {
  try {
    return parseTarget(text);
  } catch {
    return null;
  }
}
