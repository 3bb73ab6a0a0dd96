import { expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { TURN } from "./turn.ts";

const table = (origin: string): string => `model_provider = "a"
[model_providers.a]
name = "A"
base_url = "${origin}/v1"
http_headers = { "X-Codex-Relay" = "secret-a", "X-Relay-Key" = "secret-a", "User-Agent" = "secret-a" }
query_params = { "key" = "secret-a" }
`;
const HEADERS = {
  "content-type": "application/json",
  "x-codex-relay": "secret-a",
  "x-relay-key": "secret-a",
  "x-unknown": "unknown",
  "user-agent": "secret-a",
  originator: "codex_exec",
};

const whole = ({ fields, target }: ReceivedRequest): string => `${target}\n${JSON.stringify(fields)}`;

test("a failover leaves behind what the client's file adds for the first relay, says so once and logs the names", async () => {
  await using a = await startFakeUpstream([reply({ status: 500 })]);
  await using b = await startFakeUpstream([GOOD.responses()]);
  await using proxy = await startConfiguredProxy({ codex: [a, b] });
  // The file is written while the proxy runs, right before the request.
  proxy.home.write(".codex/config.toml", table(a.origin));
  const ask = async (): Promise<void> => {
    const answer = await fetch(`${proxy.codexUrl}/responses?key=secret-a&client_version=1`, {
      method: "POST",
      headers: HEADERS,
      body: TURN,
    });
    expect(answer.status).toBe(200);
    await answer.text();
  };
  await ask();
  await ask();
  const [atA, atB] = [await a.gotRequest(), await b.gotRequest()];
  expect(atA.target).toContain("key=secret-a");
  for (const name of ["x-codex-relay", "x-relay-key", "user-agent"])
    expect(atA.header(name)).toBe("secret-a");
  expect(atA.header("x-unknown")).toBeNull();
  expect(whole(atB)).not.toContain("secret-a");
  expect(atB.target).toBe("/v1/responses?client_version=1");
  expect(atB.header("originator")).toBe("codex_exec");
  const [line] = await proxy.logged(2);
  expect(line?.held_back?.toSorted()).toEqual([
    "?key",
    "user-agent",
    "x-codex-relay",
    "x-relay-key",
    "x-unknown",
  ]);
  expect(JSON.stringify(await proxy.logged(2))).not.toContain("secret-a");
  const told = proxy.troubles.filter((words) => words.includes("held back"));
  expect(told).toHaveLength(1);
  expect(told[0]).not.toContain("secret-a");
});

test("headers_allowed of an upstream or of its config lets the client's header pass", async () => {
  await using a = await startFakeUpstream([reply({ status: 500 })]);
  await using b = await startFakeUpstream([GOOD.messages()]);
  await using proxy = await startConfiguredProxy({
    settings: {
      claude: {
        configs: {
          main: {
            headers_allowed: ["X-Everywhere"],
            upstreams: [{ base_url: a.baseUrl }, { base_url: b.baseUrl, headers_allowed: ["X-Team-Token"] }],
          },
        },
      },
    },
    claude: [],
  });
  await fetch(`${proxy.claudeUrl}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-everywhere": "1", "x-team-token": "2", "x-other": "3" },
    body: TURN,
  }).then((answer) => answer.text());
  const names = ["x-everywhere", "x-team-token", "x-other"];
  const at = (request: ReceivedRequest): (string | null)[] => names.map((name) => request.header(name));
  expect(at(await a.gotRequest())).toEqual(["1", null, null]);
  expect(at(await b.gotRequest())).toEqual(["1", "2", null]);
});
