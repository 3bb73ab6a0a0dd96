// Takes out of a conversation what only the account that wrote it can read: encrypted reasoning, thinking and its signatures, ids
// of stored items. By cutting these bytes and no others. A compaction item is the conversation itself and always stays, and so does
// a `previous_response_id` that stands for all that was said before.
// Pure.
import {
  bytesOf,
  cut,
  elementsOf,
  entriesOf,
  type JsonEdit,
  type JsonEntry,
  membersOf,
  rootOf,
  splice,
  stringAt,
} from "../base/json-splice.ts";
import { fingerprint } from "../base/secrets.ts";
import type { Refusal } from "../routing/types.ts";
import type { Api } from "../usage/stream-events.ts";

export interface Repair {
  readonly body: Uint8Array;
  /** Marks of what was taken out, to take the same out of the session's next requests. */
  readonly removed: ReadonlySet<string>;
}

/**
 * The request as this upstream may take it, after a refusal that points at its bound history: by an item's id, by its path or
 * in words. Null where there is no such history, or where the refusal is about something else. `isMaker`: it is this upstream
 * that made the response which the request goes on from.
 */
export function findRepair(
  api: Api | null,
  body: Uint8Array,
  refusal: Refusal,
  { isMaker = false } = {},
): Repair | null {
  if (!MAY_POINT.test(refusal.text)) return null;
  const history = readHistory(api, bytesOf(body), isMaker);
  const kinds = history === null ? [] : kindsMeant(history, refusal);
  return history === null || kinds.length === 0
    ? null
    : remove(history, ({ kind }) => kinds.includes(kind), kinds.includes("mode"));
}

/** The body without those pieces of history; null where it has none of them: it is then sent as it is. */
export function removeHistory(
  api: Api | null,
  body: Uint8Array,
  removed: ReadonlySet<string>,
): Uint8Array | null {
  const history = readHistory(api, bytesOf(body));
  if (history === null) return null;
  const isGone = ({ mark }: Piece): boolean => removed.has(mark);
  const isMode = removed.has(MODE) && isThinking(history) && lacksThought(history, isGone) !== "no";
  return remove(history, isGone, isMode)?.body ?? null;
}

/** What every refusal that points at history holds. */
const MAY_POINT =
  /crypt|reason|think|thought|signature|\bitem|input|messages|previous|response|签名|思[考维]|推理|[加解]密/;

type Kind =
  /** What the model thought: it may go whole, since what it said stays. */
  | "thought"
  /** The name of a stored item. The item itself is there and stays. */
  | "id"
  /** The id of the previous response, of a request that carries its history besides and goes to another upstream. */
  | "response"
  /** The switch that makes the model think in this turn. */
  | "mode";

interface Piece {
  readonly kind: Kind;
  readonly mark: string;
  /** Lower case; empty for none. */
  readonly id: string;
  /** As vendors write it, with dots: "messages.1.content.0". */
  readonly path: string;
  readonly entry: JsonEntry;
  /** What the entry is one of. */
  readonly among: readonly JsonEntry[];
}

interface History {
  readonly api: Exclude<Api, "chat">;
  readonly bytes: Buffer;
  readonly root: readonly JsonEntry[];
  readonly pieces: readonly Piece[];
  /** Contents of the messages, in order; of Messages only. */
  readonly turns: readonly Turn[];
}

interface Turn {
  readonly role: string;
  readonly content: JsonEntry;
  readonly blocks: readonly { readonly entry: JsonEntry; readonly type: string }[];
}

/** Stands for the mode among the marks. */
const MODE = "thinking";
const NO_TEXT = '[{"type":"text","text":"(no visible text)"}]';

function readHistory(api: Api | null, bytes: Buffer, isMaker = true): History | null {
  if (api !== "responses" && api !== "messages") return null;
  const root = entriesOf(bytes, rootOf(bytes));
  const members = new Map(root.map((entry) => [entry.key, entry]));
  const base = { api, bytes, root };
  if (api === "messages") return { ...base, ...readMessages(bytes, members.get("messages")) };
  const { isWhole, pieces } = readInput(bytes, members.get("input"));
  const previous = members.get("previous_response_id");
  const id = stringAt(bytes, previous);
  if (previous !== undefined && id !== "" && isWhole && !isMaker) {
    const named = { id: id.toLowerCase(), path: "", mark: fingerprint(id) };
    pieces.push({ ...named, kind: "response", entry: previous, among: root });
  }
  return { ...base, pieces, turns: [] };
}

