// One notification and the ways that it can take: the desktop's own program, the terminal's bell, a POST of JSON.
// What it says may come from a relay: it reaches a program as an argument or a variable, never as code, option or markup.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { errorCode } from "../../base/errors.ts";
import { type ProgramRun, runProgram } from "../../base/run-program.ts";
import { maskText } from "../../base/secrets.ts";
import { CLIENT_NAME } from "../../base/service.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { type Text, inEnglish, showMoment, t } from "../../base/text.ts";
import { VERSION } from "../../base/version.ts";
import type { Via } from "../../config/notify.ts";
import { chooseOutboundProxy } from "../../config/outbound-proxy.ts";
import { describeConnection } from "../../routing/reasons.ts";
import { TELL_TIMEOUT_MS } from "./event-hook.ts";
import type { ToldEvent } from "./events.ts";

/** What a person sees and hears of it, where that is ours to give. */
export interface Screen {
  /** In the person's language. */
  readonly say: (words: Text) => string;
  /** Rings the bell of the terminal; false where there is none. */
  readonly ring: () => boolean;
}

export interface Notice {
  readonly title: string;
  readonly words: Text;
  /** For a program. */
  readonly json: Readonly<Record<string, unknown>>;
}

interface SendOptions {
  readonly env: Env;
  readonly screen: Screen;
  readonly signal?: AbortSignal;
  /** Whether what the program prints is wanted. */
  readonly isRead?: boolean;
}

const MOST_CHARS = 300;

/** Of one event, or of the last of several. */
export function makeNotice({
  count,
  first,
  last,
}: {
  readonly count: number;
  readonly first: ToldEvent;
  readonly last: ToldEvent;
}): Notice {
  const [label] = last.labels;
  const line = label === undefined ? last.words : t`${label} ${last.words}`;
  const words =
    count === 1 ? line : t`${line} (and ${count - 1} more since ${showMoment(first.at, last.at)})`;
  const { event, sample, service, timestamp_ms } = last.json;
  const title = service === null ? "codex-helper" : `codex-helper: ${CLIENT_NAME[last.service]}`;
  const json = {
    event,
    timestamp_ms,
    service,
    ...(sample === true ? { sample } : {}),
    upstreams: last.labels,
    count,
    since_ms: first.at,
    title,
    text: tidy(inEnglish(words)),
  };
  return { title, words, json };
}

/** Never throws. */
export async function sendNotice(notice: Notice, via: Via, options: SendOptions): Promise<ProgramRun> {
  if (typeof via === "object") return done(await post(notice.json, via.url, options));
  const { screen } = options;
  if (via === "bell") return done(screen.ring() ? null : t`there is no terminal whose bell could be rung`);
  const { makeWords, program } = findDesktop();
  const path = Bun.which(program, { PATH: readVariable(options.env, "PATH") ?? "" });
  if (path === null) return done(t`${program} is not on PATH`);
  const { variables = {}, words } = makeWords(notice.title, tidy(screen.say(notice.words)));
  const env = { ...options.env, ...variables };
  const ran = await runProgram([path, ...words], "", { ...options, env, timeoutMs: TELL_TIMEOUT_MS });
  return { ...ran, problem: ran.problem === null ? null : t`${program} ${ran.problem}` };
}

/** "desktop", "bell", or the host of an address, whose path may be a secret. */
export function nameWay(via: Via): string {
  return typeof via === "string" ? via : new URL(via.url).host;
}

/** Why nothing can come of it here, and what to type; null where nothing is known to be wrong. Sends nothing. */
export function checkWay(
  via: Via,
  env: Env,
): { readonly problem: Text; readonly hint: Text | string } | null {
  if (typeof via === "object") {
    const proxy = chooseOutboundProxy(via.url, undefined, env);
    return proxy.kind === "refused" ? { problem: proxy.problem, hint: "ch hooks test" } : null;
  }
  if (via === "bell") return null;
  const { hint, program } = findDesktop();
  if (Bun.which(program, { PATH: readVariable(env, "PATH") ?? "" }) === null)
    return { problem: t`${program} is not on PATH`, hint };
  if (program !== "notify-send" || hasSessionBus(env)) return null;
  return {
    problem: t`there is no desktop session here: DBUS_SESSION_BUS_ADDRESS is not set`,
    hint: '"notify": { "via": "bell" }',
  };
}

function hasSessionBus(env: Env): boolean {
  const runtime = readVariable(env, "XDG_RUNTIME_DIR");
  return (
    readVariable(env, "DBUS_SESSION_BUS_ADDRESS") !== undefined ||
    (runtime !== undefined && existsSync(join(runtime, "bus")))
  );
}

