// Whom `ch doctor --probe` asks, and for which model. Sends nothing.
import { EXIT, UserError } from "../../base/errors.ts";
import { t } from "../../base/text.ts";
import { SERVICES, SERVICE_FACTS, type Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { parseTarget } from "../../config/name.ts";
import type { ExamineOptions } from "../../doctor/facts.ts";
import { readLogBackward } from "../../log/reader.ts";
import { createLiveConfig, type LiveConfig } from "../live-config.ts";

export interface TestPlan {
  readonly live: LiveConfig;
  /** In the order of the services and of their lists. */
  readonly asked: readonly { readonly upstream: Upstream; readonly model: string }[];
}

export interface TestQuestion {
  /** NAME, NAME#N, or null for every enabled upstream of the active configs. */
  readonly target: string | null;
  /** Null for both services. */
  readonly service: Service | null;
  /** Null for the one that was used last. */
  readonly model: string | null;
}

/** The last requests of one service stand near the end of the log, or it is hardly used. */
const MOST_BATCHES = 4;

/** Throws UserError where there is nobody to ask. */
export async function planTestRequests(question: TestQuestion, options: ExamineOptions): Promise<TestPlan> {
  const live = createLiveConfig(options);
  const { problem } = live.current();
  if (problem !== null) throw problem;
  const services = SERVICES.filter((service) => question.service === null || question.service === service);
  const found = services.map((service) => ({ service, upstreams: findUpstreams(live, service, question) }));
  if (found.every(({ upstreams }) => upstreams.length === 0)) throw noUpstream(question);
  const asked = found
    .filter(({ upstreams }) => upstreams.length > 0)
    .map(async ({ service, upstreams }) => {
      const model = question.model ?? (await chooseModel(service, options));
      return upstreams.map((upstream) => ({ upstream, model }));
    });
  return { live, asked: (await Promise.all(asked)).flat() };
}

/** One that is named is asked although it is disabled. */
function findUpstreams(live: LiveConfig, service: Service, { target }: TestQuestion): readonly Upstream[] {
  if (target === null) {
    const state = live.routeOf(service).state();
    return state.kind === "ready" ? state.route.upstreams : [];
  }
  const { name, position } = parseTarget(target);
  if (!live.current().config.services[service].configs.has(name)) return [];
  return (live.routeOf(service, name).listUpstreams()?.entries ?? [])
    .map(({ upstream }) => upstream)
    .filter((upstream) => position === null || upstream.position === position);
}

function noUpstream({ target }: TestQuestion): UserError {
  if (target === null) {
    const hint = "ch config add main --base-url URL --auth-token-env NAME";
    return new UserError(t`there is no upstream to test`, { hint });
  }
  return new UserError(t`there is no upstream "${target}"`, {
    hint: SERVICES.map((service) => `ch config list ${SERVICE_FACTS[service].flag}`).join("\n"),
    exitCode: EXIT.failed,
  });
}

/** What was asked for last, else what the client is set to, else a usual one. */
async function chooseModel(service: Service, options: ExamineOptions): Promise<string> {
  return (
    (await findLoggedModel(service, options.paths.requestsLog)) ??
    (await findClientModel(service, options)) ??
    CLIENTS[service].defaultModel
  );
}

async function findLoggedModel(service: Service, path: string): Promise<string | null> {
  let batches = 0;
  try {
    for await (const entries of readLogBackward(path)) {
      const found = entries.find(({ record }) => record.service === service && record.model !== undefined)
        ?.record.model;
      if (found !== undefined) return found;
      if (++batches === MOST_BATCHES) break;
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  return null;
}

async function findClientModel(service: Service, options: ExamineOptions): Promise<string | null> {
  try {
    return await CLIENTS[service].readModel(options);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