/** `isWhole`: it is the conversation from its beginning on, with what the model itself said or did, and not only what is new. */
function readInput(
  bytes: Buffer,
  input: JsonEntry | undefined,
): { readonly isWhole: boolean; readonly pieces: Piece[] } {
  const among = elementsOf(bytes, input);
  const pieces: Piece[] = [];
  let begins = "";
  let hasOutput = false;
  for (const [place, entry] of among.entries()) {
    const members = membersOf(bytes, entry.value);
    const textOf = (name: string): string => stringAt(bytes, members.get(name));
    const id = textOf("id");
    const type = textOf("type");
    const role = textOf("role");
    if (begins === "" && role !== "system" && role !== "developer") begins = role || type;
    hasOutput ||=
      type === "reasoning" || type.endsWith("_call") || (role === "assistant" && isModels(bytes, members));
    const named = { id: id.toLowerCase(), path: `input.${place}` };
    if (type === "reasoning" || (type === "item_reference" && id.startsWith("rs_"))) {
      const mark = fingerprint(textOf("encrypted_content") || id || rawOf(bytes, entry));
      pieces.push({ ...named, kind: "thought", mark, entry, among });
      continue;
    }
    const idMember = members.get("id");
    // A reference is nothing but its id, and what it stands for is part of the conversation.
    if (idMember === undefined || id === "" || type === "item_reference" || type === "compaction") continue;
    pieces.push({
      ...named,
      kind: "id",
      mark: fingerprint(id),
      entry: idMember,
      among: [...members.values()],
    });
  }
  return { isWhole: hasOutput && (begins === "user" || begins === "compaction"), pieces };
}

/** In the form in which the model says it. What a user writes in its name is a string as a rule. */
function isModels(bytes: Buffer, message: ReadonlyMap<string | number, JsonEntry>): boolean {
  return elementsOf(bytes, message.get("content")).some(
    ({ value }) => stringAt(bytes, membersOf(bytes, value).get("type")) === "output_text",
  );
}

function readMessages(
  bytes: Buffer,
  messages: JsonEntry | undefined,
): { readonly pieces: readonly Piece[]; readonly turns: readonly Turn[] } {
  const pieces: Piece[] = [];
  const turns: Turn[] = [];
  for (const [place, message] of elementsOf(bytes, messages).entries()) {
    const members = membersOf(bytes, message.value);
    const content = members.get("content");
    if (content === undefined) continue;
    const among = elementsOf(bytes, content);
    const blocks = among.map((entry, index) => {
      const block = membersOf(bytes, entry.value);
      const textOf = (name: string): string => stringAt(bytes, block.get(name));
      const type = textOf("type");
      if (type === "thinking" || type === "redacted_thinking") {
        const said = textOf("signature") || textOf("data") || textOf("thinking") || rawOf(bytes, entry);
        const path = `messages.${place}.content.${index}`;
        pieces.push({ kind: "thought", mark: fingerprint(said), id: "", path, entry, among });
      }
      return { entry, type };
    });
    turns.push({ role: stringAt(bytes, members.get("role")), content, blocks });
  }
  return { pieces, turns };
}

