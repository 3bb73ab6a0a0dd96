// Plants a secret wherever one can come in, uses the product, and looks for each of them in everything it wrote.
import { Glob } from "bun";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GOOD, reply } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";

/** Of shapes that nobody can recognise, but for those that say so. */
const PLANTED = {
  "token in config.json": "planted.config.token.Zq81",
  "x-api-key in config.json": "planted.config.apikey.Wd42",
  "token from the environment": "planted.environment.token.Mx17",
  "header in config.json": "planted.config.header.Rt63",
  "query in config.json": "planted.config.query.Kb29",
  "password in a proxy's address": "plantedproxypasswordLf55",
  "the client's own token": "planted.client.token.Ps90",
  "the client's own x-api-key": "planted.client.apikey.Hc38",
  "the client's cookie": "planted.client.cookie.Vn74",
  "the client's query": "planted.client.query.Gy06",
  "the client's text": "planted.client.prompt.Je51",
  "a key in the client's text": "sk-planted-in-the-prompt-Uo87",
  "a header of the relay": "planted.relay.header.Di23",
  "the relay's answer": "planted.relay.answer.Xa49",
  "a key of the relay that it tells in an error": "sk-planted-relay-account-Nf68",
  "an address that the relay tells in an error": "plantedrelayurlsecretTk12",
  "a key for quotas": "planted.quota.token.Ew35",
} as const;
type Place = keyof typeof PLANTED;

/** Where they are because the user put them there. */
const SOURCES = ["config.json", "usage_providers.json", "backups/*", "auth.json", "settings.json"];

