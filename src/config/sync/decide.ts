// What becomes of one config when several machines say what they know of it: what is taken over, what is a conflict, and what waits
// for a person, because it says who gets a key or a conversation. Nothing is guessed.
// Pure.
import type { Text } from "../../base/text.ts";
import { formatPath } from "../jsonc.ts";
import { formatTarget } from "../name.ts";
import { type Decision, type Desk, type Given, type Said, createDesk, hasCommand } from "./desk.ts";
import {
  EXISTS,
  type LocalConfig,
  NAME,
  ORDER,
  SETTINGS,
  arrange,
  pathOf,
  readOrder,
  splitPath,
} from "./local.ts";
import { CONFIG_RULES, type Path, SETTING_RULES, UPSTREAM_RULES, keysOfPath, travelOf } from "./travel.ts";
import { type Registers, type Source, canonical, existenceOf, opinionsOn, weigh } from "./versions.ts";

export function decide(given: Given): Decision {
  const { id, local, mine, others } = given;
  const desk = createDesk(given);
  if (id === SETTINGS) {
    for (const path of listPaths(mine, others))
      desk.settle(path, { travel: travelOf(SETTING_RULES, path), label: dotted(path) });
    return desk.done();
  }
  const existence = existenceOf(EXISTS, mine, others);
  if (existence === null) return desk.done();
  const name = local?.name ?? nameOf(given);
  const stays = desk.settleExistence(EXISTS, {
    existence,
    isHere: local !== undefined,
    label: name,
    risksOfRemoval: local === undefined ? [] : given.guard.risksOfRemoval(local, null),
  });
  if (!stays) return desk.done();
  if (local === undefined) return arrive(given, desk, name);
  desk.settle(NAME, { travel: "free", label: `${name}.name`, what: "name" });
  for (const path of listPaths(mine, others))
    desk.settle(path, { travel: travelOf(CONFIG_RULES, path), label: `${name}.${dotted(path)}` });
  settleUpstreams({ ...given, local }, desk);
  return desk.done();
}

function settleUpstreams(given: Given & { readonly local: LocalConfig }, desk: Desk): void {
  const { guard, local, mine, others } = given;
  let number = local.upstreams.length;
  let left = local.upstreams.length;
  const isHere = (uid: string): boolean => local.upstreams.some((one) => one.uid === uid);
  // What takes the place of another comes before that goes.
  const uids = listUids(mine, others).toSorted((a, b) => Number(isHere(a)) - Number(isHere(b)));
  for (const uid of uids) {
    const path = pathOf(uid);
    const existence = existenceOf(path, mine, others);
    if (existence === null) continue;
    const index = local.upstreams.findIndex((one) => one.uid === uid);
    const upstream = local.upstreams[index];
    if (upstream === undefined && existence.keptBy.length > 0) number += 1;
    const label = formatTarget(local.name, upstream === undefined ? number : index + 1);
    const winners = weighBelow(path, mine, others);
    const address = `${path}/base_url`;
    if (upstream === undefined && existence.kind !== "gone" && !winners.has("base_url")) {
      desk.settle(address, { travel: "free", label: `${label}.base_url`, isQuiet: true });
      continue;
    }
    const stays = desk.settleExistence(path, {
      existence,
      isHere: upstream !== undefined,
      label,
      what: "upstream",
      value: upstream === undefined ? Object.fromEntries(winners) : { base_url: upstream.entry.base_url },
      risksOfAdding: null,
      risksOfRemoval: upstream === undefined ? [] : guard.risksOfRemoval(local, upstream),
      isLast: left === 1,
    });
    left += Number(desk.isThere(path)) - Number(upstream !== undefined);
    if (!stays) continue;
    for (const one of listPaths(mine, others, `${path}/`)) {
      const { rest = "" } = splitPath(one) ?? {};
      const travel = travelOf(UPSTREAM_RULES, rest);
      const about = { label: `${label}.${dotted(rest)}` };
      // It was accepted as a whole.
      if (upstream === undefined)
        desk.settle(one, { ...about, travel: travel === null ? null : "free", isQuiet: true });
      else if (rest === "auth" && upstream.hasOwnKey) desk.adopt(one);
      else
        desk.settle(one, {
          ...about,
          travel,
          risks: (value) =>
            rest === "base_url"
              ? guard.risksOfAddress(upstream, value)
              : rest === "auth"
                ? guard.risksOf(label, upstream.entry.base_url, value)
                : [],
        });
    }
  }
  settleOrder(given, desk, local.name);
}

