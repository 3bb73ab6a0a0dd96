// `ch top`: the proxies that run, live on a whole screen, or as lines of JSON.
import { watchProxies } from "../../app/serve/watch.ts";
import { UserError } from "../../base/errors.ts";
import { SERVICES, type Service, flagFor } from "../../base/service.ts";
import { inEnglish } from "../../base/text.ts";
import { findInstances, type Instance } from "../../state/instances.ts";
import { JSON_ARG, SERVICE_ARGS, readService } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { requireCanvas } from "../full-screen.ts";
import { t } from "../language.ts";
import { makeJson } from "../output.ts";
import { listenForSignals } from "../process-events.ts";
import type { ProxyNews } from "../../app/serve/watch.ts";

export const command = defineCommand({
  description: "upstreams, running requests and events, live",
  examples: [
    ["ch top", "the proxies of both clients; ? shows the keys"],
    ["ch top --json", "a JSON object per line: what is, and what happens"],
  ],
  args: { ...SERVICE_ARGS, ...JSON_ARG },
  async run(args, cli) {
    const service = readService(args);
    const services = service === undefined ? SERVICES : [service];
    if (args.json !== true) {
      const canvas = requireCanvas(cli.env, "ch top --json");
      await requireProxy(cli, services);
      return await runScreen(cli, canvas, services);
    }
    await requireProxy(cli, services);
    return await printNews(cli, services);
  },
});

/** Throws UserError where none runs. */
async function requireProxy({ paths }: Cli, services: readonly Service[]): Promise<void> {
  const { running } = await findInstances(paths.run);
  if (running.some((one) => services.includes(one.service))) return;
  const [only, other] = services;
  const hint = only !== undefined && other === undefined ? `ch serve${flagFor(only)}` : "ch serve";
  throw new UserError(t`no proxy is running`, { hint });
}

async function runScreen(
  cli: Cli,
  canvas: ReturnType<typeof requireCanvas>,
  services: readonly Service[],
): Promise<number> {
  const { openTopView } = await import("./top/view.ts");
  const failed = Promise.withResolvers<never>();
  // The terminal is given back before a bug is told.
  const fail = (error: unknown): void => failed.reject(error);
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  using signals = listenForSignals();
  const view = await openTopView(cli, canvas, { services, endsProxy: false });
  try {
    return await Promise.race([view.ended, signals.next(), failed.promise]);
  } finally {
    await view.close();
    process.off("uncaughtException", fail);
    process.off("unhandledRejection", fail);
  }
}

/** Until a signal, or nobody reads any more. */
async function printNews({ now, out, paths }: Cli, services: readonly Service[]): Promise<number> {
  using signals = listenForSignals();
  const failed = Promise.withResolvers<never>();
  const onNews = (instance: Instance, news: ProxyNews): void => {
    try {
      out.line(makeJson(makeLine(instance, news, now()), 0));
    } catch (error) {
      failed.reject(error);
    }
  };
  const watching = await watchProxies({ paths, services, onNews });
  try {
    return await Promise.race([signals.next(), failed.promise]);
  } finally {
    watching.stop();
  }
}

/** With stable names: docs/top.md. */
function makeLine({ pid, port, service }: Instance, news: ProxyNews, now: number): object {
  const head = { type: news.kind, timestamp_ms: now, service, port, pid };
  switch (news.kind) {
    case "proxy":
      return { ...head, ...news.facts };
    case "running":
      return { ...head, ...news.part };
    case "request":
      return { ...head, request: news.line };
    case "event":
      return { ...head, ...news.event.json };
    case "notice":
    case "trouble":
      return { ...head, timestamp_ms: news.at, text: inEnglish(news.words) };
    case "missed":
      return { ...head, count: news.count };
    case "silent":
    case "gone":
      return head;
  }
}
