// The decisions of one config, gathered: each value is settled by what all machines know of it and by what a person typed.
// Pure.
import type { Service } from "../../base/service.ts";
import { isRecord } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import type { LocalConfig, LocalUpstream, Stamp } from "./local.ts";
import type { Path } from "./travel.ts";
import {
  type Existence,
  type Registers,
  type Seen,
  type Source,
  canonical,
  isBelow,
  join,
  knownOf,
  opinionsOn,
  weigh,
} from "./versions.ts";

/** What was typed of an item, or of all. */
export interface Choices {
  /** Does it concern this item? "main", "main#2", "main#2.base_url" and the service. */
  readonly concerns: (item: Pick<Item, "label" | "service">) => boolean;
  readonly take: "mine" | "theirs" | null;
  /** Whose value, where others have several. */
  readonly machine: string | null;
  readonly accepts: boolean;
  readonly allowsCommands: boolean;
  /** Has a person seen this very value? */
  readonly wasShown: (item: Item) => boolean;
}

export interface Said {
  readonly by: readonly string[];
  /** Undefined: removed. */
  readonly value: unknown;
}

export interface Item {
  /** taken: written here. held: waits to be accepted. conflict: waits for a choice. */
  readonly kind: "taken" | "held" | "conflict";
  readonly what: "value" | "order" | "name" | "config" | "upstream";
  readonly service: Service | null;
  /** As it is typed: "main#2.timeouts.idle_secs". */
  readonly label: string;
  /** What is here; undefined: nothing. */
  readonly here: unknown;
  readonly others: readonly Said[];
  /** Where its key would go then. */
  readonly risks: readonly Text[];
  /** It would run a program here. */
  readonly isCommand: boolean;
  /** It cannot be accepted: a config has an upstream. */
  readonly isLast: boolean;
}

/** What this machine alone knows of it. */
export interface Guard {
  /** Why a reference to a key may not be taken over without a word; empty where it may. */
  readonly risksOf: (label: string, baseUrl: unknown, auth: unknown) => readonly Text[];
  /** Why a new address may not. */
  readonly risksOfAddress: (upstream: LocalUpstream, address: unknown) => readonly Text[];
  /** Why a config or an upstream may not be removed without a word. */
  readonly risksOfRemoval: (config: LocalConfig, upstream: LocalUpstream | null) => readonly Text[];
}

export interface Given {
  readonly id: string;
  readonly service: Service | null;
  /** Undefined: it is not here. */
  readonly local: LocalConfig | undefined;
  readonly mine: Registers;
  readonly others: readonly Source[];
  readonly stamp: Stamp;
  readonly choices: Choices;
  readonly guard: Guard;
}

export interface Decision {
  readonly next: Registers;
  readonly items: readonly Item[];
}

export type Desk = ReturnType<typeof createDesk>;

