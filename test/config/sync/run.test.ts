import { expect, test } from "bun:test";
import {
  planAdd,
  planAppend,
  planMove,
  planRemove,
  planRename,
  planSetActive,
} from "../../../src/config/edit.ts";
import { planSet } from "../../../src/config/set.ts";
import type { UpstreamEntry } from "../../../src/config/schema.ts";
import { type Machine, makeMachines, meet, waiting } from "./machines.ts";

const A: UpstreamEntry = { base_url: "https://a.example/v1", auth: { auth_token_env: "A_KEY" } };
const B: UpstreamEntry = {
  base_url: "https://b.example/v1",
  auth: { auth_token: "sk-literal-key-0123456789" },
};
const C: UpstreamEntry = { base_url: "https://c.example/v1", auth: { auth_token_env: "C_KEY" } };

function add(machine: Machine, name: string, ...upstreams: UpstreamEntry[]): void {
  machine.edit(planAdd({ service: "codex", name, alias: undefined, upstreams, isReplacing: false }));
}
function set(
  machine: Machine,
  target: { name: string; position: number | null },
  path: string,
  value: unknown,
): void {
  machine.edit(planSet({ service: "codex", target }, [{ flag: "--json", path, value }], []));
}
const upstreamsOf = (machine: Machine, name: string) =>
  machine.config.services.codex.configs.get(name)?.entry.upstreams;
const hostsOf = (machine: Machine, name: string) =>
  upstreamsOf(machine, name)
    ?.map(({ base_url }) => new URL(base_url).hostname[0])
    .join("");

/** Two that know the same config of A and B. */
function makePair(): [Machine, Machine] {
  const [laptop, desktop] = makeMachines("laptop", "desktop") as [Machine, Machine];
  add(laptop, "main", A, B);
  laptop.sync();
  meet(laptop, desktop);
  desktop.sync();
  meet(laptop, desktop);
  laptop.sync();
  return [laptop, desktop];
}

test("a new config arrives without its literal key, which is named, and is not used before it is chosen", () => {
  const [laptop, desktop] = makeMachines("laptop", "desktop") as [Machine, Machine];
  add(laptop, "main", A, B);
  expect(laptop.sync().leftOut).toMatchObject([{ label: "main#2", keys: ["auth.auth_token"] }]);
  meet(laptop, desktop);
  const result = desktop.sync();
  expect(result.items).toMatchObject([{ kind: "taken", what: "config", label: "main" }]);
  expect(result.needs).toMatchObject([{ label: "main#2", host: "b.example", keys: ["auth.auth_token"] }]);
  expect(desktop.config.services.codex.configs.get("main")?.entry).toEqual({
    needs_activation: true,
    upstreams: [A, { base_url: B.base_url }],
  });
  expect([...laptop.folder.values(), ...desktop.folder.values()].join()).not.toContain("sk-literal");
});

test("fields that different machines changed are merged, and one that both changed is a conflict", () => {
  const [laptop, desktop] = makePair();
  set(laptop, { name: "main", position: 1 }, "max_concurrent", 2);
  set(laptop, { name: "main", position: null }, "alias", "mine");
  set(desktop, { name: "main", position: 1 }, "timeouts.idle_secs", 60);
  set(desktop, { name: "main", position: null }, "alias", "theirs");
  laptop.sync();
  desktop.sync();
  meet(laptop, desktop);
  const [one, other] = [laptop.sync(), desktop.sync()];
  for (const result of [one, other])
    expect(waiting(result)).toMatchObject([{ kind: "conflict", label: "main.alias" }]);
  expect(upstreamsOf(laptop, "main")?.[0]).toMatchObject({ max_concurrent: 2, timeouts: { idle_secs: 60 } });
  expect(upstreamsOf(desktop, "main")?.[0]).toMatchObject({
    max_concurrent: 2,
    timeouts: { idle_secs: 60 },
  });
  expect(laptop.config.services.codex.configs.get("main")?.alias).toBe("mine");
  desktop.sync({ take: "theirs", field: "main.alias" });
  expect(desktop.config.services.codex.configs.get("main")?.alias).toBe("mine");
  meet(laptop, desktop);
  expect(waiting(laptop.sync())).toEqual([]);
});

test("what may be spent waits until it is accepted: budgets, and what takes over after a spent plan", () => {
  const [laptop, desktop] = makePair();
  for (const machine of [laptop, desktop]) {
    set(machine, { name: "main", position: null }, "budget", [{ usd: 5, per: "day" }]);
    set(machine, { name: "main", position: null }, "on_exhausted", "stop");
    machine.sync();
  }
  meet(laptop, desktop);
  desktop.sync();
  laptop.sync();
  set(laptop, { name: "main", position: null }, "budget", [{ usd: 500, per: "day" }]);
  set(laptop, { name: "main", position: null }, "on_exhausted", "continue");
  laptop.sync();
  meet(laptop, desktop);
  const held = [
    { kind: "held", label: "main.budget" },
    { kind: "held", label: "main.on_exhausted" },
  ];
  expect(waiting(desktop.sync())).toMatchObject(held);
  const entry = () => desktop.config.services.codex.configs.get("main")?.entry;
  expect(entry()).toMatchObject({ budget: [{ usd: 5 }], on_exhausted: "stop" });
  expect(waiting(desktop.sync({ accepts: true }))).toEqual([]);
  expect(entry()).toMatchObject({ budget: [{ usd: 500 }], on_exhausted: "continue" });
});