const done = (problem: Text | null): ProgramRun => ({ problem, exitCode: null, stdout: "", stderr: "" });

/** One line without a secret, whatever is in it. */
function tidy(text: string): string {
  const line = maskText(oneLine(text));
  return line.length <= MOST_CHARS
    ? line
    : `${Array.from(line)
        .slice(0, MOST_CHARS - 1)
        .join("")}…`;
}

interface Desktop {
  readonly program: string;
  /** Where the program is missing. */
  readonly hint: Text | string;
  readonly makeWords: (
    title: string,
    body: string,
  ) => { readonly words: readonly string[]; readonly variables?: Readonly<Record<string, string>> };
}

/** The script is always the same: what it shows are its arguments. */
const MAC_SCRIPT = [
  "on run argv",
  "display notification (item 2 of argv) with title (item 1 of argv)",
  "end run",
].flatMap((line) => ["-e", line]);

/** As above, by variables. A node of text is no markup. The application is PowerShell: one that is not installed shows nothing. */
const WINDOWS_SCRIPT = [
  "$ErrorActionPreference = 'Stop'",
  `$xml = ${toastType("ToastNotificationManager")}::GetTemplateContent(${toastType("ToastTemplateType")}::ToastText02)`,
  "$texts = $xml.GetElementsByTagName('text')",
  "$null = $texts.Item(0).AppendChild($xml.CreateTextNode($env:CODEX_HELPER_TITLE))",
  "$null = $texts.Item(1).AppendChild($xml.CreateTextNode($env:CODEX_HELPER_TEXT))",
  String.raw`$app = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'`,
  `$toast = ${toastType("ToastNotification")}::new($xml)`,
  `${toastType("ToastNotificationManager")}::CreateToastNotifier($app).Show($toast)`,
].join("; ");

function toastType(name: string): string {
  return `[Windows.UI.Notifications.${name}, Windows.UI.Notifications, ContentType = WindowsRuntime]`;
}

const DESKTOPS: Readonly<Partial<Record<NodeJS.Platform, Desktop>>> = {
  darwin: {
    program: "osascript",
    hint: '"notify": { "via": "bell" }',
    makeWords: (title, body) => ({ words: [...MAC_SCRIPT, title, body] }),
  },
  win32: {
    program: "powershell.exe",
    hint: '"notify": { "via": "bell" }',
    makeWords: (title, body) => ({
      words: ["-NoProfile", "-NonInteractive", "-Command", WINDOWS_SCRIPT],
      variables: { CODEX_HELPER_TITLE: title, CODEX_HELPER_TEXT: body },
    }),
  },
};

const FREEDESKTOP: Desktop = {
  program: "notify-send",
  hint: t`install libnotify (Debian, Ubuntu: apt install libnotify-bin)`,
  // It reads backslashes of the body as in C, and most desktops read that as markup.
  makeWords: (title, body) => ({
    words: [
      "--app-name=codex-helper",
      "--",
      title,
      body.replaceAll("\\", "\\\\").replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
    ],
  }),
};

/** Of the platform that this is, or another one. */
export function findDesktop(platform: NodeJS.Platform = process.platform): Desktop {
  return DESKTOPS[platform] ?? FREEDESKTOP;
}

/** Why it was not taken, or null. Nothing of the address but its host is ever said. */
async function post(json: object, url: string, { env, signal }: SendOptions): Promise<Text | null> {
  const { host } = new URL(url);
  const way = chooseOutboundProxy(url, undefined, env);
  if (way.kind === "refused") return t`${host}: ${way.problem}`;
  const timeout = AbortSignal.timeout(TELL_TIMEOUT_MS);
  const own = new AbortController();
  const signals = [timeout, own.signal, ...(signal === undefined ? [] : [signal])];
  try {
    const { ok, status } = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": `codex-helper/${VERSION}` },
      body: JSON.stringify(json),
      redirect: "manual",
      keepalive: false,
      decompress: false,
      proxy: way.kind === "proxy" ? way.url : false,
      signal: AbortSignal.any(signals),
    });
    return ok ? null : t`${host} answered ${status}`;
  } catch (error) {
    if (timeout.aborted) return t`${host}: no answer within ${TELL_TIMEOUT_MS / 1_000} s`;
    return t`${host}: ${describeConnection(errorCode(error) ?? "unknown")}`;
  } finally {
    // Its body is of no interest.
    own.abort();
  }
}