/** Where they are gathered. */
export function createDesk(given: Given) {
  const { choices, mine, others, service, stamp } = given;
  const next = new Map(mine);
  const items: Item[] = [];
  const known = [mine, ...others.map(({ registers }) => registers)];
  type Parts = Pick<Item, "label"> & Partial<Item>;
  const makeItem = (parts: Parts): Item => ({
    kind: "taken",
    what: "value",
    service,
    here: undefined,
    others: [],
    risks: [],
    isCommand: false,
    isLast: false,
    ...parts,
  });
  const add = (item: Item): void => {
    items.push(item);
  };
  const isAccepted = (item: Item): boolean =>
    choices.accepts &&
    choices.concerns(item) &&
    choices.wasShown(item) &&
    (!item.isCommand || choices.allowsCommands);
  /** What was chosen of a conflict; undefined: nothing yet. A value that says where a key goes must have been seen. */
  const choose = (item: Item, asks: boolean): "mine" | Said | undefined => {
    if (choices.take === null || !choices.concerns(item)) return undefined;
    if (choices.take === "mine") return "mine";
    const named = item.others.filter(({ by }) => choices.machine === null || by.includes(choices.machine));
    const [only, second] = named;
    if (only === undefined || second !== undefined) return undefined;
    if (item.isCommand && !choices.allowsCommands) return undefined;
    return asks && !choices.wasShown(item) ? undefined : only;
  };
  const write = (path: Path, value: unknown, seen: Seen): void => {
    next.set(path, value === undefined ? { seen } : { value, seen });
  };

  interface About {
    /** Null: of a newer version, or not for other machines. */
    readonly travel: "free" | "asks" | null;
    readonly label: string;
    readonly what?: Item["what"];
    readonly risks?: (value: unknown) => readonly Text[];
    /** It comes with something larger, which is told. */
    readonly isQuiet?: boolean;
  }
  const settle = (path: Path, { isQuiet = false, label, risks, travel, what = "value" }: About): void => {
    if (travel === null) return;
    const opinions = opinionsOn(path, mine, others);
    if (opinions.length === 0) return;
    const { newest, seen } = weigh(opinions);
    const here = mine.get(path)?.value;
    const [first, second] = newest;
    if (first === undefined) return;
    if (second === undefined && canonical(first.value) === canonical(here)) return write(path, here, seen);
    const said = newest
      .filter(({ value }) => canonical(value) !== canonical(here))
      .map(({ by, value }): Said => ({ value, by: by.filter((one) => one !== null) }));
    const isCommand = said.some(({ value }) => isCommandReference(value));
    const told = risks === undefined ? [] : said.flatMap(({ value }) => risks(value));
    const item = makeItem({ label, what, here, others: said, risks: told, isCommand });
    if (second !== undefined) {
      const choice = choose(item, travel === "asks");
      if (choice === undefined) return add({ ...item, kind: "conflict" });
      if (choice === "mine") return write(path, here, stamp(seen));
      write(path, choice.value, stamp(seen));
      return add({ ...item, others: [choice] });
    }
    if (travel === "free" || isAccepted(item)) {
      write(path, first.value, seen);
      if (!isQuiet) add(item);
      return;
    }
    if (choices.take === "mine" && choices.concerns(item)) return write(path, here, stamp(seen));
    add({ ...item, kind: "held" });
  };

  /** What takes no effect here is known without a word, where it is one. */
  const adopt = (path: Path): void => {
    const { newest, seen } = weigh(opinionsOn(path, mine, others));
    if (newest[0] !== undefined && newest.length === 1) write(path, newest[0].value, seen);
  };

  interface AboutExistence {
    readonly existence: Existence;
    readonly isHere: boolean;
    readonly label: string;
    readonly what?: "config" | "upstream";
    /** Why it may not be removed, or added, without a word. Null: it must be accepted. */
    readonly risksOfAdding?: readonly Text[] | null;
    readonly risksOfRemoval?: readonly Text[];
    readonly isLast?: boolean;
    readonly value?: unknown;
    readonly isQuiet?: boolean;
  }
  const drop = (path: Path, seen: Seen): void => {
    for (const one of next.keys()) if (isBelow(one, path)) next.delete(one);
    write(path, false, seen);
  };
  /** Whether it is to be here. */
  const settleExistence = (path: Path, about: AboutExistence): boolean => {
    const { existence, isHere, label, risksOfAdding = [], value = true, what = "config" } = about;
    const { kind, keptBy, removedBy, seen } = existence;
    const names = (all: readonly (string | null)[]): string[] => all.filter((one) => one !== null);
    const said: Said = isHere ? { by: names(removedBy), value: undefined } : { by: names(keptBy), value };
    const item = makeItem({
      label,
      what,
      here: isHere ? value : undefined,
      others: [said],
      isCommand: !isHere && hasCommand(value),
    });
    const everything = join([seen, ...known.map((one) => knownOf(one, path))]);
    if (kind === "conflict") {
      const choice = choose(item, false);
      if (choice === undefined) {
        add({ ...item, kind: "conflict" });
        return false;
      }
      const isKept = (choice === "mine") === isHere;
      if (isKept) write(path, true, stamp(everything));
      else drop(path, stamp(everything));
      if (choice !== "mine") add(item);
      return isKept;
    }
    if ((kind === "there") === isHere) {
      if (isHere) write(path, true, seen);
      else drop(path, seen);
      return isHere;
    }
    const isLast = isHere && about.isLast === true;
    const risks = [
      ...(isHere ? (about.risksOfRemoval ?? []) : (risksOfAdding ?? [])),
      ...(isLast ? [t`its config would have no upstream left`] : []),
    ];
    const asks = risks.length > 0 || (!isHere && risksOfAdding === null);
    const asked = { ...item, risks, isLast };
    if (asks && (isLast || !isAccepted(asked))) {
      if (choices.take === "mine" && choices.concerns(item)) {
        if (isHere) write(path, true, stamp(everything));
        else drop(path, stamp(everything));
        return isHere;
      }
      add({ ...asked, kind: "held" });
      return isHere;
    }
    if (isHere) drop(path, seen);
    else write(path, true, seen);
    if (about.isQuiet !== true) add(asked);
    return !isHere;
  };
  return {
    settle,
    settleExistence,
    adopt,
    makeItem,
    add,
    choose,
    write,
    isThere: (path: Path): boolean => next.get(path)?.value === true,
    done: (): Decision => ({ next, items }),
  };
}

/** Of an upstream: it names a program to run. */
export const hasCommand = (value: unknown): boolean => isRecord(value) && isCommandReference(value["auth"]);

export function isCommandReference(value: unknown): boolean {
  return isRecord(value) && (value["auth_token_command"] != null || value["api_key_command"] != null);
}
