// The live view while it runs: hears the proxies, draws what has changed, takes keys. Everything that it shows comes from the
// proxies' events and from the files that `ch status` reads; what a key changes goes through the operations of other commands.
import { createLiveConfig } from "../../../app/live-config.ts";
import { type ProxyNews, watchProxies } from "../../../app/serve/watch.ts";
import { directoryOrSession, nameDirectories } from "../../../app/session/directories.ts";
import { createLivePrices } from "../../../app/spend/live-prices.ts";
import { readToday } from "../../../app/status/today.ts";
import { onUserError } from "../../../base/errors.ts";
import type { Service } from "../../../base/service.ts";
import { VERSION } from "../../../base/version.ts";
import type { LogRecord } from "../../../log/record.ts";
import { readLogBackward } from "../../../log/reader.ts";
import type { Instance } from "../../../state/instances.ts";
import type { Pricer } from "../../../usage/prices.ts";
import type { Cli } from "../../cli.ts";
import { openFullScreen } from "../../full-screen.ts";
import { t, tell } from "../../language.ts";
import { wrapWords } from "../../layout.ts";
import { createLiveLog } from "../../live-log.ts";
import { paintText } from "../../output.ts";
import { describeRecord } from "../../request-line.ts";
import type { Canvas } from "../../terminal.ts";
import { ACTIONS, type Action, act, listConfigs } from "./actions.ts";
import { describeHelp, describeRow, drawPage } from "./details.ts";
import { type Row, createTopModel } from "./model.ts";
import { drawScreen } from "./screen.ts";

export interface TopViewOptions {
  readonly services: readonly Service[];
  /** It runs in front of the proxy itself: leaving it ends both. */
  readonly endsProxy: boolean;
}

export type TopView = Awaited<ReturnType<typeof openTopView>>;

const DRAW_AFTER_MS = 50;
const CLOCK_MS = 1_000;
/** Costs and failures of today, and the configs, are read again so long after something has happened. */
const READ_AFTER_MS = 1_000;
const MOST_EVENTS = 500;
const MOST_EARLIER = 50;
const MOST_BATCHES = 4;
/** A session's file may be written after its first request. */
const MOST_LOOKS = 3;

