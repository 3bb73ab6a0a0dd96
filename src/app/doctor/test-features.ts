// `ch doctor --probe --features`: what of a client's newest release an upstream takes, asked with small requests: its flags and
// fields, streams, tools, compressed bodies, a WebSocket, and the requests besides turns. What it refuses is learned for the next turns.
import { zstdCompressSync } from "node:zlib";
import { onUserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import { modelAt, type Upstream } from "../../base/upstream.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { FeatureFacts } from "../../doctor/facts.ts";
import { findMoreDrops, drop } from "../../proxy/drop.ts";
import { makeRequestHeaders } from "../../proxy/headers.ts";
import { Traits } from "../../proxy/request-traits.ts";
import { joinTargetUrl } from "../../proxy/target-url.ts";
import { classifyAttempt } from "../../routing/classify.ts";
import { nameOfThing } from "../../routing/droppable.ts";
import { createLearned, nameOf } from "../../routing/learned.ts";
import type { RefusedThing, RoutingSettings } from "../../routing/types.ts";
import { readInstances } from "../../state/instances.ts";
import { updateState } from "../../state/state-file.ts";
import { tellInstance } from "../ask-instance.ts";

export interface FeatureOptions {
  /** As the client would ask for it. */
  readonly model: string;
  readonly routing: RoutingSettings;
  /** Of the client that is installed; null where none is. */
  readonly version: string | null;
  readonly paths: Paths;
  /** Wall clock, ms. */
  readonly now: () => number;
}

const WAIT_MS = 60_000;
const MOST_DROPS = 8;
const MAX_BODY = 64 * 1024;

/** Never throws, and writes only what it learned. The upstream has answered a plain request before. */
export async function testFeatures(upstream: Upstream, options: FeatureOptions): Promise<FeatureFacts> {
  const { release, testRequest } = CLIENTS[upstream.service];
  const plain = testRequest.body(modelAt(upstream, options.model));
  const text = JSON.stringify({ ...plain, ...release.body });
  const whole = {
    method: "POST",
    path: testRequest.path,
    headers: { ...testRequest.headers, ...release.headers },
  };
  // By that plain request, which a document is no answer to.
  const takes = ["stream"];
  const lacks: string[] = [];
  const [turn] = await Promise.all([
    findWhatItTakes(upstream, { ...whole, body: Buffer.from(text) }, options),
    ...listRequests(upstream, plain).map(async ({ name, ...request }) => {
      const answer = await send(upstream, request);
      const isTaken = answer !== null && (request.wanted ?? ((status) => status < 400))(answer.status);
      (isTaken ? takes : lacks).push(name);
    }),
  ]);
  if (turn.dropped.length > 0) await learn(upstream, turn.dropped, options);
  return {
    label: upstream.label,
    takes: takes.toSorted(),
    lacks: lacks.toSorted(),
    dropped: turn.dropped.map(nameOfThing),
    refused: turn.refused.map(nameOfThing),
    isAnswered: turn.isAnswered,
  };
}

interface FeatureRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Default: any that is no error. */
  readonly wanted?: (status: number) => boolean;
}

function listRequests(upstream: Upstream, plain: object): (FeatureRequest & { readonly name: string })[] {
  const { release, testRequest } = CLIENTS[upstream.service];
  const { headers, path } = testRequest;
  const { stream: _stream, max_tokens: _most, ...counted } = plain as Record<string, unknown>;
  const turn = { method: "POST", path, headers };
  const others = Object.entries(release.requests).map(([name, at]) => ({
    name,
    method: "POST",
    path: at,
    headers,
    body: Buffer.from(JSON.stringify(counted)),
  }));
  const socket = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  return [
    { name: "models", method: "GET", path: "/v1/models", headers, body: null },
    ...others,
    { ...turn, name: "tools", body: Buffer.from(JSON.stringify({ ...plain, tools: [release.tool] })) },
    {
      ...turn,
      name: "zstd",
      headers: { ...headers, "content-encoding": "zstd" },
      body: zstdCompressSync(JSON.stringify(plain)),
    },
    ...(release.hasSockets
      ? [
          {
            name: "WebSocket",
            method: "GET",
            path,
            headers: { ...headers, ...socket, "sec-websocket-key": "Y29kZXgtaGVscGVyLXRlc3Q=" },
            body: null,
            wanted: (status: number) => status === 101,
          },
        ]
      : []),
  ];
}

interface Taken {
  readonly isAnswered: boolean;
  readonly dropped: readonly RefusedThing[];
  readonly refused: readonly RefusedThing[];
}

/** Asks with everything, and again without what is refused and may be left out. */
async function findWhatItTakes(
  upstream: Upstream,
  request: FeatureRequest & { readonly body: Uint8Array },
  { now, routing }: FeatureOptions,
): Promise<Taken> {
  const traits = new Traits(request.method, request.path, new Headers(request.headers), request.body);
  const dropped: RefusedThing[] = [];
  for (let turn = 0; turn <= MOST_DROPS; turn += 1) {
    const headers = new Headers(request.headers);
    const { body } = drop(dropped, request.body, headers);
    const answer = await send(upstream, { ...request, headers: Object.fromEntries(headers), body });
    if (answer === null) return { isAnswered: false, dropped: [], refused: [] };
    if (answer.status < 400) return { isAnswered: true, dropped, refused: [] };
    const outcome = { kind: "status", ...answer } as const;
    const { refused = [] } = classifyAttempt(outcome, upstream, {
      now: now(),
      settings: routing,
      request: traits,
    });
    const more = findMoreDrops(refused, traits, dropped);
    if (more.length === 0) return { isAnswered: false, dropped: [], refused };
    dropped.push(...more);
  }
  return { isAnswered: false, dropped: [], refused: dropped };
}

/** Null where there is no answer. A turn is not read to its end. */
async function send(
  upstream: Upstream,
  { body, headers, method, path }: FeatureRequest,
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: string } | null> {
  const { baseUrl, proxy, query, service } = upstream;
  const url = joinTargetUrl({ service, baseUrl, path, search: "", query });
  if (url === null) return null;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), WAIT_MS);
  try {
    const response = await fetch(url, {
      method,
      headers: makeRequestHeaders({
        client: new Headers({ "content-type": "application/json", ...headers }),
        upstream,
        ownedNames: new Set(),
        decoded: false,
        keepTurnState: false,
        instance: "doctor",
        replaced: {},
      }),
      body,
      signal: over.signal,
      redirect: "manual",
      proxy,
    });
    const { status } = response;
    const text = status < 400 ? "" : (await response.text()).slice(0, MAX_BODY);
    return { status, headers: response.headers, body: text };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** For each program of the client, as it is installed; running proxies take it up. */
async function learn(
  upstream: Upstream,
  things: readonly RefusedThing[],
  { now, paths, version }: FeatureOptions,
): Promise<void> {
  if (version === null) return;
  const learned = createLearned(now);
  for (const agent of CLIENTS[upstream.service].release.agents)
    learned.noteDrops(upstream.key, { client: `${agent}/${version}` }, things);
  const entries = Object.fromEntries(learned.all().map((entry) => [nameOf(entry), entry]));
  await updateState(paths, (state) => ({ ...state, learned: { ...state["learned"], ...entries } })).catch(
    onUserError(() => undefined),
  );
  const instances = await readInstances(paths.run);
  const own = instances.filter(({ service }) => service === upstream.service);
  await Promise.all(
    own.map((instance) =>
      tellInstance(instance, "learned", { query: { entries: JSON.stringify(entries) } }).catch(
        onUserError(() => undefined),
      ),
    ),
  );
}
