import { expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type AppEvent, tellEvent, tellSample } from "../../../src/app/serve/events.ts";
import { findDesktop, makeNotice, sendNotice } from "../../../src/app/serve/notice.ts";
import { APART_MS, createNotifier } from "../../../src/app/serve/notifier.ts";
import { inEnglish } from "../../../src/base/text.ts";
import { EVENT_KINDS, type EventKind, isQuiet, resolveNotify } from "../../../src/config/notify.ts";
import { OK_JSON, startListener } from "../../helpers/json-listener.ts";
import { inZone } from "../../helpers/in-zone.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const NOON = Date.UTC(2026, 10, 30, 12);
const SCREEN = { say: inEnglish, ring: () => false };

/** A clock of its own, and a listener that gets what is told. */
async function startNotifier(entry: Record<string, unknown> = {}, at = NOON) {
  const listener = startListener();
  let now = at;
  let works: { at: number; work: () => void }[] = [];
  let settings = resolveNotify({ ...entry, via: { url: listener.url } });
  const troubles: string[] = [];
  const notifier = createNotifier({
    settings: () => settings,
    env: {},
    screen: SCREEN,
    now: () => now,
    onTrouble: (words) => troubles.push(inEnglish(words)),
    later(work, ms) {
      const one = { at: now + ms, work };
      works.push(one);
      return () => (works = works.filter((other) => other !== one));
    },
  });
  return {
    listener,
    troubles,
    note: (kind: EventKind): void => notifier.note(tellSample(kind, now)),
    pass(ms: number): void {
      const end = now + ms;
      for (;;) {
        const [next] = works.filter((one) => one.at <= end).toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        works = works.filter((one) => one !== next);
        now = next.at;
        next.work();
      }
      now = end;
    },
    set: (next: Record<string, unknown> | null): void => {
      settings = next === null ? null : resolveNotify({ ...next, via: { url: listener.url } });
    },
    /** What has been told, as "kind count", once all before is. */
    async told(): Promise<string[]> {
      const before = listener.bodies.length;
      settings = resolveNotify({ on: ["limit-learned"], via: { url: listener.url } });
      notifier.note(tellSample("limit-learned", now));
      await waitUntil(() => listener.bodies.slice(before).some(({ event }) => event === "limit-learned"));
      return listener.bodies.map(({ count, event }) => `${String(event)} ${String(count)}`).slice(0, -1);
    },
    async [Symbol.asyncDispose]() {
      await notifier.stop(1_000);
      listener.stop();
    },
  };
}

test("a kind is told at once, then once a minute at most, with what came meanwhile counted", async () => {
  await using it = await startNotifier();
  it.note("hop");
  it.note("hop");
  it.note("exhausted");
  it.pass(APART_MS / 2);
  it.note("hop");
  it.pass(APART_MS);
  // The minute after that one is not over.
  it.note("hop");
  it.pass(APART_MS / 2);
  it.pass(10 * APART_MS);
  it.note("hop");
  expect(await it.told()).toEqual(["hop 1", "exhausted 1", "hop 2", "hop 1", "hop 1"]);
  expect(it.listener.bodies[2]).toMatchObject({
    text: "main#1 -> main#2: 429 usage limit reached (usage_limit_reached) (and 1 more since 12:00)",
    since_ms: NOON,
    timestamp_ms: NOON + APART_MS / 2,
    upstreams: ["main#1", "main#2"],
    service: "codex",
  });
});

test("only what `on` names is told; without it what a person has to know", async () => {
  await using usual = await startNotifier();
  for (const kind of EVENT_KINDS) usual.note(kind);
  expect((await usual.told()).map((line) => line.split(" ")[0])).toEqual([
    "hop",
    "exhausted",
    "recovered",
    "all-down",
    "budget",
    "cost-alarm",
  ]);
  await using chosen = await startNotifier({ on: ["queue"] });
  for (const kind of EVENT_KINDS) chosen.note(kind);
  expect(await chosen.told()).toEqual(["queue 1"]);
});

test("in quiet hours nothing is told, and once they are over, what came is one notification a kind", async () => {
  await using it = await startNotifier({ quiet: "22:00-08:00" }, Date.UTC(2026, 10, 30, 21, 59));
  it.note("hop");
  it.pass(10 * 60_000);
  for (let hour = 0; hour < 9; hour += 1) {
    it.note("hop");
    it.note("budget");
    it.pass(3_600_000);
  }
  it.pass(3_600_000);
  expect(await it.told()).toEqual(["hop 1", "hop 9", "budget 9"]);
});

test("what is taken out of config.json is not told any more, nor what waits at the end", async () => {
  await using it = await startNotifier();
  it.note("hop");
  it.note("hop");
  it.set(null);
  it.pass(2 * APART_MS);
  it.note("hop");
  it.set({});
  it.note("hop");
  it.note("hop");
  expect(await it.told()).toEqual(["hop 1", "hop 1"]);
});

