// One sync: from config.json, what was known at the last one and what the other machines have in the folder, to the new config.json,
// what is known then, and what a person has to be told.
// Pure.
import { UserError } from "../../base/errors.ts";
import { stringOr } from "../../base/json-value.ts";
import type { Service } from "../../base/service.ts";
import { findCredential } from "../check-upstreams.ts";
import { editConfig } from "../edit.ts";
import { formatTarget } from "../name.ts";
import { type ParsedConfig, parseConfig } from "../parse.ts";
import { applyDecision, labelOf } from "./apply.ts";
import { decide } from "./decide.ts";
import type { Choices, Guard, Item } from "./desk.ts";
import type { ConfigFile, PastChange } from "./file.ts";
import {
  type Base,
  EXISTS,
  type LocalChange,
  type LocalConfig,
  NAME,
  ORDER,
  observe,
  pathOf,
  readLocal,
  serviceOf,
  splitPath,
} from "./local.ts";
import { type Path, keysOfPath, makeIsSecret } from "./travel.ts";
import { type Registers, type Seen, type Source, canonical } from "./versions.ts";

export interface Known extends Base {
  /** Of this machine, the newest last. */
  readonly history: readonly PastChange[];
}

export interface SyncInput {
  readonly text: string;
  /** For messages. */
  readonly file: string;
  readonly machine: string;
  readonly counter: number;
  readonly known: ReadonlyMap<string, Known>;
  readonly others: readonly ConfigFile[];
  /** Secrets that are not in the text. */
  readonly secrets: readonly string[];
  readonly choices: Choices;
  readonly guardOf: (config: ParsedConfig) => Guard;
  /** ISO 8601. */
  readonly now: string;
}

export interface Sent {
  readonly service: Service | null;
  readonly label: string;
  readonly what: Item["what"];
  readonly before: unknown;
  readonly after: unknown;
}

/** Of one upstream, or of a config (`host` null). */
export interface LeftOut {
  readonly service: Service | null;
  readonly label: string;
  readonly host: string | null;
  /** "auth.auth_token", "headers.x-team" */
  readonly keys: readonly string[];
}

export interface SyncResult {
  readonly text: string;
  readonly counter: number;
  readonly known: ReadonlyMap<string, Known>;
  readonly leftOutPaths: ReadonlyMap<string, readonly Path[]>;
  readonly items: readonly Item[];
  readonly sent: readonly Sent[];
  readonly leftOut: readonly LeftOut[];
  /** What another machine has and this one lacks, because it does not travel. */
  readonly needs: readonly LeftOut[];
  readonly problems: readonly { readonly label: string; readonly error: UserError }[];
}

const KEPT_CHANGES = 200;

/** Throws UserError where config.json cannot be read, or not be changed by this version. */
export function runSync(input: SyncInput): SyncResult {
  const { choices, file, known, machine, others, text } = input;
  editConfig(text, file, () => []);
  const config = parseConfig(text, file);
  const isSecret = makeIsSecret(input.secrets);
  const { configs, frozen } = readLocal(config, known, isSecret);
  const sources = groupSources(others);
  let counter = input.counter;
  const stamp = (seen: Seen): Seen => {
    counter = input.counter + 1;
    return { ...seen, [machine]: counter };
  };
  const ids = new Set([...configs.map(({ id }) => id), ...known.keys(), ...sources.keys()]);
  const guard = input.guardOf(config);
  const items: Item[] = [];
  const sent: Sent[] = [];
  const problems: { label: string; error: UserError }[] = [];
  const next = new Map<string, Known>();
  const decided = [...ids].flatMap((id) => {
    const base = known.get(id) ?? NOTHING;
    if (frozen.has(id)) {
      next.set(id, base);
      return [];
    }
    const local = configs.find((one) => one.id === id);
    const observed = observe(local, base.registers, stamp);
    const own = describeSent(local, base.registers, observed.changes, serviceOf(id));
    sent.push(...own);
    const past = own.map(({ after, before, label }): PastChange => ({
      at: input.now,
      what: label,
      before,
      after,
    }));
    const history = [...base.history, ...past].slice(-KEPT_CHANGES);
    const service = serviceOf(id);
    const mine = observed.registers;
    const given = { id, service, local, mine, others: sources.get(id) ?? [], stamp, choices, guard };
    return [{ id, service, local, mine, history, marks: base.marks, ...decide(given) }];
  });
  let result = text;
  for (const one of decided.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    try {
      result = applyDecision(result, file, one);
      next.set(one.id, { registers: one.next, marks: one.marks, history: one.history });
      items.push(...one.items);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push({ label: labelName(one.local, one.next), error });
      next.set(one.id, { registers: one.mine, marks: one.marks, history: one.history });
      items.push(...one.items.filter(({ kind }) => kind !== "taken"));
    }
  }
  const after = readLocal(parseConfig(result, file), next, isSecret).configs;
  for (const local of after) {
    const entry = next.get(local.id);
    const marks = Object.fromEntries(
      local.upstreams.flatMap(({ mark, uid }) => (uid === null ? [] : [[uid, mark]])),
    );
    if (entry !== undefined) next.set(local.id, { ...entry, marks });
  }
  return {
    text: result,
    counter,
    known: next,
    leftOutPaths: new Map(after.map((local) => [local.id, pathsLeftOut(local)])),
    items,
    sent,
    leftOut: after.flatMap(describeLeftOut),
    needs: after.flatMap((local) =>
      describeNeeds(
        local,
        others.filter(({ id }) => id === local.id),
      ),
    ),
    problems,
  };
}

