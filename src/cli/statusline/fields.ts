// The line itself: what is known as short words, field by field, as many as fit. One table: a field is a row.
import type { FoundFacts, LineCost, LineFacts, SavedLine } from "../../app/status/line-facts.ts";
import { type JsonRecord, isRecord } from "../../base/json-value.ts";
import { oneLine, printable } from "../../base/terminal-text.ts";
import { showMoment, showSpan } from "../../base/text.ts";
import { describeState } from "../../routing/availability-words.ts";
import { showRest } from "../../quota/amounts.ts";
import { formatCents } from "../figures.ts";
import { t, tell } from "../language.ts";
import { cutColumns } from "../layout.ts";
import type { Colour } from "../output.ts";

export interface LineInput {
  readonly found: FoundFacts;
  /** What Claude Code pipes in; nothing of it is required. */
  readonly client: JsonRecord;
  /** Wall clock, ms. */
  readonly now: number;
}

interface Piece {
  readonly words: string;
  readonly colour?: Colour | undefined;
}

interface Field {
  /** Null where nothing is known. */
  readonly make: (input: LineInput) => Piece | null;
}

/** Facts of then are said with their age from here on. */
const OLD_MS = 300_000;
const BAR_CELLS = 5;

export const FIELDS = {
  upstream: {
    make: ({ found, now }) => {
      if (found.kind !== "running") {
        const colour = found.kind === "silent" ? "yellow" : "dim";
        const words = found.kind === "silent" ? t`ch does not answer` : t`ch is not running`;
        const { last } = found;
        return { words: last === null ? words : t`${words} (last ${last.label})`, colour };
      }
      const { from, upstream } = found.facts;
      if (upstream === null) return { words: t`no upstream`, colour: "red" };
      const label = from === null ? upstream.label : `${upstream.label} <- ${from}`;
      const { state, until_ms: until } = upstream;
      if (state === "ok") return { words: label, colour: "bold" };
      const words = tell(describeState({ availability: state, until }, now));
      return { words: `${label} ${words}`, colour: SOFT.has(state) ? "yellow" : "red" };
    },
  },
  left: {
    make: ({ found, now }) => {
      const left = findLeft(found);
      if (left === null) return null;
      const { resets_at_ms: end, state } = left;
      const at = left.read_at_ms ?? savedAt(found);
      const until = end === null ? "" : ` ${t`until ${showMoment(end, now)}`}`;
      return {
        words: `${describeLeft(left)}${until}${showAge(at, now)}`,
        colour: state === "exhausted" ? "red" : state === "low" ? "yellow" : undefined,
      };
    },
  },
  today: {
    make: ({ found, now }) => {
      const { at, today } = found.kind === "running" ? { today: found.facts.today, at: now } : found;
      return today === null ? null : { words: t`today ${showCost(today)}${showAge(at, now)}` };
    },
  },
  session: {
    make: ({ found }) => {
      const session = found.kind === "running" ? found.facts.session : null;
      return session === null ? null : { words: t`session ${showCost(session)}` };
    },
  },
  budget: {
    make: ({ found, now }) => {
      const budget = found.kind === "running" ? found.facts.budget : findLast(found)?.budget;
      if (budget == null) return null;
      const { is_spent: isSpent, share } = budget;
      // Neither empty nor full until it is.
      const cells = isSpent ? BAR_CELLS : Math.min(BAR_CELLS - 1, Math.ceil(share * BAR_CELLS));
      const bar = "█".repeat(cells) + "░".repeat(BAR_CELLS - cells);
      const percent = isSpent
        ? Math.max(100, Math.round(share * 100))
        : Math.min(99, Math.round(share * 100));
      return {
        words: `${t`budget ${bar} ${percent} %`}${showAge(savedAt(found), now)}`,
        colour: isSpent ? "red" : share >= 0.8 ? "yellow" : undefined,
      };
    },
  },
  cached: {
    make: ({ found }) => {
      const share = found.kind === "running" ? found.facts.cached_share : null;
      return share === null ? null : { words: t`${Math.floor(share * 100)} % cached`, colour: "dim" };
    },
  },
  context: {
    make: ({ client }) => {
      const { context_window: window } = client;
      const percent = isRecord(window) ? window["used_percentage"] : null;
      if (typeof percent !== "number" || !(percent >= 0)) return null;
      const shown = Math.min(100, Math.round(percent));
      return { words: t`${shown} % context`, colour: shown >= 80 ? "yellow" : "dim" };
    },
  },
  model: {
    make: ({ client: { model } }) => {
      const name = isRecord(model) ? model["display_name"] : null;
      return typeof name === "string" && name.trim() !== "" ? { words: oneLine(name) } : null;
    },
  },
  reset: {
    make: ({ found, now }) => {
      const end = findLeft(found)?.resets_at_ms ?? null;
      return end === null ? null : { words: tell(showMoment(end, now)) };
    },
  },
} as const satisfies Readonly<Record<string, Field>>;

