import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { createLiveConfig } from "../../../src/app/live-config.ts";
import { createLivePrices } from "../../../src/app/spend/live-prices.ts";
import { createSpendBook } from "../../../src/app/spend/spend-book.ts";
import { readSpendFile } from "../../../src/app/spend/spend-file.ts";
import { inEnglish } from "../../../src/base/text.ts";
import { type LogEntry, makeLogLine } from "../../../src/log/entry.ts";
import { createLogWriter } from "../../../src/log/writer.ts";
import { createSpend } from "../../../src/usage/spend.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";
import { makeEntry } from "../../log/make-entry.ts";

/** Costs a dollar by the prices below. */
const USAGE = { input_tokens: 1_000_000, output_tokens: 0 };
const PRICES = [{ model: "*", input: 1, output: 1 }];
let clock = new Date(2026, 10, 29, 12).getTime();

function makeHome(): TempHome {
  const home = makeTempHome();
  home.write(".codex-helper/prices.json", PRICES);
  mkdirSync(dirname(home.paths.requestsLog), { recursive: true });
  return home;
}

/** One run of a proxy, without the proxy. */
function startRun({ env, paths }: TempHome) {
  const context = { paths, env, now: () => clock };
  const troubles: string[] = [];
  const book = createSpendBook({
    ...context,
    prices: createLivePrices({ ...context, live: createLiveConfig(context) }),
    onTrouble: (words) => void troubles.push(inEnglish(words)),
  });
  const log = createLogWriter(paths.requestsLog, { onTrouble: () => {} });
  return {
    book,
    troubles,
    /** `isLogged` false: the disk was full just then. */
    request(isLogged = true): LogEntry {
      clock += 10;
      const times = { timestamp_ms: clock - 5, duration_ms: 5 };
      const entry = book.number(makeEntry({ ...times, model: "m", usage: USAGE }));
      book.note(entry, isLogged && log.append(entry));
      return entry;
    },
    save: () => book.stop(),
    kill: () => log.close(),
  };
}

async function readLedger({ paths }: TempHome) {
  const { problem, saved } = await readSpendFile(paths.spend);
  expect(problem).toBeNull();
  const rows = [...createSpend(saved).rowsOf("")].map(([, row]) => row);
  const sumOf = (count: "requests" | "usd"): number => rows.reduce((total, row) => total + row[count], 0);
  return { requests: sumOf("requests"), usd: Math.round(sumOf("usd")) };
}

async function countAll(home: TempHome): Promise<number> {
  const run = startRun(home);
  run.request();
  await run.save();
  return (await readLedger(home)).usd - 1;
}

