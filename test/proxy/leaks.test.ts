import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  messagesError,
  messagesPrologue,
  reply,
  responsesFailed,
  responsesPrologue,
  stream,
} from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type Answer, type FakeUpstream, FIN, RESET, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { sendRaw } from "../helpers/raw-client.ts";

const CLIENT_SECRET = "sk-client-own-7f3a9c51d2";
/** Of each upstream, by its place: in its key, a header and its address. */
const SECRETS = [
  {
    key: "sk-primary-key-1b6e0d44aa",
    header: "primary-header-5c2f9e1077",
    query: "primary-query-e81d3b06f9",
  },
  { key: "sk-backup-key-9d27c8f3bb", header: "backup-header-0a4471c6e2", query: "backup-query-46fb92d8c3" },
] as const;
/** What a failing upstream says, beside the secrets that it repeats. */
const MARK = "said-by-the-failed-attempt";

type Secrets = (typeof SECRETS)[number];

const APIS = [
  { service: "codex", path: "/v1/responses", good: GOOD.responses },
  { service: "claude", path: "/v1/messages", good: GOOD.messages },
] as const;
type Service = (typeof APIS)[number]["service"];

/** Words of an upstream that repeats what it was asked with, as some relays do. */
const words = ({ header, key, query }: Secrets): string =>
  `${MARK}: ${key} ${header} ${query} ${CLIENT_SECRET}`;
const spoken = { "x-request-id": MARK, "x-failed": MARK, "set-cookie": `sid=${MARK}`, "retry-after": "7" };

const FAILURES: Readonly<Record<string, (service: Service, own: Secrets) => Answer>> = {
  "401 that repeats the key": (_service, own) =>
    reply({ status: 401, headers: spoken, body: { error: { message: words(own), type: "auth" } } }),
  "401 with the key as its code": (_service, own) =>
    reply({
      status: 401,
      headers: spoken,
      body: { error: { message: MARK, type: own.key, code: own.header } },
    }),
  "429 with words": (_service, own) =>
    reply({ status: 429, headers: spoken, body: { error: { message: words(own), type: "rate" } } }),
  "500 with a page": (_service, own) =>
    reply({ status: 500, headers: { ...spoken, "content-type": "text/html" }, body: `<p>${words(own)}</p>` }),
  "a redirect to where the key is": (_service, own) =>
    reply({ status: 307, headers: { ...spoken, location: `http://127.0.0.1:1/?key=${own.key}` } }),
  "a JSON error with 200": (_service, own) =>
    reply({ headers: spoken, body: { error: { message: words(own), type: "server_error" } } }),
  "an error after the prologue": (service, own) =>
    stream(
      service === "codex"
        ? [...responsesPrologue(), responsesFailed("server_error", words(own))]
        : [...messagesPrologue(), messagesError("overloaded_error", words(own))],
      { headers: spoken },
    ),
  "comments and a reset": (_service, own) => [
    head(200, { ...EVENT_STREAM, ...spoken }),
    chunk(`: ${words(own)}\n\n`),
    RESET,
  ],
  "a half head": (_service, own) => [`HTTP/1.1 200 OK\r\nx-failed: ${words(own)}`, FIN],
};

const entryOf = ({ baseUrl }: FakeUpstream, own: Secrets) => ({
  base_url: baseUrl,
  auth: { auth_token: own.key },
  headers: { "x-account": own.header },
  query: { "account-key": own.query },
});

/** Everything that an upstream was sent. */
const sentTo = ({ requests }: FakeUpstream): string =>
  requests
    .map((request) => [request.target, ...request.fields.flat(), request.text()].map(String).join("\n"))
    .join("\n");

const ask = (port: number, path: string) =>
  sendRaw(port, {
    path,
    fields: [
      "Content-Type: application/json",
      `Authorization: Bearer ${CLIENT_SECRET}`,
      `X-Api-Key: ${CLIENT_SECRET}`,
      `Cookie: session=${CLIENT_SECRET}`,
    ],
    body: JSON.stringify({ model: "m", stream: true, store: false, input: [], messages: [] }),
  });

function expectNone(text: string, secrets: readonly string[]): void {
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
}

for (const { good, path, service } of APIS)
  describe(`nothing of one upstream gets out, for ${service}, when the primary gives`, () => {
    const [primarySecrets, backupSecrets] = SECRETS;
    const all = [...Object.values(primarySecrets), ...Object.values(backupSecrets), CLIENT_SECRET];

    for (const [what, fail] of Object.entries(FAILURES))
      test(what, async () => {
        await using primary = await startFakeUpstream(() => fail(service, primarySecrets));
        await using backup = await startFakeUpstream([good({ text: "from the backup" })]);
        await using proxy = await startConfiguredProxy({
          [service]: [entryOf(primary, primarySecrets), entryOf(backup, backupSecrets)],
        });
        const answer = await ask(proxy.ports[service], path);
        expect([answer.status, answer.end]).toEqual([200, "complete"]);
        expect(answer.text()).toContain("from the backup");
        expectNone(JSON.stringify(answer.head) + answer.text(), [...all, MARK]);
        // Each was asked once, with its own secrets and nobody else's.
        expect([primary.requests.length, backup.requests.length]).toEqual([1, 1]);
        for (const secret of Object.values(primarySecrets)) expect(sentTo(primary)).toContain(secret);
        for (const secret of Object.values(backupSecrets)) expect(sentTo(backup)).toContain(secret);
        expectNone(sentTo(primary), [...Object.values(backupSecrets), CLIENT_SECRET]);
        expectNone(sentTo(backup), [...Object.values(primarySecrets), CLIENT_SECRET, MARK]);
        await proxy.logged();
        expectNone(readFileSync(proxy.home.paths.requestsLog, "utf8"), all);
      });

    test.each(["401 that repeats the key", "401 with the key as its code"])(
      "%s, and the backup too: the last word repeats neither's secrets",
      async (what) => {
        const fail = FAILURES[what];
        if (fail === undefined) throw new Error(`no failure ${what}`);
        await using primary = await startFakeUpstream(() => fail(service, primarySecrets));
        await using backup = await startFakeUpstream(() => fail(service, backupSecrets));
        await using proxy = await startConfiguredProxy({
          [service]: [entryOf(primary, primarySecrets), entryOf(backup, backupSecrets)],
        });
        const answer = await ask(proxy.ports[service], path);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expectNone(JSON.stringify(answer.head) + answer.text(), all);
        await proxy.logged();
        expectNone(readFileSync(proxy.home.paths.requestsLog, "utf8"), all);
      },
    );
  });
