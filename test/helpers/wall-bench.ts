// A proxy with a project behind a wall: the first upstream of both clients records what comes, and no word of the project may.
import { mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../src/app/serve/serve.ts";
import { GOOD, reply } from "./answers.ts";
import { type ClientRequest, type ClientSays, claudeRequest, codexRequest } from "./client-requests.ts";
import { type RunningProxy, startConfiguredProxy } from "./configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "./fake-upstream.ts";
import { waitUntil } from "./wait.ts";

const GIT_ENV = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((who) => [
    [`GIT_${who}_NAME`, "A"],
    [`GIT_${who}_EMAIL`, "a@example.com"],
  ]),
);

/** What `ch routing explain` says of the project. */
interface Explained {
  readonly project?: string | null;
  readonly wall?: string;
  readonly places: readonly { readonly label: string; readonly standing: string }[];
}

export interface WallBench extends AsyncDisposable {
  readonly proxy: RunningProxy;
  /** The first upstream of both clients, which no request of the project may reach. */
  readonly outside: FakeUpstream;
  readonly inside: FakeUpstream;
  /** A path in the home. */
  at(path: string): string;
  send(service: "codex" | "claude", request: ClientRequest, method?: string): Promise<Response>;
  /** Ends the proxy and starts another one in the same home. */
  restart(): Promise<void>;
  /** Writes config.json with other settings, and waits until the running proxy says the same of the project. */
  configure(
    settings: Readonly<Record<string, unknown>>,
    isThere: (explained: Explained) => boolean,
  ): Promise<void>;
}

const MODELS = reply({
  headers: { "content-type": "application/json" },
  body: '{"object":"list","data":[{"id":"m"}],"models":[]}',
});

export const answerAny = ({ method, target }: { readonly method: string; readonly target: string }) => {
  if (method !== "POST") return MODELS;
  if (target.includes("count_tokens"))
    return reply({ headers: { "content-type": "application/json" }, body: '{"input_tokens":7}' });
  if (target.includes("chat")) return GOOD.chat();
  return target.includes("messages") ? GOOD.messages() : GOOD.responses();
};

/** `~/work/acme` is a repository behind a wall, `~/open` one without. */
export async function startWallBench(settings: Readonly<Record<string, unknown>> = {}): Promise<WallBench> {
  const outside = await startFakeUpstream(answerAny);
  const inside = await startFakeUpstream(answerAny);
  const proxy = await startConfiguredProxy({
    codex: [outside, inside],
    claude: [outside, inside],
    settings: { projects: { "~/work/acme/**": { allow: ["main#2"] } }, ...settings },
  });
  const home = realpathSync(proxy.home.path);
  const at = (path: string): string => join(home, path);
  const git = (directory: string, ...words: string[]): void => {
    const { exitCode, stderr } = Bun.spawnSync(["git", ...words], {
      cwd: at(directory),
      env: { ...proxy.home.env, ...GIT_ENV },
    });
    if (exitCode !== 0) throw new Error(stderr.toString());
  };
  for (const directory of ["work/acme/sub", "open/sub", "plain"])
    mkdirSync(at(directory), { recursive: true });
  for (const repository of ["work/acme", "open"]) {
    git(repository, "init", "-q");
    git(repository, "commit", "-q", "--allow-empty", "-m", "first");
  }
  git("work/acme", "worktree", "add", "-q", at("trees/acme-fix"));
  git("work/acme", "worktree", "add", "-q", at("trees/acme-moves"));
  git("open", "worktree", "add", "-q", at("trees/open-fix"));
  symlinkSync(at("work/acme"), at("link"));
  let ports: Readonly<Record<string, number>> = proxy.ports;
  let stop = (): Promise<void> => proxy.stop(0);
  return {
    proxy,
    outside,
    inside,
    at,
    send: (service, { body, headers, path }, method = "POST") =>
      fetch(`http://127.0.0.1:${ports[service]}${path}`, {
        method,
        headers,
        ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
      }),
    async restart() {
      await stop();
      const serving = await serve({
        paths: proxy.home.paths,
        env: proxy.home.env,
        services: SERVICES,
        port: 0,
        onRequest: () => {},
        onTrouble: () => {},
      });
      ports = Object.fromEntries(serving.served.map(({ port, service }) => [service, port]));
      stop = () => serving.stop(0);
    },
    async configure(next, isThere) {
      const config = JSON.parse(readFileSync(proxy.home.paths.config, "utf8")) as object;
      proxy.home.write(".codex-helper/config.json", { ...config, ...next });
      const query = new URLSearchParams({ path: at("work/acme") }).toString();
      const explained = async (): Promise<Explained> => {
        const answer = await fetch(`http://127.0.0.1:${ports["codex"]}/__codex-helper/explain?${query}`);
        return (await answer.json()) as Explained;
      };
      await waitUntil(async () => isThere(await explained()), { what: "the new config.json" });
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await proxy[Symbol.asyncDispose]();
      await outside.close();
      await inside.close();
    },
  };
}

export const requestOf = { codex: codexRequest, claude: claudeRequest };
let sessions = 0;
export const newSession = (): string =>
  `0199a000-0000-7000-8000-${String((sessions += 1)).padStart(12, "0")}`;

export const SECRET = "acme-secret-words";
export const SERVICES = ["codex", "claude"] as const;
export type Service = (typeof SERVICES)[number];
export const REFUSED = { codex: 400, claude: 403 } as const;

/** What of the project the upstream behind the wall has seen. */
export const leaks = ({ outside }: WallBench): string[] =>
  outside.requests
    .filter((request) =>
      `${request.target} ${JSON.stringify(request.fields)} ${request.text()}`.includes(SECRET),
    )
    .map(({ target }) => target);

/** A request with words of the project in it. */
export const secretRequest = (service: Service, says: ClientSays): ClientRequest =>
  requestOf[service]({ prompt: SECRET, ...says });

export const statusOf = async (
  bench: WallBench,
  service: Service,
  request: ClientRequest,
  method?: string,
): Promise<number> => {
  const answer = await bench.send(service, request, method);
  await answer.text().catch(() => "");
  return answer.status;
};