describe("the ledger", () => {
  test("has what each run adds, whichever saves first, in a private file", async () => {
    using home = makeHome();
    const [one, other] = [startRun(home), startRun(home)];
    one.request();
    other.request();
    await Promise.all([one.save(), other.save()]);
    expect(await readLedger(home)).toEqual({ requests: 2, usd: 2 });
    other.request();
    one.request();
    one.request(false);
    await other.save();
    await Promise.all([one.save(), other.save(), one.save()]);
    expect(await readLedger(home)).toEqual({ requests: 5, usd: 5 });
    expect(statSync(home.paths.spend).mode & 0o777).toBe(0o600);
    expect(readdirSync(home.paths.home).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  test("has the lines of a run that was killed, once", async () => {
    using home = makeHome();
    const killed = startRun(home);
    for (let index = 0; index < 5; index += 1) killed.request();
    killed.kill();
    expect(await countAll(home)).toBe(5);
    expect(await countAll(home)).toBe(6);
  });

  test("has the lines that were written while the log was rotated", async () => {
    using home = makeHome();
    const run = startRun(home);
    run.request();
    await run.save();
    run.request();
    renameSync(home.paths.requestsLog, `${home.paths.requestsLog}.1`);
    // Still goes into the file that was moved.
    run.request();
    const next = startRun(home);
    next.request();
    await next.save();
    run.request();
    run.kill();
    expect(await countAll(home)).toBe(5);
  });

  test.each<[string, (log: string) => void]>([
    ["emptied", (log) => truncateSync(log, 0)],
    ["removed", (log) => rmSync(log)],
    ["written anew by another program", (log) => writeFileSync(log, "not ours\n")],
    ["replaced by a copy", (log) => (copyFileSync(log, `${log}.new`), renameSync(`${log}.new`, log))],
    ["edited in its middle", (log) => writeFileSync(log, readFileSync(log, "utf8").replace("main", "MAIN"))],
    ["written twice into one file", (log) => appendFileSync(log, readFileSync(log))],
    ["cut in the middle of a line", (log) => truncateSync(log, statSync(log).size - 20)],
    ["copied beside itself", (log) => copyFileSync(log, `${log}.1`)],
  ])("loses and doubles nothing where the log was %s", async (_, change) => {
    using home = makeHome();
    const run = startRun(home);
    for (let index = 0; index < 3; index += 1) run.request();
    await run.save();
    change(home.paths.requestsLog);
    run.request();
    await run.save();
    expect(await readLedger(home)).toEqual({ requests: 4, usd: 4 });
    expect(await countAll(home)).toBe(4);
  });

  test("has what could not be logged", async () => {
    using home = makeHome();
    const run = startRun(home);
    rmSync(dirname(home.paths.requestsLog), { recursive: true });
    run.request(false);
    run.request(false);
    await run.save();
    expect(await readLedger(home)).toEqual({ requests: 2, usd: 2 });
  });

  test("has what a log that cannot be read cannot say, and later what that log has", async () => {
    using home = makeHome();
    const log = home.paths.requestsLog;
    const earlier = startRun(home);
    earlier.request();
    renameSync(log, `${log}.kept`);
    mkdirSync(log);
    const run = startRun(home);
    let changes = 0;
    run.book.follow(() => (changes += 1));
    run.request();
    await waitUntil(() => changes > 1);
    expect(run.troubles).toEqual([`cannot read ${log}: it is a directory (EISDIR)`]);
    await run.save();
    expect(await readLedger(home)).toEqual({ requests: 1, usd: 1 });
    rmSync(log, { recursive: true });
    renameSync(`${log}.kept`, log);
    expect(await countAll(home)).toBe(2);
  });

  test("has what went to a log that keeps nothing", async () => {
    using home = makeHome();
    // Windows has no such device.
    if (process.platform === "win32") mkdirSync(home.paths.requestsLog);
    else symlinkSync("/dev/null", home.paths.requestsLog);
    const run = startRun(home);
    await run.book.load();
    run.request();
    await run.save();
    run.request();
    await run.save();
    expect(await readLedger(home)).toEqual({ requests: 2, usd: 2 });
  });

  test("is made anew from the log where it is missing", async () => {
    using home = makeHome();
    const run = startRun(home);
    run.request();
    run.request();
    // A line of an older version has no number, and one that is being written no end.
    appendFileSync(
      home.paths.requestsLog,
      makeLogLine(makeEntry({ timestamp_ms: clock, model: "m", usage: USAGE })),
    );
    appendFileSync(home.paths.requestsLog, '{"timestamp_ms":1');
    await run.save();
    expect(await readLedger(home)).toEqual({ requests: 3, usd: 3 });
    rmSync(home.paths.spend);
    expect(await countAll(home)).toBe(3);
  });

  test.each(["", "{", '{"version":1}', "\u0000\u0000", "[]"])(
    "is kept aside and made anew where it holds %j, which is told",
    async (text) => {
      using home = makeHome();
      const first = startRun(home);
      first.request();
      await first.save();
      writeFileSync(home.paths.spend, text);
      const run = startRun(home);
      run.request();
      await run.save();
      expect(await readLedger(home)).toEqual({ requests: 2, usd: 2 });
      const [aside = ""] = readdirSync(home.paths.backups);
      expect(await Bun.file(`${home.paths.backups}/${aside}`).text()).toBe(text);
      expect(run.troubles).toEqual([
        `${home.paths.spend} could not be read: it is kept as ${home.paths.backups}/${aside}, and made anew from the log`,
      ]);
    },
  );

  test("that is no file stays where it is, which is told to whoever has a budget", async () => {
    using home = makeHome();
    mkdirSync(home.paths.spend);
    const run = startRun(home);
    run.request();
    await run.save();
    expect(run.troubles).toEqual([]);
    await run.book.load();
    run.request();
    await run.save();
    expect(run.troubles).toEqual([
      `what was spent cannot be saved: cannot read ${home.paths.spend}: it is a directory (EISDIR)`,
    ]);
    rmSync(home.paths.spend, { recursive: true });
    await run.save();
    expect(await readLedger(home)).toEqual({ requests: 2, usd: 2 });
  });

  test("keeps the price of then when prices change", async () => {
    using home = makeHome();
    const run = startRun(home);
    run.request();
    await run.save();
    home.write(".codex-helper/prices.json", [{ model: "*", input: 5, output: 1 }]);
    expect((await countAll(home)) + 1).toBe(1 + 5);
  });

  test("is not written where nothing is to be counted", async () => {
    using home = makeHome();
    const run = startRun(home);
    await run.save();
    expect(existsSync(home.paths.spend)).toBe(false);
  });

  test("waits for prices that can be read", async () => {
    using home = makeHome();
    home.write(".codex-helper/prices.json", "[{");
    const run = startRun(home);
    run.request();
    await run.save();
    expect(existsSync(home.paths.spend)).toBe(false);
    home.write(".codex-helper/prices.json", PRICES);
    expect(await countAll(home)).toBe(1);
  });
});

/** What may happen to two runs and their log. */
const steps = fc.constantFrom(
  "request 0",
  "request 1",
  "lost 0",
  "save 0",
  "save 1",
  "need 0",
  "need 1",
  "kill 0",
  "kill 1",
  "rotate",
  "replace",
  "empty",
  "remove ledger",
  "restore ledger",
  "older line",
);

test("counts every request once, whatever happens to runs, log and ledger", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (list) => {
      using home = makeHome();
      const log = home.paths.requestsLog;
      const runs = [startRun(home), startRun(home)];
      const copy = `${home.paths.spend}.copy`;
      const isLogWhole = !list.some((one) => ["empty", "rotate", "lost 0"].includes(one));
      let expected = 0;
      const saveAll = async (): Promise<void> => {
        for (const run of runs) await run.save();
        // What killed runs left.
        if (expected > 0) await startAndSave();
      };
      const startAndSave = async (): Promise<void> => {
        const run = startRun(home);
        run.request();
        expected += 1;
        await run.save();
      };
      for (const step of list) {
        const [what, which] = step.split(" ");
        const index = which === "1" ? 1 : 0;
        const run = runs[index];
        if (run === undefined) continue;
        if (what === "request" || what === "lost") {
          run.request(what === "request");
          expected += 1;
        } else if (what === "save") await run.save();
        // From now on it has the ledger in memory.
        else if (what === "need") await run.book.load();
        else if (what === "kill") {
          // What the log does not have dies with it.
          if (list.includes("lost 0")) await run.save();
          run.kill();
          runs[index] = startRun(home);
        } else if (what === "rotate" && existsSync(log)) renameSync(log, `${log}.1`);
        else if (what === "replace" && existsSync(log)) {
          copyFileSync(log, `${log}.copy`);
          renameSync(`${log}.copy`, log);
        } else if (what === "older" && existsSync(log)) {
          clock += 10;
          appendFileSync(
            log,
            makeLogLine(makeEntry({ timestamp_ms: clock, duration_ms: 0, model: "m", usage: USAGE })),
          );
          clock += 10;
          expected += 1;
        } else if (what === "empty" && existsSync(log)) {
          await saveAll();
          truncateSync(log, 0);
        } else if (what === "remove" && isLogWhole) rmSync(home.paths.spend, { force: true });
        else if (what === "restore" && isLogWhole && existsSync(home.paths.spend)) {
          // The next time it is the older one.
          if (existsSync(copy)) copyFileSync(copy, home.paths.spend);
          else copyFileSync(home.paths.spend, copy);
        }
      }
      await saveAll();
      if (expected > 0) expect(await readLedger(home)).toEqual({ requests: expected, usd: expected });
    }),
    { numRuns: process.env["VERIFY"] === "full" ? 500 : 40 },
  );
});