export async function openTopView(cli: Cli, canvas: Canvas, { endsProxy, services }: TopViewOptions) {
  const { now, out, paths } = cli;
  const paint = (colour: Parameters<typeof paintText>[1], text: string): string =>
    paintText(canvas.hasColours, colour, text);
  const model = createTopModel();
  const ended = Promise.withResolvers<number>();
  const events: string[] = [];
  let costOf: Pricer["costOf"] | null = null;
  let selected: string | null = null;
  let place = 0;
  let page: { readonly kind: "help" | "details"; readonly id: string | null; first: number } | null = null;
  let filter = "";
  let isTyping = false;
  let asked: Action | null = null;
  let message: string | null = null;
  let isClosed = false;
  const timers = new Map<string, Timer>();
  /** Does the work once, so long after the first call. */
  const soon = (name: string, ms: number, work: () => unknown): void => {
    if (isClosed || timers.has(name)) return;
    timers.set(
      name,
      setTimeout(() => {
        timers.delete(name);
        work();
      }, ms),
    );
  };

  const log = createLiveLog({
    paint,
    now,
    tidy: out.surface.tidy,
    width: () => screen.size().columns - 2,
    print(line) {
      events.push(line);
      if (events.length > MOST_EVENTS) events.shift();
      redraw();
    },
    replace(line) {
      events[Math.max(0, events.length - 1)] = line;
      redraw();
    },
    get hasServices() {
      return new Set(model.proxies().map(({ instance }) => instance.service)).size > 1;
    },
    isBusy: () => model.runningCount() > 0,
    later(work, ms) {
      const timer = setTimeout(work, ms).unref();
      return () => clearTimeout(timer);
    },
  });
  const say = (words: string): void => log.notice(words);

  const matches = (text: string): boolean => text.toLowerCase().includes(filter.toLowerCase());
  const listRows = (): Row[] =>
    [...model.upstreams(), ...model.configs(), ...model.requests()].filter(
      (row) => filter === "" || matches(textOf(row)),
    );
  const findSelected = (rows: readonly Row[]): Row | null => {
    const at = rows.findIndex(({ id }) => id === selected);
    // The next one takes its place.
    place = at >= 0 ? at : Math.max(0, Math.min(place, rows.length - 1));
    const row = rows[place] ?? null;
    selected = row?.id ?? null;
    return row;
  };
  /** A question is read to its end before it is answered: it has as many lines as it takes. */
  const footOf = (columns: number): string[] | null => {
    if (asked?.question != null)
      return wrapWords(asked.question, columns).map((line) => paint("yellow", line));
    if (isTyping) return [`/${filter}_  ${paint("dim", t`enter keeps it, esc shows all`)}`];
    return message === null ? null : wrapWords(message, columns);
  };
  const draw = (): void => {
    if (isClosed) return;
    const size = screen.size();
    const rows = listRows();
    const row = findSelected(rows);
    if (page !== null) {
      const shown = page.kind === "help" ? null : ([...rows].find(({ id }) => id === page?.id) ?? null);
      const lines =
        page.kind === "help"
          ? describeHelp({ endsProxy }, size.columns)
          : shown === null
            ? [t`it is not known any more`]
            : describeRow(shown, { paint, now: now(), costOf }, size.columns);
      page.first = Math.max(0, Math.min(page.first, lines.length - size.rows + 1));
      return screen.draw(drawPage(lines, page.first, size, paint));
    }
    screen.draw(
      drawScreen(
        {
          model,
          rows,
          events: filter === "" ? events : events.filter(matches),
          selected: row?.id ?? null,
          filter,
          foot: footOf(size.columns),
          version: VERSION,
          now: now(),
        },
        size,
        paint,
      ),
    );
  };
  const redraw = (): void => soon("draw", DRAW_AFTER_MS, draw);

  const readFiles = async (): Promise<void> => {
    const loadPrices = () => Promise.resolve(costOf);
    const [today, configs] = await Promise.all([
      readToday({ path: paths.requestsLog, ledger: paths.spend, now: now(), loadPrices }),
      listConfigs(cli, services),
    ]);
    model.noteToday(today === null ? null : new Map([...today].filter(([one]) => services.includes(one))));
    model.noteConfigs(configs);
    redraw();
  };
  const projects = createProjectNames(cli);
  const readProjects = async (): Promise<void> => {
    if (await projects.look(model.sessions())) redraw();
  };
  model.noteProjects(projects.of);

  const hear = (instance: Instance, news: ProxyNews): void => {
    model.hear(instance, news);
    if (news.kind === "request") log.request(news.record, costOf?.(news.record) ?? null);
    else if (news.kind === "event") log.event(news.event);
    else if (news.kind === "notice") log.notice(tell(news.words));
    else if (news.kind === "trouble") log.notice(paint("yellow", tell(news.words)));
    else if (news.kind === "missed") log.notice(t`this screen was behind: ${news.count} lines are left out`);
    if (news.kind !== "running") soon("read", READ_AFTER_MS, readFiles);
    soon("projects", READ_AFTER_MS, readProjects);
    redraw();
  };

  const press = (key: string): void => {
    const name = KEYS[key] ?? key;
    if (name === "interrupt") return ended.resolve(130);
    if (asked !== null) return answer(key);
    if (isTyping) type(name, key);
    else if (page !== null) turn(name);
    else command(name);
    redraw();
  };
  const answer = (key: string): void => {
    const action = asked;
    asked = null;
    message = null;
    if (action !== null && key.toLowerCase() === "y") perform(action);
    redraw();
  };
  const perform = (action: Action): void => {
    void act(action).then((words) => {
      message = words;
      if (!isClosed) void readFiles();
    });
  };
  const type = (name: string, key: string): void => {
    if (name === "enter") isTyping = false;
    else if (name === "escape") {
      isTyping = false;
      filter = "";
    } else if (name === "backspace") filter = filter.replace(/.$/u, "");
    else if (name === key && key >= " ") filter += key;
  };
  const turn = (name: string): void => {
    if (page === null) return;
    const step = STEPS[name];
    if (step !== undefined) page.first = Math.max(0, page.first + step);
    else if (name === "q") command(name);
    else page = null;
  };
  const command = (name: string): void => {
    message = null;
    const rows = listRows();
    const row = findSelected(rows);
    const step = STEPS[name];
    if (step !== undefined) {
      place = Math.max(0, Math.min(rows.length - 1, place + step));
      selected = rows[place]?.id ?? null;
    } else if (name === "enter" && row !== null) page = { kind: "details", id: row.id, first: 0 };
    else if (name === "?") page = { kind: "help", id: null, first: 0 };
    else if (name === "/") isTyping = true;
    else if (name === "escape") filter = "";
    else if (name === "q") quit();
    else if (Object.hasOwn(ACTIONS, name)) {
      const action = ACTIONS[name]?.(cli, row, model.proxies()) ?? "";
      if (typeof action === "string") message = action;
      else if (action.question === null) perform(action);
      else asked = action;
    }
  };
  const quit = (): void => {
    if (!endsProxy) return ended.resolve(0);
    page = null;
    const run = (): Promise<string> => {
      ended.resolve(0);
      return Promise.resolve("");
    };
    asked = { question: t`stop the proxy and restore the clients? y: yes, any other key: no`, run };
  };

  const screen = openFullScreen(canvas, { onKey: press, onResize: draw });
  const clock = setInterval(draw, CLOCK_MS);
  const watching = await watchProxies({ paths, services, onNews: hear });
  const start = async (): Promise<void> => {
    const prices = createLivePrices({ paths, live: createLiveConfig(cli), now });
    costOf = await prices.costOf().catch(onUserError(() => null));
    for (const record of await readEarlier(cli, services)) {
      model.note(record);
      const cost = costOf?.(record) ?? null;
      const line = describeRecord(record, paint, { cost, width: screen.size().columns - 2 });
      if (new Date(record.timestamp_ms).toDateString() === new Date(now()).toDateString()) events.push(line);
    }
    await readFiles();
    await readProjects();
  };
  start().catch((error: unknown) => ended.reject(error));
  return {
    /** The exit code, when a key has ended it. */
    ended: ended.promise,
    say,
    async close(): Promise<void> {
      isClosed = true;
      watching.stop();
      clearInterval(clock);
      for (const timer of timers.values()) clearTimeout(timer);
      await screen.close();
    },
  };
}

