import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inEnglish } from "../../src/base/text.ts";
import { type LiveFilter, createLiveFilter } from "../../src/filter/live-filter.ts";
import { makeFilterRecord, writeRecord } from "../../src/filter/filter-record.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const GOOD = '[{"op":"remove","source":"secret"}]';
let directory = "";
let path = "";
let recordPath = "";
let now = 0;
let isOff = false;
let troubles: string[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "filter-"));
  path = join(directory, "filter.json");
  recordPath = join(directory, "filter-seen.json");
  now = Date.now();
  isOff = false;
  troubles = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

/** As a proxy that starts does. */
function open(file = path, looksOnceATurn = false): LiveFilter {
  const record = makeFilterRecord(recordPath, (words) => troubles.push(inEnglish(words)));
  return createLiveFilter({
    path: file,
    record,
    isOff: () => isOff,
    now: () => now,
    looksOnceATurn,
    placeholderKey: () => "k",
  });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** What happens to a request with a secret: the words of the refusal, or the body that leaves. */
function send(filter: LiveFilter): string {
  const filtered = filter.forService("codex")(Buffer.from('{"input":"a secret"}'), new Headers());
  return filtered.kind === "refused" ? inEnglish(filtered.message) : Buffer.from(filtered.body).toString();
}

const SENT = '{"input":"a secret"}';
const REDACTED = '{"input":"a "}';

test("a proxy looks once for the requests of one turn, and again in the next", async () => {
  const filter = open(path, true);
  expect(send(filter)).toBe(SENT);
  writeFileSync(path, GOOD);
  expect(send(filter)).toBe(SENT);
  expect(filter.current().kind).toBe("ok");
  await nextTurn();
  expect(send(filter)).toBe(REDACTED);
  rmSync(path);
  await nextTurn();
  expect(send(filter)).toBe(REDACTED);
  now += 3_000;
  await nextTurn();
  expect(send(filter)).toContain("filter.json");
});

test("no file means no rules", () => {
  const state = open().current();
  expect(state).toMatchObject({ kind: "none", rules: { rules: [] } });
});

test("rules are in force from the next look after the file was written", () => {
  const store = open();
  store.current();
  writeFileSync(path, GOOD);
  expect(store.current()).toMatchObject({ kind: "ok", rules: { rules: [{ source: "secret" }] } });
});

test("unchanged rules are the same object, so that nothing is worked out anew", () => {
  writeFileSync(path, GOOD);
  const store = open();
  const [first, second] = [store.current(), store.current()];
  expect("rules" in first && "rules" in second && first.rules === second.rules).toBe(true);
});

test("a broken edit leaves the last good rules in force and says where it is broken", () => {
  writeFileSync(path, GOOD);
  const store = open();
  store.current();
  writeFileSync(path, '[\n{"op":"remov","source":"secret"}]');
  expect(store.current()).toMatchObject({
    kind: "broken-with-last-good",
    rules: { rules: [{ source: "secret" }] },
    problem: { message: `${path}:2:7: rule 1, op: must be "replace" or "remove"` },
  });
});

test("a file that was never good is not a file without rules", () => {
  writeFileSync(path, "{");
  const state = open().current();
  expect(state.kind).toBe("broken-never-loaded");
  expect("rules" in state).toBe(false);
});

test("an empty file is broken: it may be half written", () => {
  writeFileSync(path, "");
  expect(open().current().kind).toBe("broken-never-loaded");
});

test("rules outlive the moment in which an editor moves the file away, and no longer", () => {
  writeFileSync(path, GOOD);
  const store = open();
  store.current();
  rmSync(path);
  expect(store.current().kind).toBe("ok");
  writeFileSync(path, "{");
  expect(store.current().kind).toBe("broken-with-last-good");
  rmSync(path);
  store.current();
  now += 2001;
  expect(store.current().kind).toBe("gone");
});

test("matches that were left alone are counted apart from those that were redacted", () => {
  using home = makeTempHome();
  home.write(".codex-helper/filter.json", [{ op: "remove", source: "secret" }]);
  const filter = open(home.paths.filter).forService("codex");
  const body = {
    input: [
      { type: "reasoning", encrypted_content: "a secret" },
      { type: "message", content: "secret" },
    ],
  };
  const filtered = filter(
    Buffer.from(JSON.stringify(body)),
    new Headers({ "content-type": "application/json" }),
  );
  expect(filtered).toMatchObject({ kind: "filtered", redactions: 1, exempt: 1 });
});

test("hits are counted by the name of their rule, those of a pack by the pattern, in a header too", () => {
  using home = makeTempHome();
  const token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
  home.write(".codex-helper/filter.json", [
    { op: "remove", source: "your-company.com" },
    { op: "replace", source: "project-x", target: "[X]", name: "constructor" },
    { op: "replace", source: "cust-[0-9]+", target: "[C]", regex: true, name: "customers" },
    { op: "replace", source: "inc-[0-9]+", target: "[I]", regex: true, name: "customers" },
    { pack: "secrets" },
    { op: "remove", source: "never there" },
  ]);
  const own = home.write(".codex-helper/acme.json", [
    { op: "remove", source: "acme" },
    { op: "remove", source: "wile", name: "people" },
  ]);
  const filter = open(home.paths.filter).forService("codex");
  const count = (text: string, more: readonly string[] = [], headers = {}): unknown => {
    const filtered = filter(Buffer.from(JSON.stringify({ input: text })), new Headers(headers), more);
    if (filtered.kind === "refused") return inEnglish(filtered.message);
    const byRule = filtered.byRule === undefined ? undefined : Object.fromEntries(filtered.byRule);
    expect(Object.values(byRule ?? {}).reduce((sum, hits) => sum + hits, 0)).toBe(filtered.redactions);
    return byRule;
  };
  expect(count("nothing")).toBeUndefined();
  expect(count("a.your-company.com b.your-company.com project-x")).toEqual({ "rule-1": 2, constructor: 1 });
  expect(count(`cust-1 inc-2 cust-3 ${token}`)).toEqual({ customers: 3, "secrets/github-token": 1 });
  const headers = { "x-codex-turn-metadata": JSON.stringify({ origin: "git.your-company.com" }) };
  expect(count("your-company.com", [], headers)).toEqual({ "rule-1": 2 });
  // What another file has as its first is another rule.
  expect(count("your-company.com acme wile", [own])).toEqual({
    "rule-1": 1,
    "acme.json/rule-1": 1,
    people: 1,
  });
});

test("a file that disappears while running: requests are refused, naming the file and what to type", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  expect(send(filter)).toBe(REDACTED);
  rmSync(path);
  expect(send(filter)).toBe(REDACTED);
  now += 2001;
  expect(send(filter)).toBe(
    `redaction rules cannot be read: ${path} was there and is missing: requests are refused; ` +
      "restore it, or type: ch filter check --accept-removal",
  );
  expect(filter.facts()).toEqual({ state: "gone", rules: 0 });
  writeFileSync(path, GOOD);
  expect(send(filter)).toBe(REDACTED);
});