test("another address waits until it is accepted, as it was shown, and the key stays", () => {
  const [laptop, desktop] = makePair();
  desktop.edit(planSetActive("codex", "main"));
  set(desktop, { name: "main", position: 2 }, "auth.auth_token", "sk-own-key-of-desktop-0123456789");
  set(laptop, { name: "main", position: 2 }, "base_url", "https://evil.example/v1");
  laptop.sync();
  meet(laptop, desktop);
  const result = desktop.sync({ accepts: true });
  expect(waiting(result)).toMatchObject([{ kind: "held", label: "main#2.base_url" }]);
  expect(waiting(result)[0]?.risks.map(({ values }) => values)).toEqual([["evil.example"]]);
  expect(hostsOf(desktop, "main")).toBe("ab");
  set(laptop, { name: "main", position: 2 }, "base_url", "https://worse.example/v1");
  laptop.sync();
  meet(laptop, desktop);
  desktop.sync({ accepts: true });
  expect(hostsOf(desktop, "main")).toBe("ab");
  desktop.sync({ accepts: true });
  expect(upstreamsOf(desktop, "main")?.[1]).toEqual({
    base_url: "https://worse.example/v1",
    auth: { auth_token: "sk-own-key-of-desktop-0123456789" },
  });
});

test("a refusal of another address goes back to the machine that changed it, and waits there", () => {
  const [laptop, desktop] = makePair();
  set(laptop, { name: "main", position: 1 }, "base_url", "https://evil.example/v1");
  laptop.sync();
  meet(laptop, desktop);
  expect(waiting(desktop.sync({ take: "mine" }))).toEqual([]);
  meet(laptop, desktop);
  expect(waiting(laptop.sync())).toMatchObject([
    { kind: "held", label: "main#1.base_url", here: "https://evil.example/v1" },
  ]);
});

test("a command for a key is never taken over without --allow-commands", () => {
  const [laptop, desktop] = makePair();
  set(laptop, { name: "main", position: 1 }, "auth", { auth_token_command: ["rm", "-rf", "/"] });
  add(laptop, "other", { base_url: "https://o.example", auth: { api_key_command: ["evil"] } });
  laptop.sync();
  meet(laptop, desktop);
  desktop.sync();
  expect(waiting(desktop.sync({ accepts: true })).map(({ label }) => label)).toEqual([
    "main#1.auth",
    "other#1.auth",
  ]);
  expect(desktop.text).not.toContain("evil");
  desktop.sync({ accepts: true, allowsCommands: true });
  expect(desktop.text).toContain("evil");
});

test("an upstream that another machine added to a config waits, and stands where it was put", () => {
  const [laptop, desktop] = makePair();
  laptop.edit(planAppend("codex", "main", [C]));
  laptop.edit(planMove("codex", { name: "main", position: 3 }, 1));
  laptop.sync();
  meet(laptop, desktop);
  expect(waiting(desktop.sync())).toMatchObject([{ kind: "held", what: "upstream", label: "main#3" }]);
  expect(hostsOf(desktop, "main")).toBe("ab");
  desktop.sync({ accepts: true });
  expect(hostsOf(desktop, "main")).toBe("cab");
  expect(desktop.sync().sent).toEqual([]);
});

test("what one machine removed and another changed is a conflict, and either choice holds for both", () => {
  for (const take of ["mine", "theirs"] as const) {
    const [laptop, desktop] = makePair();
    laptop.edit(planRemove("codex", { name: "main", position: 1 }));
    set(desktop, { name: "main", position: 1 }, "max_concurrent", 3);
    laptop.sync();
    desktop.sync();
    meet(laptop, desktop);
    expect(waiting(laptop.sync())).toMatchObject([{ kind: "conflict", what: "upstream" }]);
    expect(waiting(desktop.sync())).toMatchObject([{ kind: "conflict", label: "main#1" }]);
    desktop.sync({ take });
    meet(laptop, desktop);
    laptop.sync();
    laptop.sync({ accepts: true });
    const wanted = take === "mine" ? "ab" : "b";
    expect([hostsOf(laptop, "main"), hostsOf(desktop, "main")]).toEqual([wanted, wanted]);
  }
});

