import { expect, test } from "bun:test";
import fc from "fast-check";
import { UserError } from "../../../src/base/errors.ts";
import { isRecord } from "../../../src/base/json-value.ts";
import {
  type Plan,
  planAdd,
  planAppend,
  planDisable,
  planMove,
  planRemove,
  planRename,
  planSetActive,
} from "../../../src/config/edit.ts";
import { canonical } from "../../../src/config/sync/versions.ts";
import { type Machine, makeMachines, meet, waiting } from "./machines.ts";

const IS_FULL = process.env["VERIFY"] === "full";
const RUNS = IS_FULL ? 40 : 1;
const EDITS = 200;

/** A value that nobody else writes, to be looked for later. */
const TOKEN = /\bt\d+\b/g;
const KEY = "sk-secret-of-a-machine-";

interface Step {
  readonly machine: number;
  /** Which edit, and of what. */
  readonly edit: number;
  readonly place: number;
  /** Whether it syncs then, and with whose files. */
  readonly syncs: boolean;
  readonly hears: number;
}

const steps = fc.array(
  fc.record<Step>({
    machine: fc.nat(2),
    edit: fc.nat(13),
    place: fc.nat(11),
    syncs: fc.boolean(),
    hears: fc.nat(7),
  }),
  { minLength: EDITS, maxLength: EDITS },
);

const NAMES = ["main", "spare", "work"];
const HOSTS = ["a", "b", "c", "d"];

/** What a person might do there now; `token` is in what is written. */
function makeEdit(machine: Machine, { edit, place }: Step, token: string): Plan {
  const { configs } = machine.config.services.codex;
  const names = [...configs.keys()];
  const name = names[place % Math.max(1, names.length)] ?? "main";
  const upstreams = configs.get(name)?.entry.upstreams ?? [];
  const at = place % Math.max(1, upstreams.length);
  const path = ["codex", "configs", name];
  const below = [...path, "upstreams", at];
  const fresh = {
    base_url: `https://${HOSTS[place % HOSTS.length]}.example/v1`,
    auth: place % 2 === 0 ? { auth_token: `${KEY}${token}` } : { auth_token_env: `KEY_${token}` },
    headers: { "x-account": `${KEY}h${token}` },
  };
  const service = "codex";
  const set =
    (where: readonly (string | number)[], value: unknown): Plan =>
    () => [{ kind: "set", path: [...where], value }];
  const target = { name, position: at + 1 };
  const edits: readonly Plan[] = [
    planAdd({ service, name: NAMES[place % 3] ?? "", alias: token, upstreams: [fresh], isReplacing: false }),
    planAppend(service, name, [fresh]),
    planRemove(service, target),
    planRemove(service, { name, position: null }),
    planRename(service, name, NAMES[place % 3] ?? ""),
    planMove(service, target, (place % Math.max(1, upstreams.length)) + 1),
    planMove(service, target, 1),
    set([...path, "alias"], token),
    set([...below, "tags"], { note: token, [`n${place}`]: place }),
    set([...below, "timeouts", "idle_secs"], 60 + place),
    set([...below, "base_url"], `https://${token}.example/v1`),
    set(
      [...below, "auth"],
      place % 2 === 0 ? { auth_token: `${KEY}${token}` } : { api_key_env: `V_${token}` },
    ),
    place % 2 === 0 ? planDisable(service, target, null) : planSetActive(service, name),
    set(["routing", "open_secs"], 1 + place),
  ];
  return edits[edit % edits.length] ?? (() => []);
}

const tokensOf = (text: string): Set<string> => new Set(text.match(TOKEN) ?? []);

/** What travels, as all of them must have it in the end. */
function sharedPart(machine: Machine): string {
  const shared = [...machine.known].flatMap(([id, { registers }]) =>
    registers.get("")?.value === false
      ? []
      : [...registers].flatMap(([path, { value }]) =>
          value === undefined || value === false ? [] : [`${id} ${path} ${canonical(value)}`],
        ),
  );
  return shared.toSorted((one, other) => (one < other ? -1 : 1)).join("\n");
}

