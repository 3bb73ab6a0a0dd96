// The owner's budgets, wherever in config.json they are: of an upstream, a config, a project, a model, or of everything.
// One list for the proxy and for all screens.
// Pure.
import { CLIENT_NAME, SERVICES, type Service } from "../base/service.ts";
import { type Text, fromEnglish, t } from "../base/text.ts";
import { readBaseUrl } from "./base-url.ts";
import { formatTarget } from "./name.ts";
import type { ParsedConfig } from "./parse.ts";
import type { ProjectRule } from "./projects.ts";
import { BUDGET_WINDOWS, type BudgetEntry, ON_SPENT } from "./budget-schema.ts";

export type BudgetUnit = "usd" | "tokens" | "requests";
export type BudgetWindow = (typeof BUDGET_WINDOWS)[number];
export type OnSpent = (typeof ON_SPENT)[number];

export const PER_WORDS: Readonly<Record<BudgetWindow, Text>> = {
  "5h": t`in 5 h`,
  day: t`a day`,
  week: t`a week`,
  month: t`a month`,
};

/** What a budget is for. */
export type BudgetScope =
  /** All that goes to the address, from whatever config of the service. */
  | {
      readonly kind: "upstream";
      readonly service: Service;
      readonly configName: string;
      readonly position: number;
      readonly baseUrl: string;
    }
  | { readonly kind: "config"; readonly service: Service; readonly configName: string }
  /** Names of the rules that it holds for: its own, and those below it. */
  | { readonly kind: "project"; readonly projects: ReadonlySet<string> }
  | { readonly kind: "model"; readonly pattern: RegExp }
  | { readonly kind: "all" };

export interface Budget {
  /** How commands call what it is for, "main#3": others may be called so too. */
  readonly name: string;
  /** What it is for, and nothing else: "codex:main#3", "project:acme". Several windows have the same. */
  readonly id: string;
  /** As short as a command understands: its name, or its id where others are called so too. */
  readonly called: string;
  /** For people. */
  readonly title: Text;
  readonly scope: BudgetScope;
  readonly unit: BudgetUnit;
  readonly per: BudgetWindow;
  readonly limit: number;
  readonly onSpent: OnSpent;
  readonly unpriced: "refuse" | "allow";
}

type Named = Pick<Budget, "id" | "name" | "scope" | "title">;
type Entry = Pick<BudgetEntry, "on_spent" | "unpriced"> &
  Readonly<Partial<Record<BudgetWindow, number | null | undefined>>>;
interface Holder {
  readonly budget?: BudgetEntry | BudgetEntry[] | null | undefined;
  readonly budget_usd?: Entry | null | undefined;
}

/** In the order in which they are looked at: the narrowest first. */
export function listBudgets({ projects: rules, services, shell }: ParsedConfig): readonly Budget[] {
  const upstreams: Budget[] = [];
  const configs: Budget[] = [];
  for (const service of SERVICES)
    for (const { entry, name: configName } of services[service].configs.values()) {
      const title = fromEnglish(configName);
      const id = `${service}:${configName}`;
      const ofConfig: Named = {
        name: configName,
        id,
        title: t`config ${title}`,
        scope: { kind: "config", service, configName },
      };
      configs.push(...readHolder(ofConfig, entry));
      for (const [index, upstream] of entry.upstreams.entries()) {
        if (upstream.budget == null && upstream.budget_usd == null) continue;
        const position = index + 1;
        const read = readBaseUrl(upstream.base_url);
        const baseUrl = read.kind === "ok" ? read.url : upstream.base_url;
        const name = formatTarget(configName, position);
        const scope = { kind: "upstream", service, configName, position, baseUrl } as const;
        upstreams.push(
          ...readHolder({ name, id: `${service}:${name}`, title: fromEnglish(name), scope }, upstream),
        );
      }
    }
  const models = Object.entries(shell.budgets_by_model ?? {}).flatMap(([pattern, budget]) =>
    readHolder(
      {
        name: pattern,
        id: `model:${pattern}`,
        title: t`model ${pattern}`,
        scope: { kind: "model", pattern: makePattern(pattern) },
      },
      { budget },
    ),
  );
  const all = readHolder({ name: "all", id: "all", title: t`everything`, scope: { kind: "all" } }, shell);
  const projects = rules.flatMap((rule) => {
    const { entry, name } = rule;
    const below = rules.filter((other) => isWithin(other, rule)).map((other) => other.name);
    const scope = { kind: "project", projects: new Set(below) } as const;
    return readHolder({ name, id: `project:${name}`, title: t`project ${name}`, scope }, entry);
  });
  return tellApart([...upstreams, ...configs, ...projects, ...models, ...all]);
}

function readHolder(named: Named, { budget, budget_usd: short }: Holder): Budget[] {
  const full = budget == null ? [] : Array.isArray(budget) ? budget : [budget];
  const entries: BudgetEntry[] = [
    ...BUDGET_WINDOWS.flatMap((per) => {
      const usd = short?.[per];
      return usd == null ? [] : [{ usd, per, on_spent: short?.on_spent, unpriced: short?.unpriced }];
    }),
    ...full,
  ];
  return entries.map(({ on_spent, per, requests, tokens, unpriced, usd }): Budget => {
    const [unit, limit] =
      usd != null
        ? ["usd" as const, usd]
        : tokens != null
          ? ["tokens" as const, tokens]
          : ["requests" as const, requests ?? 0];
    return {
      ...named,
      called: named.name,
      unit,
      limit,
      per,
      onSpent: on_spent ?? "next",
      unpriced: unpriced ?? "allow",
    };
  });
}

/** Is all that the rule means below what the other one means? It is itself. */
function isWithin(rule: ProjectRule, { base, below, pattern }: ProjectRule): boolean {
  if (rule.pattern === pattern) return true;
  return below.length === 0 && (rule.base === base || rule.base.startsWith(`${base === "/" ? "" : base}/`));
}

/** Those of two clients that are called the same say whose they are. */
function tellApart(budgets: readonly Budget[]): readonly Budget[] {
  const ids = new Map<string, Set<string>>();
  for (const { id, name } of budgets) ids.getOrInsertComputed(name, () => new Set()).add(id);
  return budgets.map((budget) => {
    const { id, name, scope, title } = budget;
    if ((ids.get(name)?.size ?? 0) < 2) return budget;
    if (!("service" in scope)) return { ...budget, called: id };
    return { ...budget, called: id, title: t`${title} (${CLIENT_NAME[scope.service]})` };
  });
}

/** `*` is anything, in any case. */
function makePattern(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join(".*")}$`, "is");
}
