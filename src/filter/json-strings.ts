// Walks a JSON text and reports every string token with the place it has, without building any value: numbers, order
// and spelling of all that is not changed stay what they are.
// Strict (RFC 8259): what a lenient reader would take for JSON is reported as not JSON. No recursion, any depth.
// Pure.
import { endOfString, skipSpace } from "../base/json-members.ts";
import { type Zone, nextZone, zoneOfItems } from "./zones.ts";

/**
 * Called for each string: `start` is its opening quote, `end` the offset after its closing one. `owner` is the object or
 * list that holds it.
 */
export type VisitString = (start: number, end: number, place: Zone | "key", owner: Owner) => void;

/** Complete when the whole text has been visited. */
export interface Owner {
  readonly zone: Zone;
  /** The spelling of its string `type`; null where two differ, undefined without one. */
  readonly type?: string | null | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A number or word, from where a value starts. */
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/**
 * Visits the strings of a JSON text in order. `zone` is the place of the outermost value. Returns false as soon as the
 * text turns out not to be JSON; what was visited until then means nothing. The inside of strings (escapes, control
 * characters) is not checked: whoever decodes one finds out.
 */
export function visitStrings(text: string, zone: Zone, visit: VisitString): boolean {
  const outer: Container[] = [];
  let container: Container = { isObject: false, zone };
  let valueZone = zone;
  let isType = false;
  let at = skipSpace(text, 0);

  /** From a key to its value: the offset of the value, or -1. */
  const passKey = (start: number): number => {
    const end = text.charCodeAt(start) === QUOTE ? endOfString(text, start) : -1;
    if (end < 0) return -1;
    visit(start, end, "key", container);
    const key = text.slice(start + 1, end - 1);
    valueZone = nextZone(container.zone, key);
    isType = key === "type";
    const colon = skipSpace(text, end);
    return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : -1;
  };

  for (;;) {
    const code = text.charCodeAt(at);
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      outer.push(container);
      const isObject = code === OPEN_OBJECT;
      container = { isObject, zone: isObject ? valueZone : zoneOfItems(valueZone) };
      at = skipSpace(text, at + 1);
      if (text.charCodeAt(at) !== closingOf(container)) {
        if (container.isObject) at = passKey(at);
        if (at < 0) return false;
        continue;
      }
    } else {
      const end = code === QUOTE ? endOfString(text, at) : endOfScalar(text, at);
      if (end < 0) return false;
      if (code === QUOTE) {
        if (isType && container.isObject) noteType(container, text.slice(at + 1, end - 1));
        visit(at, end, valueZone, container);
      }
      at = skipSpace(text, end);
    }

    // A value has ended, or the container just opened is empty: close what closes here, then go to the next value.
    while (outer.length > 0 && text.charCodeAt(at) === closingOf(container)) {
      container = outer.pop() ?? container;
      at = skipSpace(text, at + 1);
    }
    if (outer.length === 0) return at === text.length;
    if (text.charCodeAt(at) !== COMMA) return false;
    at = skipSpace(text, at + 1);
    valueZone = container.zone;
    if (container.isObject) at = passKey(at);
    if (at < 0) return false;
  }
}

interface Container {
  readonly isObject: boolean;
  readonly zone: Zone;
  type?: string | null;
}

function noteType(container: Container, type: string): void {
  container.type = container.type === undefined || container.type === type ? type : null;
}

function closingOf(container: Container): number {
  return container.isObject ? CLOSE_OBJECT : CLOSE_ARRAY;
}

function endOfScalar(text: string, start: number): number {
  SCALAR.lastIndex = start;
  return SCALAR.test(text) ? SCALAR.lastIndex : -1;
}
