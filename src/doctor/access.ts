// Who may use a file on Windows by its access list, in the form in which `icacls /save` writes it: names, and security descriptors
// in SDDL, which is the same in every language of the system.
// Pure.

/** A group that holds more people than the one who runs this. */
export interface Group {
  readonly name: string;
  readonly sid: string;
}

export interface OpenPath {
  /** As it was saved: relative to the directory above the one that was named. */
  readonly name: string;
  /** None where the file system has no access lists. */
  readonly groups: readonly Group[];
  readonly mayWrite: boolean;
}

/**
 * Their abbreviations: https://learn.microsoft.com/windows/win32/secauthz/sid-strings. A person or a group that someone has
 * named there on purpose is not told, nor are app packages (S-1-15), which only take rights from a person's programs.
 */
const GROUPS: Readonly<Record<string, Group>> = {
  WD: { name: "Everyone", sid: "S-1-1-0" },
  NU: { name: "NETWORK", sid: "S-1-5-2" },
  IU: { name: "INTERACTIVE", sid: "S-1-5-4" },
  AN: { name: "ANONYMOUS LOGON", sid: "S-1-5-7" },
  AU: { name: "Authenticated Users", sid: "S-1-5-11" },
  BU: { name: "Users", sid: "S-1-5-32-545" },
  BG: { name: "Guests", sid: "S-1-5-32-546" },
  PU: { name: "Power Users", sid: "S-1-5-32-547" },
};
const EVERYONE = "S-1-1-0";

/** https://learn.microsoft.com/windows/win32/secauthz/ace-strings, with what each means for a file. */
const RIGHTS: Readonly<Record<string, number>> = {
  GA: 0x10000000,
  GX: 0x20000000,
  GW: 0x40000000,
  GR: 0x80000000,
  FA: 0x1f01ff,
  FR: 0x120089,
  FW: 0x120116,
  FX: 0x1200a0,
  SD: 0x10000,
  RC: 0x20000,
  WD: 0x40000,
  WO: 0x80000,
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
};
const ALL = 0xffffffff;
/** Its content, or the names in it. */
const READS = 0x80000000 | 0x10000000 | 0x1;
/** Content, names, removal, and the list or the owner itself. */
const WRITES = 0x40000000 | 0x10000000 | 0x80000 | 0x40000 | 0x10000 | 0x40 | 0x4 | 0x2;

/** What others may use, of what `icacls /save` wrote; null where no list can be found in it. */
export function listOpenPaths(saved: Uint8Array): readonly OpenPath[] | null {
  const lines = new TextDecoder(saved.includes(0) ? "utf-16le" : "utf-8").decode(saved).split(/\r?\n/);
  const lists = lines.flatMap((line, index) =>
    line.startsWith("D:") ? [{ name: lines[index - 1] ?? "", list: line }] : [],
  );
  return lists.length === 0 ? null : lists.flatMap(({ list, name }) => describeList(name, list));
}

function describeList(name: string, list: string): OpenPath[] {
  const flags = /^D:([^(]*)/.exec(list)?.[1] ?? "";
  if (flags.includes("NO_ACCESS_CONTROL")) return [{ name, groups: [], mayWrite: true }];
  const entries = splitEntries(list.slice(2 + flags.length));
  const open = Object.entries(GROUPS).flatMap(([alias, group]) => {
    const granted = findRights(entries, [alias, group.sid]);
    return (granted & (READS | WRITES)) === 0 ? [] : [{ group, granted }];
  });
  const groups = open.map(({ group }) => group);
  return open.length === 0
    ? []
    : [{ name, groups, mayWrite: open.some(({ granted }) => (granted & WRITES) !== 0) }];
}

/** The entries up to the part of the list that is for audits. A condition in one has parentheses of its own, and texts. */
function splitEntries(text: string): string[][] {
  const entries: string[][] = [];
  let depth = 0;
  let start = 0;
  let isQuoted = false;
  for (const { 0: char, index } of text.matchAll(/["()]|[^"()]+/g)) {
    if (char === '"') isQuoted = !isQuoted;
    if (isQuoted) continue;
    if (depth === 0 && char !== "(") break;
    if (char === "(" && depth++ === 0) start = index + 1;
    if (char === ")" && --depth === 0) entries.push(text.slice(start, index).split(";"));
  }
  return entries;
}

/** What a group may do there or in what is made in it. A denial counts only where it is certain to hold for both. */
function findRights(
  entries: readonly (readonly string[])[],
  [alias, sid]: readonly [string, string],
): number {
  const denials: { readonly flags: string; readonly mask: number }[] = [];
  let granted = 0;
  for (const [type = "", flags = "", rights = "", , , who = ""] of entries) {
    const isOfAll = who === "WD" || who === EVERYONE;
    const isOwn = who === alias || who === sid;
    if ((type === "D" || type === "OD") && (isOwn || isOfAll))
      denials.push({ flags, mask: readRights(rights, 0) });
    if (!["A", "OA", "XA"].includes(type) || !isOwn) continue;
    const covering = denials.filter((denial) => covers(denial.flags, flags));
    granted |= covering.reduce((mask, denial) => mask & ~denial.mask, readRights(rights, ALL));
  }
  return granted;
}

function covers(denied: string, granted: string): boolean {
  const has = (flags: string, one: string): boolean =>
    [...flags.matchAll(/../g)].some(([flag]) => flag === one);
  return (
    ["OI", "CI"].every((one) => !has(granted, one) || has(denied, one)) &&
    ["IO", "NP"].every((one) => !has(denied, one) || has(granted, one))
  );
}

/** A number, or abbreviations one after the other; `unknown` for what is neither. */
function readRights(rights: string, unknown: number): number {
  if (/^(?:0x[\da-f]+|\d+)$/i.test(rights)) return Number(rights) | 0;
  return (rights.match(/..?/g) ?? []).reduce((mask, one) => mask | (RIGHTS[one] ?? unknown), 0);
}