test("a file that was removed before a restart is not a file that never was", () => {
  writeFileSync(path, GOOD);
  open().current();
  rmSync(path);
  expect(send(open())).toContain("was there and is missing");
});

test("a removal that was accepted is no rules, in a running proxy and in the next one", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  filter.current();
  rmSync(path);
  filter.current();
  now += 2001;
  expect(filter.current().kind).toBe("gone");
  writeRecord(recordPath, "accepted");
  expect(send(filter)).toBe(SENT);
  expect(send(open())).toBe(SENT);
});

test("a removal that was accepted before the proxy noticed it is accepted", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  filter.current();
  rmSync(path);
  writeRecord(recordPath, "accepted");
  filter.current();
  now += 2001;
  expect(filter.current().kind).toBe("none");
});

test("an acceptance is for one removal: rules that came back are remembered again", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  filter.current();
  rmSync(path);
  writeRecord(recordPath, "accepted");
  // Back, byte for byte, before any request was there to see it go.
  writeFileSync(path, GOOD);
  now += 1001;
  expect(send(filter)).toBe(REDACTED);
  rmSync(path);
  filter.current();
  now += 2001;
  expect(filter.current().kind).toBe("gone");
});

test("whoever removes the record with the file has accepted nothing", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  filter.current();
  rmSync(path);
  rmSync(recordPath);
  filter.current();
  now += 2001;
  expect(filter.current().kind).toBe("gone");
  expect(open().current().kind).toBe("gone");
});