const NOTHING: Known = { registers: new Map(), marks: {}, history: [] };

/** What is removed makes room for what is renamed, and that for what is new. */
function rankOf({
  local,
  next,
}: {
  readonly local: LocalConfig | undefined;
  readonly next: Registers;
}): number {
  if (local === undefined) return 2;
  return next.get(EXISTS)?.value === false ? 0 : 1;
}

function groupSources(others: readonly ConfigFile[]): ReadonlyMap<string, readonly Source[]> {
  const groups = Map.groupBy(others, ({ id }) => id);
  return new Map(
    [...groups].map(([id, all]) => [
      id,
      all.map(({ machine, registers }) => ({ by: machine.name, registers })),
    ]),
  );
}

function labelName(local: LocalConfig | undefined, next: Registers): string {
  return local?.name ?? stringOr(next.get(NAME)?.value, "");
}

/** What was changed here, as a person would tell it: a new config is one change. */
function describeSent(
  local: LocalConfig | undefined,
  base: Registers,
  changes: readonly LocalChange[],
  service: Service | null,
): Sent[] {
  const exists = changes.find(({ path }) => path === EXISTS);
  const addresses = local?.upstreams.flatMap(({ entry, uid }) => (uid === null ? [] : [entry.base_url]));
  if (exists !== undefined) {
    const label = local?.name ?? String(base.get(NAME)?.value);
    const [before, after] = exists.after === true ? [undefined, addresses] : [label, undefined];
    return [{ service, label, what: "config", before, after }];
  }
  if (local === undefined) return [];
  const came = changes.filter(({ path }) => splitPath(path)?.rest === "");
  return changes.flatMap(({ after, before, path }): Sent[] => {
    const part = splitPath(path);
    const parent = part === null ? null : came.find((one) => one.path === pathOf(part.uid));
    if (path === ORDER) {
      const shown = [before, after].map((value) =>
        Array.isArray(value) ? value.map((uid) => addressOf(local, base, String(uid))) : value,
      );
      return came.length > 0
        ? []
        : [{ service, label: `${local.name}.${ORDER}`, what: "order", before: shown[0], after: shown[1] }];
    }
    if (part !== null && part.rest === "") {
      const address = addressOf(local, base, part.uid);
      const [was, is] = after === true ? [undefined, address] : [address, undefined];
      return [{ service, label: labelOf(local, path), what: "upstream", before: was, after: is }];
    }
    if (parent != null) return [];
    const what = path === NAME && service !== null ? "name" : "value";
    const label = service === null ? keysOfPath(path).join(".") : labelOf(local, path);
    return [{ service, label, what, before, after }];
  });
}

function addressOf(local: LocalConfig, base: Registers, uid: string): unknown {
  const here = local.upstreams.find((one) => one.uid === uid)?.entry.base_url;
  return here ?? base.get(`${pathOf(uid)}/base_url`)?.value ?? uid;
}

function pathsLeftOut({ leftOut, upstreams }: LocalConfig): Path[] {
  const below = upstreams.flatMap((one) =>
    one.uid === null ? [] : one.leftOut.map((path) => `${pathOf(one.uid ?? "")}/${path}`),
  );
  return [...leftOut, ...below].toSorted();
}

const dotted = (path: Path): string => keysOfPath(path).join(".");

function describeLeftOut({ leftOut, name, service, upstreams }: LocalConfig): LeftOut[] {
  const own: LeftOut = { service, label: name, host: null, keys: leftOut.map(dotted) };
  const below = upstreams.map((one, index): LeftOut => ({
    service,
    label: formatTarget(name, index + 1),
    host: hostOf(one.entry.base_url),
    keys: one.leftOut.map(dotted),
  }));
  return [own, ...below].filter(({ keys }) => keys.length > 0);
}

/** A key of its own that another machine has, and a header or a parameter beside it, where there is nothing in its place. */
function describeNeeds(local: LocalConfig, others: readonly ConfigFile[]): LeftOut[] {
  return local.upstreams.flatMap(({ entry, uid }, index): LeftOut[] => {
    if (uid === null) return [];
    const prefix = `${pathOf(uid)}/`;
    const there = new Set(
      others.flatMap(({ leftOut }) =>
        leftOut.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length)),
      ),
    );
    const hasKey = findCredential(entry.auth) !== null || entry.auth?.client === true;
    const keys = [...there].filter((path) => {
      const [first = "", second = ""] = keysOfPath(path);
      if (first === "auth") return !hasKey;
      const held = first === "headers" ? entry.headers : first === "query" ? entry.query : null;
      return held !== null && held?.[second] === undefined;
    });
    if (keys.length === 0) return [];
    return [
      {
        service: local.service,
        label: formatTarget(local.name, index + 1),
        host: hostOf(entry.base_url),
        keys: keys.map(dotted).toSorted(),
      },
    ];
  });
}

function hostOf(address: string): string {
  return URL.parse(address)?.host ?? address;
}

/** What a person has seen of an item: its value now must be this one for it to be accepted. */
export function sightOf({ isCommand, label, others, service }: Item): {
  readonly key: string;
  readonly value: string;
} {
  return {
    key: `${service ?? ""} ${label}`,
    value: canonical([isCommand, others.map(({ value }) => value ?? null)]),
  };
}