/** https://docs.claude.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks */
const WANTS_THOUGHT =
  /must (?:start|begin) with (?:a )?[`'"]?thinking|expected [`'"]?(?:redacted_)?thinking[`'"]?.{0,40}found|(?:missing|expected|requires?|without|preceded by) (?:a |an |the |its )?[`'"]?thinking[`'"]? (?:content )?block(?!.{0,12}signature)|thinking[`'"]?.{0,30} must be passed back/;

/** How the two APIs, and relays of them, call what is bound. Not the switches `thinking.budget_tokens` and `reasoning.effort`. */
const WORDS: Readonly<Record<"responses" | "messages", RegExp>> = {
  responses:
    /(?:en|de)crypt|\breasoning[`'"_ -]*(?:item|block|history|content)|\bitems?\b.{0,40}\breasoning\b|\brs_|推理(?:项|内容|块)|[加解]密/,
  messages:
    /\bsignature|thought[_ ]?signature|redacted_thinking|thinking[`'"]?(?: or [`'"]?redacted_thinking[`'"]?)? (?:content )?(?:block|part|item|signature)|(?:block|part|item)s?\b.{0,30}\bthinking\b|签名|(?:思考|思维|thinking ?)(?:块|内容|过程|链)/,
};
/** What sounds the same and is not: a switch of the request, or what is missing and cannot be made. */
const OTHER_WORDS =
  /\binclude\b|missing (?:a |the )?[`'"]?thought[_ ]signature|request signature|signature you provided/;
const CODES: ReadonlySet<string> = new Set(["invalid_encrypted_content", "thinking_signature_invalid"]);

/** The kinds of pieces that a refusal asks to go. */
function kindsMeant(history: History, { codes, text }: Refusal): readonly Kind[] {
  const { api, pieces } = history;
  if (WANTS_THOUGHT.test(text)) return isThinking(history) ? ["mode"] : [];
  if (/previous[_ ]response/.test(text))
    return pieces.some(({ kind }) => kind === "response") ? ["response", "thought"] : [];
  // "messages[1].content[0]", "/messages/1/content/0", ["messages", 1, "content", 0]
  const dotted = text.replace(/["'\]]/g, "").replace(/(?:[[/.]|, ?)+/g, ".");
  const isNamed = ({ id, kind, path }: Piece): boolean =>
    (id.length >= SHORTEST_ID && text.includes(id)) ||
    (kind === "thought" && hasPath(dotted, path)) ||
    (kind === "id" && hasPath(dotted, `${path}.id`));
  const named = pieces.filter(isNamed);
  // An account that does not know one item knows none of its conversation.
  if (named.some(({ kind }) => kind === "id")) return ["id", "thought"];
  if (!pieces.some(({ kind }) => kind === "thought")) return [];
  const isMeant =
    named.length > 0 ||
    codes.some((code) => CODES.has(code)) ||
    (WORDS[api].test(text) && !OTHER_WORDS.test(text));
  return isMeant ? ["thought"] : [];
}

const SHORTEST_ID = 4;

function hasPath(dotted: string, path: string): boolean {
  const at = dotted.indexOf(path);
  return at >= 0 && !/\d/.test(dotted[at + path.length] ?? "");
}

/** Null where nothing is to be taken out. */
function remove(history: History, isGone: (piece: Piece) => boolean, isModeAsked: boolean): Repair | null {
  const { bytes, pieces, turns } = history;
  const gone = pieces.filter(isGone);
  const goneEntries = new Set(gone.map(({ entry }) => entry));
  const isCut = (entry: JsonEntry): boolean => goneEntries.has(entry);
  const emptied = turns.filter(
    ({ blocks }) => blocks.length > 0 && blocks.every(({ entry }) => isCut(entry)),
  );
  const lists = new Set(gone.map(({ among }) => among));
  for (const { blocks } of emptied)
    for (const list of lists) if (list[0] === blocks[0]?.entry) lists.delete(list);
  const removed = new Set(gone.map(({ mark }) => mark));
  const isMode = isModeAsked || lacksThought(history, isGone) === "now";
  const modeEdits = isMode ? turnThinkingOff(history) : [];
  if (isModeAsked && modeEdits.length > 0) removed.add(MODE);
  const edits: readonly JsonEdit[] = [
    ...[...lists].flatMap((list) => cut(list, isCut)),
    ...emptied.map(({ content }) => ({ ...content.value, text: NO_TEXT })),
    ...modeEdits,
  ];
  return edits.length === 0 ? null : { body: splice(bytes, edits), removed };
}

/**
 * With thinking on, a turn of the model that goes on after a tool call must begin with a thought. Does the last one lack it: `now`,
 * without the pieces that go?
 */
function lacksThought(
  { pieces, turns }: History,
  isGone: (piece: Piece) => boolean,
): "no" | "now" | "before" {
  const blocks = turns.findLast(({ role }) => role === "assistant")?.blocks ?? [];
  if (!blocks.some(({ type }) => type === "tool_use")) return "no";
  const gone = new Set(pieces.filter(isGone).map(({ entry }) => entry));
  const kept = blocks.filter(({ entry }) => !gone.has(entry));
  if (/^(?:redacted_)?thinking$/.test(kept[0]?.type ?? "")) return "no";
  return kept.length < blocks.length ? "now" : "before";
}

function isThinking({ bytes, root }: Pick<History, "bytes" | "root">): boolean {
  const thinking = root.find(({ key }) => key === "thinking");
  return (
    thinking !== undefined && stringAt(bytes, membersOf(bytes, thinking.value).get("type")) !== "disabled"
  );
}

/** The request without its switch, and without the edits of the context that need it. */
function turnThinkingOff({ bytes, root }: History): readonly JsonEdit[] {
  const management = root.find(({ key }) => key === "context_management");
  const edits =
    management === undefined ? [] : elementsOf(bytes, membersOf(bytes, management.value).get("edits"));
  const needsThinking = (edit: JsonEntry): boolean =>
    stringAt(bytes, membersOf(bytes, edit.value).get("type")).startsWith("clear_thinking");
  const isEmptied = edits.length > 0 && edits.every(needsThinking);
  return [
    ...cut(root, ({ key }) => key === "thinking" || (isEmptied && key === "context_management")),
    ...(isEmptied ? [] : cut(edits, needsThinking)),
  ];
}

function rawOf(bytes: Buffer, { value }: JsonEntry): string {
  return bytes.toString("utf8", value.start, value.end);
}