test("no planted secret is in any log, state, record, page, error or output", async () => {
  const told = [
    PLANTED["a key of the relay that it tells in an error"],
    `https://relay.example/x?key=${PLANTED["an address that the relay tells in an error"]}`,
  ].join(" ");
  await using upstream = await startFakeUpstream((request) => {
    const heard = ["authorization", "x-api-key", "x-config"]
      .map((name) => request.header(name) ?? "")
      .join(" ");
    const secretHeader = { "x-relay-key": PLANTED["a header of the relay"] };
    if (request.target.includes("models")) {
      return reply({
        status: 401,
        headers: secretHeader,
        body: { error: { message: `wrong key: ${heard} ${told}` } },
      });
    }
    if (request.text().includes("fail")) {
      return reply({
        status: 500,
        headers: secretHeader,
        body: { error: { message: `failed for ${heard} ${told}` } },
      });
    }
    return GOOD.responses({ text: PLANTED["the relay's answer"] });
  });
  using home = makeTempHome({ PLANTED_KEY: PLANTED["token from the environment"] });
  const dead = freePort();
  home.write(".codex-helper/config.json", {
    codex: {
      configs: {
        main: {
          upstreams: [
            {
              base_url: upstream.baseUrl,
              auth: { auth_token: PLANTED["token in config.json"] },
              headers: { "x-config": PLANTED["header in config.json"] },
              query: { key: PLANTED["query in config.json"] },
            },
            { base_url: upstream.origin, auth: { auth_token_env: "PLANTED_KEY" } },
            {
              base_url: "https://far.example/v1",
              auth: { api_key: PLANTED["x-api-key in config.json"] },
              proxy: `http://user:${PLANTED["password in a proxy's address"]}@127.0.0.1:${dead}`,
            },
          ],
        },
      },
    },
  });
  home.write(".codex-helper/usage_providers.json", {
    providers: [
      {
        id: "relay",
        kind: "budget_http_json",
        domains: ["127.0.0.1"],
        endpoint: `${upstream.origin}/quota?token=${PLANTED["a key for quotas"]}`,
        poll_interval_secs: 60,
      },
    ],
  });
  home.write(".codex/config.toml", `model = "gpt-6-sol"\n`);
  const port = freePort();
  const written: [name: string, text: string][] = [];

  {
    await using serving = startCli(["serve", "--port", String(port)], { home });
    await serving.waitFor(/on http:/);
    const url = `http://127.0.0.1:${port}/v1`;
    const ask = async (path: string, text: string): Promise<void> => {
      const answer = await fetch(`${url}${path}?key=${PLANTED["the client's query"]}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${PLANTED["the client's own token"]}`,
          "x-api-key": PLANTED["the client's own x-api-key"],
          cookie: `session=${PLANTED["the client's cookie"]}`,
          "content-type": "application/json",
        },
        body: JSON.stringify({
          model: "gpt-6-sol",
          stream: true,
          input: `${text} ${PLANTED["the client's text"]} ${PLANTED["a key in the client's text"]}`,
        }),
      });
      await answer.text();
    };
    await ask("/responses", "please");
    await ask("/responses", "fail");
    await ask("/models", "list");
    await ask("/responses", "fail again");
    await fetch(`${url}/responses?key=${PLANTED["the client's query"]}`, {
      headers: { origin: "https://page.example", cookie: PLANTED["the client's cookie"] },
    }).then((answer) => answer.text());
    const log = (): string => readFileSync(home.paths.requestsLog, "utf8");
    await waitUntil(() => log().split("\n").length > 5, { what: "a line for each request" });
    const ids = [...log().matchAll(/"id":"(\w+)"/g)].map(([, id = ""]) => id);

    const commands: string[][] = [
      ["status"],
      ["status", "--json"],
      ["doctor"],
      ["doctor", "--json"],
      ["config", "list"],
      ["config", "list", "--json"],
      ["config", "show", "main"],
      ["config", "show", "main", "--json"],
      ["config", "export"],
      ["switch", "status"],
      ["switch", "status", "--json"],
      ["routing", "explain"],
      ["routing", "explain", "--json"],
      ["quota", "list"],
      ["quota", "list", "--json"],
      ["quota", "refresh"],
      ["session", "list"],
      ["filter", "check"],
      ["filter", "test"],
      ["usage", "summary"],
      ["usage", "summary", "--json", "--by", "upstream"],
      ["usage", "tail"],
      ["usage", "tail", "--raw"],
      ["usage", "find"],
      ["usage", "find", "--json"],
      ["usage", "report", "--html", "page.html"],
      ...ids.flatMap((id) => [
        ["usage", "show", id],
        ["usage", "show", id, "--json"],
      ]),
      ["config", "add", "main", "--base-url", `https://x.example/v1?key=${PLANTED["query in config.json"]}`],
    ];
    await Promise.all(
      commands.map(async (args) => {
        const { stdout, stderr, code } = await runCli(args, { home });
        expect([args, [0, 1, 2].includes(code)]).toEqual([args, true]);
        written.push([`ch ${args.join(" ")}`, stdout + stderr]);
      }),
    );
    written.push([
      "GET status",
      await (await fetch(`http://127.0.0.1:${port}/__codex-helper/status`)).text(),
    ]);
    await serving.stop();
    written.push(["ch serve", serving.stderr() + (await new Response(serving.child.stdout).text())]);
  }

  for (const name of new Glob("**/*").scanSync({ cwd: home.path, dot: true })) {
    if (SOURCES.some((source) => new Glob(`**/${source}`).match(name))) continue;
    written.push([name, readFileSync(join(home.path, name), "latin1")]);
  }
  // What was planted did come by, or nothing would be proved.
  const heard = JSON.stringify(
    upstream.requests.map(({ target, fields, body }) => [target, fields, String(body)]),
  );
  for (const place of [
    "token in config.json",
    "token from the environment",
    "header in config.json",
    "query in config.json",
  ] as const) {
    expect([place, heard.includes(PLANTED[place])]).toEqual([place, true]);
  }
  expect(written.find(([name]) => name.endsWith("requests.jsonl"))?.[1]).toContain("500 failed");
  const names = written.map(([name]) => name);
  for (const expected of [".codex-helper/logs/requests.jsonl", "page.html", "ch serve"])
    expect(names).toContain(expected);
  expect(names.length).toBeGreaterThan(30);

  const found = written.flatMap(([name, text]) =>
    (Object.keys(PLANTED) as Place[])
      .filter((place) => text.includes(PLANTED[place]))
      .map((place) => `${place}: in ${name}`),
  );
  expect(found).toEqual([]);
}, 60_000);