/** As terminals send them: https://invisible-island.net/xterm/ctlseqs/ctlseqs.html */
const KEYS: Readonly<Record<string, string>> = {
  "\u0003": "interrupt",
  "\u001b": "escape",
  "\r": "enter",
  "\n": "enter",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u001b[A": "up",
  "\u001bOA": "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  "\u001b[5~": "pageup",
  "\u001b[6~": "pagedown",
  "\u001b[H": "home",
  "\u001b[1~": "home",
  "\u001b[F": "end",
  "\u001b[4~": "end",
};

const STEPS: Readonly<Record<string, number>> = {
  up: -1,
  k: -1,
  down: 1,
  j: 1,
  pageup: -10,
  pagedown: 10,
  home: -Infinity,
  end: Infinity,
};

/** What a filter is looked for in. */
function textOf(row: Row): string {
  if (row.kind === "config") return `${row.name} ${row.service}`;
  if (row.kind === "upstream") return `${row.facts.label} ${row.facts.base_url} ${row.service}`;
  const { project, record, running, service } = row;
  const of = running ?? {};
  const { session_id: session, model, upstream } = { upstream: record?.upstream_label, ...record, ...of };
  return [row.id, session, project, model, upstream, service].join(" ");
}

/** The newest that have ended, the oldest of them first. None where the log cannot be read. */
async function readEarlier({ paths }: Cli, services: readonly Service[]): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  let batches = 0;
  const read = async (): Promise<void> => {
    for await (const entries of readLogBackward(paths.requestsLog)) {
      for (const { record } of entries)
        if (found.length < MOST_EARLIER && services.some((one) => one === record.service)) found.push(record);
      if (found.length >= MOST_EARLIER || ++batches >= MOST_BATCHES) break;
    }
  };
  await read().catch(onUserError(() => undefined));
  return found.toSorted((one, other) => one.timestamp_ms - other.timestamp_ms);
}

/** The directory of a session, from its own file: looked for seldom, and kept. */
function createProjectNames({ paths }: Cli) {
  const known = new Map<string, { readonly directory: string | null; readonly looks: number }>();
  return {
    of: (session: string): string | undefined => known.get(session)?.directory ?? undefined,
    /** Was any found? */
    async look(sessions: readonly string[]): Promise<boolean> {
      const wanted = [...new Set(sessions)].filter((id) => {
        const one = known.get(id);
        return one === undefined || (one.directory === null && one.looks < MOST_LOOKS);
      });
      if (wanted.length === 0) return false;
      const keyOf = (id: string): string | null => directoryOrSession({ timestamp_ms: 0, session_id: id });
      const nameOf = await nameDirectories(paths, wanted.map(keyOf));
      for (const id of wanted)
        known.set(id, { directory: nameOf(keyOf(id)), looks: (known.get(id)?.looks ?? 0) + 1 });
      return wanted.some((id) => known.get(id)?.directory !== null);
    },
  };
}