test("a removed config is removed there too, but not where it is in use or has a key of its own", () => {
  const [laptop, desktop] = makePair();
  add(laptop, "spare", C);
  laptop.sync();
  meet(laptop, desktop);
  desktop.sync();
  laptop.edit(planRemove("codex", { name: "spare", position: null }));
  laptop.edit(planRemove("codex", { name: "main", position: null }));
  desktop.edit(planSetActive("codex", "main"));
  laptop.sync();
  meet(laptop, desktop);
  const result = desktop.sync();
  expect([...desktop.config.services.codex.configs.keys()]).toEqual(["main"]);
  expect(waiting(result)).toMatchObject([{ kind: "held", what: "config", label: "main" }]);
});

test("a config that was renamed is the same config, and another one may have its name then", () => {
  const [laptop, desktop] = makePair();
  laptop.edit(planRename("codex", "main", "work"));
  laptop.sync();
  add(laptop, "main", C);
  laptop.sync();
  set(desktop, { name: "main", position: 1 }, "max_concurrent", 5);
  meet(laptop, desktop);
  desktop.sync();
  expect(hostsOf(desktop, "work")).toBe("ab");
  expect(hostsOf(desktop, "main")).toBe("c");
  meet(laptop, desktop);
  laptop.sync();
  expect(upstreamsOf(laptop, "work")?.[0]).toMatchObject({ max_concurrent: 5 });
});

test("two configs of one name, made separately, are not mixed", () => {
  const [laptop, desktop] = makeMachines("laptop", "desktop") as [Machine, Machine];
  add(laptop, "main", A);
  add(desktop, "main", C);
  set(laptop, { name: "main", position: null }, "alias", "of a");
  set(desktop, { name: "main", position: null }, "alias", "of c");
  laptop.sync();
  desktop.sync();
  meet(laptop, desktop);
  for (const machine of [laptop, desktop])
    expect(waiting(machine.sync()).map(({ kind, label }) => [kind, label])).toEqual([
      ["conflict", "main.alias"],
      ["held", "main#2"],
    ]);
  expect([hostsOf(laptop, "main"), hostsOf(desktop, "main")]).toEqual(["a", "c"]);
});

test("the same config, made on both machines, is one without a word", () => {
  const [laptop, desktop] = makeMachines("laptop", "desktop") as [Machine, Machine];
  add(laptop, "main", A, B);
  add(desktop, "main", A, { ...B, auth: { auth_token: "sk-another-key-0123456789" } });
  laptop.sync();
  desktop.sync();
  meet(laptop, desktop);
  for (const machine of [laptop, desktop]) expect(waiting(machine.sync())).toEqual([]);
  set(laptop, { name: "main", position: null }, "alias", "new");
  laptop.sync();
  meet(laptop, desktop);
  expect(desktop.sync().items).toMatchObject([{ kind: "taken", label: "main.alias" }]);
});

test("of two orders neither is guessed", () => {
  const [laptop, desktop] = makePair();
  for (const machine of [laptop, desktop]) machine.edit(planAppend("codex", "main", [C]));
  for (const machine of [laptop, desktop]) machine.sync();
  meet(laptop, desktop);
  for (const machine of [laptop, desktop]) expect(waiting(machine.sync())).toEqual([]);
  laptop.edit(planMove("codex", { name: "main", position: 3 }, 1));
  desktop.edit(planMove("codex", { name: "main", position: 2 }, 1));
  for (const machine of [laptop, desktop]) machine.sync();
  meet(laptop, desktop);
  for (const machine of [laptop, desktop])
    expect(waiting(machine.sync())).toMatchObject([
      { kind: "conflict", what: "order", label: "main.upstreams" },
    ]);
  expect([hostsOf(laptop, "main"), hostsOf(desktop, "main")]).toEqual(["cab", "bac"]);
  desktop.sync({ take: "theirs" });
  meet(laptop, desktop);
  laptop.sync();
  expect([hostsOf(laptop, "main"), hostsOf(desktop, "main")]).toEqual(["cab", "cab"]);
});

test("each machine keeps its own active config, and what belongs to a machine", () => {
  const [laptop, desktop] = makePair();
  add(laptop, "spare", C);
  laptop.sync();
  meet(laptop, desktop);
  desktop.sync();
  desktop.edit(planSetActive("codex", "spare"));
  desktop.edit(() => [
    { kind: "set", path: ["hooks"], value: { on_event: "run-me" } },
    { kind: "set", path: ["projects"], value: { "~/work/**": { allow: ["main"] } } },
    { kind: "set", path: ["routing"], value: { open_secs: 5, future_key: 1 } },
    { kind: "set", path: ["codex", "configs", "main", "upstreams", 0, "proxy"], value: "http://p:1" },
  ]);
  desktop.sync();
  meet(laptop, desktop);
  laptop.sync();
  expect(laptop.config.services.codex.active).toBe("main");
  expect(laptop.config.shell).toMatchObject({ routing: { open_secs: 5 } });
  expect(laptop.text).not.toMatch(/run-me|projects|proxy/);
});