test("a record that cannot be read is one of rules", () => {
  writeFileSync(recordPath, "{");
  expect(open().current().kind).toBe("gone");
  rmSync(recordPath);
  mkdirSync(recordPath);
  expect(open().current().kind).toBe("gone");
});

test("a record that cannot be written is told once, and the removal still refuses", () => {
  writeFileSync(path, GOOD);
  mkdirSync(join(directory, "sub"));
  recordPath = join(directory, "sub", "seen.json");
  rmSync(join(directory, "sub"), { recursive: true });
  const filter = open();
  filter.current();
  now += 1001;
  filter.current();
  expect(troubles).toHaveLength(1);
  rmSync(path);
  filter.current();
  now += 2001;
  expect(filter.current().kind).toBe("gone");
});

test("what another proxy has seen and was removed since refuses here, too", () => {
  const filter = open();
  expect(send(filter)).toBe(SENT);
  writeFileSync(path, GOOD);
  open().current();
  rmSync(path);
  now += 1001;
  expect(send(filter)).toContain("was there and is missing");
});

test("a list without rules is said by the user: its removal is no surprise", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  filter.current();
  writeFileSync(path, "[]");
  expect(filter.facts()).toEqual({ state: "rules", rules: 0 });
  rmSync(path);
  expect(send(filter)).toBe(SENT);
  expect(send(open())).toBe(SENT);
});

test("a file that was never valid was there all the same", () => {
  writeFileSync(path, "{");
  open().current();
  rmSync(path);
  expect(open().current().kind).toBe("gone");
});

test("a link to nothing is not a missing file, whether or not there were rules", () => {
  const vault = join(directory, "vault");
  symlinkSync(join(vault, "filter.json"), path);
  const filter = open();
  expect(send(filter)).toBe(
    `redaction rules cannot be read: ${path} is a link to a file that does not exist: requests are refused; ` +
      "restore that file, or remove the link and type: ch filter check --accept-removal",
  );
  mkdirSync(vault);
  writeFileSync(join(vault, "filter.json"), GOOD);
  expect(send(filter)).toBe(REDACTED);
  renameSync(vault, `${vault}.gone`);
  filter.current();
  now += 2001;
  expect(filter.current().kind).toBe("gone");
  expect(open().current().kind).toBe("gone");
  writeRecord(recordPath, "accepted");
  expect(open().current().kind).toBe("gone");
  rmSync(path);
  expect(open().current().kind).toBe("gone");
});

test("a link to nothing that appears beside a running proxy refuses at once", () => {
  const filter = open();
  expect(send(filter)).toBe(SENT);
  symlinkSync(join(directory, "vault", "filter.json"), path);
  expect(send(filter)).toContain("is a link to a file that does not exist");
});

test("a file in place of a directory on the way: requests are refused", () => {
  const vault = join(directory, "vault");
  mkdirSync(vault);
  writeFileSync(join(vault, "filter.json"), GOOD);
  symlinkSync(join(vault, "filter.json"), path);
  const filter = open();
  expect(send(filter)).toBe(REDACTED);
  rmSync(vault, { recursive: true });
  writeFileSync(vault, "");
  filter.current();
  now += 2001;
  expect(send(filter)).toMatch(/^redaction rules cannot be read: .*filter\.json.*: requests are refused; /);
  expect(send(open())).toContain(path);
});

test("a loop of links is a way that ends nowhere", () => {
  symlinkSync(path, path);
  expect(open().current().kind).toBe("gone");
});

test("turned off in config.json nothing is redacted, whatever the file says; turned on again it is asked for", () => {
  writeFileSync(path, GOOD);
  const filter = open();
  filter.current();
  isOff = true;
  expect(send(filter)).toBe(SENT);
  expect(filter.facts()).toEqual({ state: "off", rules: 0 });
  rmSync(path);
  expect(send(filter)).toBe(SENT);
  isOff = false;
  expect(send(filter)).toContain("was there and is missing");
});

test("never configured: nothing is written, and nothing is refused", () => {
  const filter = open();
  expect(send(filter)).toBe(SENT);
  now += 5000;
  expect(send(filter)).toBe(SENT);
  expect(filter.facts()).toEqual({ state: "none", rules: 0 });
  expect(() => readFileSync(recordPath)).toThrow("ENOENT");
});