function findLast(found: FoundFacts): SavedLine | null {
  return found.kind === "running" ? null : found.last;
}

/** When what a proxy said last was so; null where it says so now. */
function savedAt(found: FoundFacts): number | null {
  return findLast(found)?.at_ms ?? null;
}

function findLeft(found: FoundFacts): LineFacts["left"] {
  return found.kind === "running" ? found.facts.left : (found.last?.left ?? null);
}

const SOFT: ReadonlySet<string> = new Set(["low", "probing", "cooling", "full", "model-unknown"]);

const USUAL: readonly string[] = ["upstream", "left", "today", "session", "budget", "cached", "context"];
export const USUAL_FORMAT: string = USUAL.map((name) => `{${name}}`).join(" | ");

const PLACE = /\{(\w+)\}/g;

/** Names in braces that are no field. */
export function listUnknownFields(format: string): readonly string[] {
  return [...format.matchAll(PLACE)].flatMap(([, name = ""]) => (Object.hasOwn(FIELDS, name) ? [] : [name]));
}

export interface LineStyle {
  readonly format: string;
  readonly width: number;
  readonly paint: (colour: Colour, words: string) => string;
}

/** What is not known is left out with the text before it; what has no room, from the right. Never wider than the width. */
export function makeLine(input: LineInput, { format, paint, width }: LineStyle): string {
  const most = Math.max(1, width);
  let line = "";
  let used = 0;
  let end = 0;
  for (const { 0: place, 1: name = "", index } of format.matchAll(PLACE)) {
    const before = printable(format.slice(end, index)).replace(/\s/g, " ");
    // Between fields, or before the first of all.
    const joint = used > 0 || end === 0 ? before : "";
    end = index + place.length;
    const piece = makePiece(name, input);
    if (piece === null) continue;
    const size = Bun.stringWidth(joint + piece.words);
    if (used + size > most) return used > 0 ? line : cutColumns(joint + piece.words, most);
    used += size;
    line += joint + (piece.colour === undefined ? piece.words : paint(piece.colour, piece.words));
  }
  const tail = printable(format.slice(end)).replace(/\s/g, " ");
  return used + Bun.stringWidth(tail) <= most ? line + tail : line;
}

/** Every field by its name, for a script: null where nothing is known. */
export function listFields(input: LineInput): Readonly<Record<string, string | null>> {
  const all = Object.keys(FIELDS).map((name) => [name, makePiece(name, input)?.words ?? null] as const);
  return Object.fromEntries(all);
}

function makePiece(name: string, input: LineInput): Piece | null {
  const field: Field | undefined = Object.hasOwn(FIELDS, name)
    ? FIELDS[name as keyof typeof FIELDS]
    : undefined;
  return field?.make(input) ?? null;
}

/** "$14.10 left", "38 % left", "120 of 500 requests left". */
function describeLeft({ left, limit, unit, used }: NonNullable<LineFacts["left"]>): string {
  if (unit === "%") return t`${Math.max(0, Math.round(100 - (used ?? 0)))} % left`;
  return t`${showRest(left ?? 0, limit, unit ?? "")} left`;
}

/** "+": a part of it is not known. */
function showCost({ is_partial: isPartial, usd }: LineCost): string {
  return isPartial && usd === 0 ? "-" : `${formatCents(usd)}${isPartial ? "+" : ""}`;
}

function showAge(at: number | null, now: number): string {
  return at === null || now - at <= OLD_MS ? "" : ` ${t`(${showSpan(now - at)} ago)`}`;
}