/** A config that is not here yet. It comes without what would send a key of this machine's somewhere new, or run something. */
function arrive(given: Given, desk: Desk, name: string): Decision {
  const { guard, mine, others } = given;
  desk.settle(NAME, { travel: "free", label: `${name}.name`, what: "name", isQuiet: true });
  for (const path of listPaths(mine, others))
    desk.settle(path, {
      travel: travelOf(CONFIG_RULES, path) === null ? null : "free",
      label: `${name}.${dotted(path)}`,
      isQuiet: true,
    });
  let position = 0;
  for (const uid of orderedUids(given)) {
    const path = pathOf(uid);
    const existence = existenceOf(path, mine, others);
    if (existence === null) continue;
    position += 1;
    const label = formatTarget(name, position);
    const winners = weighBelow(path, mine, others);
    const value = Object.fromEntries(winners);
    if (
      !desk.settleExistence(path, { existence, isHere: false, label, what: "upstream", value, isQuiet: true })
    )
      continue;
    for (const one of listPaths(mine, others, `${path}/`)) {
      const { rest = "" } = splitPath(one) ?? {};
      const travel = travelOf(UPSTREAM_RULES, rest);
      const risks = (auth: unknown): readonly Text[] =>
        rest === "auth" ? guard.risksOf(label, winners.get("base_url"), auth) : [];
      const asks = rest === "auth" && (hasCommand(value) || risks(winners.get("auth")).length > 0);
      desk.settle(one, {
        travel: travel === null ? null : asks ? "asks" : "free",
        label: `${label}.${dotted(rest)}`,
        risks,
        isQuiet: !asks,
      });
    }
  }
  settleOrder(given, desk, name);
  const { items, next } = desk.done();
  const uids = readOrder(next.get(ORDER)?.value).filter((uid) => next.get(pathOf(uid))?.value === true);
  const addresses = uids.map((uid) => next.get(`${pathOf(uid)}/base_url`)?.value);
  const isWhole =
    typeof next.get(NAME)?.value === "string" &&
    uids.length > 0 &&
    addresses.every((one) => typeof one === "string");
  if (!isWhole) return { next: mine, items: items.filter(({ kind }) => kind === "conflict") };
  const arrival = items.find(({ kind, what }) => kind === "taken" && what === "config");
  return {
    next,
    items: items.map((item) =>
      item === arrival ? { ...item, others: item.others.map((one) => ({ ...one, value: addresses })) } : item,
    ),
  };
}

/** Which comes first decides who is asked: of two orders neither is guessed, unless one only has more. */
function settleOrder({ local, mine, others, stamp }: Given, desk: Desk, name: string): void {
  const opinions = opinionsOn(ORDER, mine, others);
  if (opinions.length === 0) return;
  const { newest, seen } = weigh(opinions);
  const alive = listUids(mine, others).filter(
    (uid) => (existenceOf(pathOf(uid), mine, others)?.keptBy.length ?? 0) > 0,
  );
  const orderOf = (value: unknown): readonly string[] =>
    readOrder(value).filter((uid) => alive.includes(uid));
  const show = (order: readonly string[]): readonly unknown[] =>
    order.map((uid) => weighBelow(pathOf(uid), mine, others).get("base_url") ?? uid);
  const here = mine.get(ORDER)?.value;
  const orders = newest.map(({ by, value }) => ({ by, value, order: orderOf(value) }));
  const differing = orders.filter(({ order }) => canonical(order) !== canonical(orderOf(here)));
  const said = differing.map(({ by, order }): Said => ({
    by: by.filter((one) => one !== null),
    value: show(order),
  }));
  const label = `${name}.${ORDER}`;
  const item = desk.makeItem({ label, what: "order", here: show(orderOf(here)), others: said });
  const longest = orders.find(({ order }) => orders.every((other) => isPartOf(other.order, order)));
  if (longest !== undefined) {
    desk.write(ORDER, longest.value, seen);
    // What only has more is told of as an upstream.
    if (local !== undefined && !isPartOf(orderOf(here), longest.order)) desk.add(item);
    return;
  }
  // Of what waits to be accepted, the place is asked for later.
  const present = local?.upstreams.flatMap(({ uid }) => uid ?? []) ?? alive;
  const own = arrange(readOrder(here), present);
  const isLater = orders.every(({ order }) =>
    isPartOf(
      order.filter((uid) => present.includes(uid)),
      own,
    ),
  );
  if (isLater) return;
  const choice = desk.choose(item, false);
  if (choice === undefined) return desk.add({ ...item, kind: "conflict" });
  const chosen = choice === "mine" ? undefined : differing[said.indexOf(choice)];
  desk.write(ORDER, chosen === undefined ? here : chosen.value, stamp(seen));
  if (choice !== "mine") desk.add({ ...item, others: [choice] });
}

function isPartOf(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const uid of whole) if (uid === part[at]) at += 1;
  return at === part.length;
}

/** What the values below a path come to, where nobody disagrees. */
function weighBelow(path: Path, mine: Registers, others: readonly Source[]): ReadonlyMap<Path, unknown> {
  return new Map(
    listPaths(mine, others, `${path}/`).flatMap((one): [Path, unknown][] => {
      const { newest } = weigh(opinionsOn(one, mine, others));
      const [first, second] = newest;
      return first?.value === undefined || second !== undefined
        ? []
        : [[one.slice(path.length + 1), first.value]];
    }),
  );
}

/** The paths that begin so, of anybody. */
function listPaths(mine: Registers, others: readonly Source[], prefix = ""): Path[] {
  const all = [mine, ...others.map(({ registers }) => registers)].flatMap((registers) => [
    ...registers.keys(),
  ]);
  return [...new Set(all)].filter((path) => path !== prefix && path.startsWith(prefix)).toSorted();
}

function listUids(mine: Registers, others: readonly Source[]): string[] {
  return [...new Set(listPaths(mine, others, `${ORDER}/`).flatMap((path) => splitPath(path)?.uid ?? []))];
}

/** As the newest order has them, then all others. */
function orderedUids({ mine, others }: Given): string[] {
  const [first] = weigh(opinionsOn(ORDER, mine, others)).newest;
  const order = readOrder(first?.value);
  return [...new Set([...order, ...listUids(mine, others)])];
}

function nameOf({ id, mine, others }: Given): string {
  const [first] = weigh(opinionsOn(NAME, mine, others)).newest;
  return typeof first?.value === "string" ? first.value : id.slice(id.indexOf("/") + 1);
}

function dotted(path: Path): string {
  return formatPath(keysOfPath(path));
}
