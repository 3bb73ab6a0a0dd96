import { describe, expect, test } from "bun:test";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { GOOD, reply } from "../../helpers/answers.ts";
import {
  claudeRequest,
  type ClientRequest,
  type ClientSays,
  codexRequest,
} from "../../helpers/client-requests.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { type FakeUpstream, startFakeUpstream } from "../../helpers/fake-upstream.ts";

const GIT_ENV = Object.fromEntries(
  ["AUTHOR", "COMMITTER"].flatMap((who) => [
    [`GIT_${who}_NAME`, "A"],
    [`GIT_${who}_EMAIL`, "a@example.com"],
  ]),
);

interface WallBench extends AsyncDisposable {
  readonly proxy: RunningProxy;
  /** The first upstream of both clients, which no request of the project may reach. */
  readonly outside: FakeUpstream;
  readonly inside: FakeUpstream;
  /** A path in the home. */
  at(path: string): string;
  send(service: "codex" | "claude", request: ClientRequest, method?: string): Promise<Response>;
}

const MODELS = reply({
  headers: { "content-type": "application/json" },
  body: '{"object":"list","data":[{"id":"m"}],"models":[]}',
});

const answerAny = ({ method, target }: { readonly method: string; readonly target: string }) => {
  if (method !== "POST") return MODELS;
  if (target.includes("count_tokens"))
    return reply({ headers: { "content-type": "application/json" }, body: '{"input_tokens":7}' });
  return target.includes("messages") ? GOOD.messages() : GOOD.responses();
};

/** `~/work/acme` is a repository behind a wall, `~/open` one without. */
async function startWallBench(settings: Readonly<Record<string, unknown>> = {}): Promise<WallBench> {
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
  git("open", "worktree", "add", "-q", at("trees/open-fix"));
  symlinkSync(at("work/acme"), at("link"));
  return {
    proxy,
    outside,
    inside,
    at,
    send: (service, { body, headers, path }, method = "POST") =>
      fetch(`http://127.0.0.1:${proxy.ports[service]}${path}`, {
        method,
        headers,
        ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
      }),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await outside.close();
      await inside.close();
    },
  };
}

const requestOf = { codex: codexRequest, claude: claudeRequest };
let sessions = 0;
const newSession = (): string => `0199a000-0000-7000-8000-${String((sessions += 1)).padStart(12, "0")}`;

describe("a first request", () => {
  for (const service of ["codex", "claude"] as const)
    test(`${service}: what is outside goes its way, what is behind the wall goes to what the wall leaves`, async () => {
      await using bench = await startWallBench();
      const from = async (says: ClientSays): Promise<number> =>
        (await bench.send(service, requestOf[service]({ session: newSession(), ...says }))).status;
      expect(await from({ cwds: [bench.at("open")] })).toBe(200);
      expect(bench.outside.requests.length).toBe(1);
      for (const directory of [
        "work/acme",
        "work/acme/sub",
        "trees/acme-fix",
        "link",
        "link/sub",
        "work/acme/",
      ]) {
        expect(await from({ cwds: [bench.at(directory)] })).toBe(200);
      }
      expect(bench.inside.requests.length).toBe(6);
      expect(await from({ cwds: [bench.at("open")], others: [bench.at("work/acme")] })).toBe(200);
      expect(bench.inside.requests.length).toBe(7);
      expect(await from({})).toBe(service === "codex" ? 400 : 403);
      expect(await from({ cwds: [bench.at("gone")] })).toBe(service === "codex" ? 400 : 403);
      expect(bench.outside.requests.length).toBe(1);
    });
});