test(
  "three machines, 200 random edits with partitions: nothing is lost, conflicts are told, no key is in the folder",
  () => {
    fc.assert(
      fc.property(steps, (all) => {
        const machines = makeMachines("laptop", "desktop", "server");
        /** Values that a person removed or overwrote where they saw them, or was told of. */
        const accounted = new Set<string>();
        const written = new Set<string>();
        const sync = (machine: Machine, typed: Parameters<Machine["sync"]>[0] = {}): number => {
          const result = machine.sync(typed);
          expect(
            result.problems.filter(({ error }) => !/made separately|already exists/.test(error.message)),
          ).toEqual([]);
          for (const item of waiting(result)) {
            for (const token of tokensOf(JSON.stringify([item.here, item.others]))) accounted.add(token);
            if (item.what === "value" || item.what === "order") continue;
            // Told as a whole: a config, or an upstream of it.
            const name = item.label.split(/[#.]/)[0] ?? "";
            for (const one of machines) {
              const entry = one.config.services.codex.configs.get(name)?.entry;
              for (const token of tokensOf(JSON.stringify(entry ?? {}))) accounted.add(token);
            }
            for (const file of machine.folder.values())
              if (file.includes(JSON.stringify(name)))
                for (const token of tokensOf(file)) accounted.add(token);
          }
          for (const { label } of result.problems) {
            const entries = machines.map((one) => one.config.services.codex.configs.get(label)?.entry);
            for (const token of tokensOf(JSON.stringify(entries))) accounted.add(token);
          }
          for (const text of machine.folder.values()) expect(text).not.toContain(KEY);
          return waiting(result).length + result.problems.length;
        };
        for (const [index, step] of all.entries()) {
          const machine = machines[step.machine];
          if (machine === undefined) continue;
          const token = `t${index}`;
          const before = tokensOf(machine.text);
          try {
            machine.edit(makeEdit(machine, step, token));
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
          const after = tokensOf(machine.text);
          for (const one of after) if (!before.has(one)) written.add(one);
          for (const one of before) if (!after.has(one)) accounted.add(one);
          if (!step.syncs) continue;
          for (const [at, other] of machines.entries())
            // Half of the files may be there already.
            if (other !== machine && ((step.hears >> at) & 1) === 1)
              machine.receive(other, (path) => step.hears > 3 || path.length % 2 === 0);
          sync(machine);
        }
        // A person settles what is left: the first machine is right, the others accept it.
        const [first, ...others] = machines;
        if (first === undefined) return;
        let left = 1;
        for (let round = 0; left > 0 && round < 12; round += 1) {
          meet(...machines);
          left = sync(first);
          if (left > 0) left = sync(first, { take: "mine" });
          for (const other of others) {
            meet(...machines);
            left += sync(other);
            left += sync(other, { accepts: true });
            left += sync(other, { take: "theirs", machine: "laptop" });
          }
          for (const [at, machine] of machines.entries()) clearNames(machine, at);
        }
        expect(left).toBe(0);
        meet(...machines);
        for (const machine of machines) expect(sync(machine)).toBe(0);
        const [one, ...rest] = machines.map(sharedPart);
        for (const other of rest) expect(other).toBe(one ?? "");
        const kept = tokensOf(machines.map(({ text }) => text).join());
        const lost = [...written].filter((token) => !accounted.has(token) && !kept.has(token));
        expect(lost).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  IS_FULL ? 900_000 : 60_000,
);

/** Two configs that were made separately cannot both have a name. */
function clearNames(machine: Machine, at: number): void {
  const { problems } = machine.sync();
  for (const { label } of problems)
    if (machine.config.services.codex.configs.has(label))
      machine.edit(planRename("codex", label, `${label}-${at}-${machine.counter}`));
}

test("a value stays the same however often nothing changes", () => {
  const machines = makeMachines("laptop", "desktop");
  const [first] = machines;
  first?.edit(() => [{ kind: "set", path: ["routing", "open_secs"], value: 3 }]);
  for (let round = 0; round < 3; round += 1)
    for (const machine of machines) {
      machine.sync();
      meet(...machines);
    }
  const before = machines.map(({ folder }) => [...folder.values()]);
  for (const machine of machines) machine.sync();
  expect(machines.map(({ folder }) => [...folder.values()])).toEqual(before);
  expect(isRecord(machines[1]?.config.shell.routing)).toBe(true);
});