test.each([
  ["22:00-08:00", "Europe/Berlin", "2026-11-30T21:00Z", true],
  ["22:00-08:00", "Europe/Berlin", "2026-11-30T20:59Z", false],
  ["22:00-08:00", "Europe/Berlin", "2026-12-01T06:59Z", true],
  ["22:00-08:00", "Europe/Berlin", "2026-12-01T07:00Z", false],
  ["12:00-13:30", "UTC", "2026-11-30T12:00Z", true],
  ["12:00-13:30", "UTC", "2026-11-30T13:30Z", false],
  ["9:05 - 24:00", "UTC", "2026-11-30T23:59Z", true],
  ["9:05 - 24:00", "UTC", "2026-11-30T00:00Z", false],
  // 02:00 becomes 03:00: the end that is skipped is over at 03:00.
  ["22:00-02:30", "Europe/Berlin", "2026-03-29T00:59Z", true],
  ["22:00-02:30", "Europe/Berlin", "2026-03-29T01:00Z", false],
  // 03:00 becomes 02:00: the hour that comes twice is quiet twice.
  ["22:00-03:00", "Europe/Berlin", "2026-10-25T00:30Z", true],
  ["22:00-03:00", "Europe/Berlin", "2026-10-25T01:30Z", true],
  ["22:00-03:00", "Europe/Berlin", "2026-10-25T02:00Z", false],
])("quiet hours %s in %s at %s: %p", async (quiet, zone, at, expected) => {
  const hours = resolveNotify({ quiet })?.quiet ?? null;
  expect(await inZone(zone, () => hours !== null && isQuiet(hours, Date.parse(at)))).toBe(expected);
});

test("what cannot be told is said once for each way, without a path or a parameter of its address", async () => {
  await using it = await startNotifier();
  it.listener.answer = () => new Response(null, { status: 403 });
  it.note("hop");
  it.note("exhausted");
  await waitUntil(() => it.listener.bodies.length === 2);
  it.listener.answer = OK_JSON;
  await it.told();
  const { host } = new URL(it.listener.url);
  expect(it.troubles).toEqual([`notify: ${host} answered 403; this is reported once`]);
});

test("a redirect is not followed, and no variable leads this machine's own address elsewhere", async () => {
  const listener = startListener();
  listener.answer = () => Response.redirect(`${listener.url}&again`);
  const event = tellSample("hop", NOON);
  const notice = makeNotice({ count: 1, first: event, last: event });
  const options = { env: { http_proxy: "http://127.0.0.1:1" }, screen: SCREEN };
  const { problem } = await sendNotice(notice, { url: listener.url }, options);
  expect(inEnglish(problem ?? "")).toBe(`${new URL(listener.url).host} answered 302`);
  expect(listener.bodies.length).toBe(1);
  listener.stop();
});

const EVIL = [
  `" & (do shell script "touch owned") & "`,
  "'; Start-Process calc; '$(touch owned)`touch owned`",
  "--icon=/etc/passwd -u critical",
  "<b>bold</b> <a href='http://x'>&amp; \\n\\x41",
  "%PATH% & del *",
];

test.each(["darwin", "win32", "linux", "freebsd"] as const)(
  "%s: words of a relay are one argument or a variable, never code, an option or markup",
  (platform) => {
    const { makeWords } = findDesktop(platform);
    const plain = makeWords("TITLE", "BODY");
    const hold = (text: string): void => {
      const { variables = {}, words } = makeWords("TITLE", text);
      expect(words.length).toBe(plain.words.length);
      const changed = words.filter((word, index) => word !== plain.words[index]);
      if (platform === "win32") {
        expect(changed).toEqual([]);
        expect(variables).toEqual({ CODEX_HELPER_TITLE: "TITLE", CODEX_HELPER_TEXT: text });
        return;
      }
      const at = plain.words.indexOf("BODY");
      expect(at).toBe(words.length - 1);
      expect(changed.length).toBeLessThanOrEqual(1);
      if (platform === "darwin") expect(words[at]).toBe(text);
      else {
        expect(plain.words.indexOf("--")).toBe(at - 2);
        expect(words[at]).not.toMatch(/<|&(?!amp;|lt;)|(?<!\\)(?:\\\\)*\\(?!\\)/);
      }
    };
    for (const text of EVIL) hold(text);
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), hold));
  },
);

test("a program on PATH gets title and text, on one line and without a key, whatever a relay said", async () => {
  using home = makeTempHome();
  const { program } = findDesktop();
  const seen = join(home.path, "seen");
  chmodSync(home.write(`bin/${program}`, `#!/bin/sh\nprintf '%s\\n' "$@" > ${seen}\n`), 0o755);
  const sample = tellSample("hop", NOON);
  const said = `-x $(touch ${home.path}/owned)\n\u001b[31mkey sk-ant-api03-abcdefghijklmnop "; touch owned`;
  const upstream = { service: "claude", label: "main#1", baseUrl: "https://relay.example" };
  const event = {
    kind: "exhausted",
    upstream,
    until: null,
    reason: { rule: "as-told", words: said },
  } as unknown as AppEvent;
  const last = { ...tellEvent(event, NOON), labels: [] };
  const options = { env: { PATH: `${join(home.path, "bin")}:/usr/bin:/bin` }, screen: SCREEN };
  const ran = await sendNotice(makeNotice({ count: 1, first: sample, last }), "desktop", options);
  expect(ran).toMatchObject({ problem: null, exitCode: 0 });
  const lines = readFileSync(seen, "utf8").trimEnd().split("\n").slice(-2);
  expect(lines[0]).toBe("codex-helper: Claude Code");
  expect(lines[1]).toMatch(/^spent \(-x \$\(touch .*owned\) key sk-….*"; touch owned\)$/);
  expect(lines.join("")).not.toContain("abcdefgh");
  expect(await Bun.file(join(home.path, "owned")).exists()).toBe(false);
});
