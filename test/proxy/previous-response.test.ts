import { describe, expect, test } from "bun:test";
import { GOOD, reply, responsesEvents, stream } from "../helpers/answers.ts";
import { type Answer, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const notFound = (id: string, status = 400): Answer =>
  reply({
    status,
    body: {
      error: {
        message: `Previous response with id '${id}' not found.`,
        type: "invalid_request_error",
        param: "previous_response_id",
        code: "previous_response_not_found",
      },
    },
  });
const busy = (): Answer => reply({ status: 503, body: { error: { message: "busy" } } });

/** As the API makes them: it goes on from its own responses alone. */
function keepsOwn(name: string, made: Set<string> = new Set()) {
  return (request: ReceivedRequest): Answer => {
    const { previous_response_id: id, stream: isStream } = JSON.parse(request.text()) as Record<
      string,
      string
    >;
    if (id !== undefined && !made.has(id)) return notFound(id);
    const next = `resp_${name}_${made.size + 1}`;
    made.add(next);
    const events = responsesEvents({ text: name });
    if (isStream) return stream(events.map((event) => event.replaceAll("resp_1", next)));
    const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: name }] }];
    return reply({ body: { id: next, object: "response", status: "completed", output } });
  };
}

const FIRST = { model: "m", input: "I am Ann" };

describe("a turn that goes on from a response", () => {
  for (const isStream of [false, true])
    test(`is asked of the upstream that made it (stream: ${isStream})`, async () => {
      const one = keepsOwn("one");
      let isBusy = true;
      await using first = await startFakeUpstream((request) => (isBusy ? busy() : one(request)));
      await using second = await startFakeUpstream(keepsOwn("two"));
      await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
      const ask = async (body: object): Promise<string> =>
        await (await proxy.ask("/v1/responses", { ...FIRST, ...body, stream: isStream })).text();
      expect(await ask({})).toContain("resp_two_1");
      isBusy = false;
      expect(await ask({ previous_response_id: "resp_two_1" })).toContain("resp_two_2");
      expect(await ask({ previous_response_id: "resp_two_2" })).toContain("resp_two_3");
      // Another conversation is not drawn along.
      expect(await ask({})).toContain("resp_one_1");
      expect(await ask({ previous_response_id: "resp_one_1" })).toContain("resp_one_2");
      expect([first.requests.length, second.requests.length]).toEqual([3, 3]);
    });

  test("is asked of all with its id where nobody is known to have made it, and ends in what the first said", async () => {
    await using first = await startFakeUpstream([notFound("resp_x", 404)]);
    await using second = await startFakeUpstream([
      reply({ status: 400, body: { detail: "Unsupported parameter: previous_response_id" } }),
    ]);
    await using third = await startFakeUpstream([notFound("resp_x")]);
    await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl, third.baseUrl] });
    const response = await proxy.ask("/v1/responses", { ...FIRST, previous_response_id: "resp_x" });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({
      error: {
        message: "Previous response with id 'resp_x' not found.",
        type: "invalid_request_error",
        param: "previous_response_id",
        code: "previous_response_not_found",
      },
    });
    for (const { requests } of [first, second, third]) {
      expect(requests.length).toBe(1);
      expect(requests[0]?.text()).toContain('"previous_response_id":"resp_x"');
    }
    for (const upstream of proxy.upstreams) expect(proxy.router.report(upstream).failures).toBe(0);
  });

  test("is known to be meant by its id, and the upstream that lacks it is not taken for one that refuses turns", async () => {
    const odd = reply({ status: 404, body: { error: { message: "response RESP_old does not exist" } } });
    const one = keepsOwn("one");
    await using first = await startFakeUpstream((request) =>
      request.text().includes("resp_old") ? odd : one(request),
    );
    await using second = await startFakeUpstream(keepsOwn("two", new Set(["resp_old"])));
    await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
    const response = await proxy.ask("/v1/responses", { ...FIRST, previous_response_id: "resp_old" });
    expect(await response.text()).toContain("resp_two_2");
    await (await proxy.ask("/v1/responses", FIRST)).text();
    expect([first.requests.length, second.requests.length]).toEqual([2, 1]);
  });

  test("ends in the words about the response, whatever others make of it", async () => {
    await using first = await startFakeUpstream([notFound("resp_x")]);
    await using second = await startFakeUpstream([reply({ status: 400, body: { detail: "what a pity" } })]);
    await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
    const response = await proxy.ask("/v1/responses", { ...FIRST, previous_response_id: "resp_x" });
    expect(await response.text()).toContain("Previous response with id");
  });

  test("is found by asking the next one, as after a restart", async () => {
    await using first = await startFakeUpstream(keepsOwn("one"));
    await using second = await startFakeUpstream(keepsOwn("two", new Set(["resp_old"])));
    await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
    const response = await proxy.ask("/v1/responses", { ...FIRST, previous_response_id: "resp_old" });
    expect(await response.text()).toContain("resp_two_2");
  });

  test("is to be asked again where its upstream is down and the others do not know it", async () => {
    await using first = await startFakeUpstream(keepsOwn("one"));
    const two = keepsOwn("two", new Set(["resp_old"]));
    let isBusy = false;
    await using second = await startFakeUpstream((request) => (isBusy ? busy() : two(request)));
    await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
    const ask = (id: string) => proxy.ask("/v1/responses", { ...FIRST, previous_response_id: id });
    expect((await ask("resp_old")).status).toBe(200);
    isBusy = true;
    const response = await ask("resp_two_2");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
  });

  const USER = { role: "user", content: "q" };
  const SAID = { role: "assistant", content: [{ type: "output_text", text: "a" }] };
  const HISTORIES: readonly [string, unknown, boolean][] = [
    ["what is new alone", "go on", false],
    ["a result of a tool", [{ type: "function_call_output", call_id: "c", output: "ok" }], false],
    ["an example that a user wrote", [USER, { role: "assistant", content: "yes" }, USER], false],
    ["a part of what the model said", [SAID, USER], false],
    ["all of it", [USER, SAID, USER], true],
    [
      "all of it, with a call",
      [USER, { type: "function_call", call_id: "c", name: "f", arguments: "{}" }],
      true,
    ],
    ["all of it since a compaction", [{ type: "compaction", encrypted_content: "x" }, SAID, USER], true],
  ];
  for (const [title, input, isDropped] of HISTORIES)
    test(`loses the id after a move only where it carries its history besides: ${title}`, async () => {
      await using upstream = await startFakeUpstream(keepsOwn("one"));
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const response = await proxy.ask("/v1/responses", { ...FIRST, input, previous_response_id: "resp_x" });
      expect(response.status).toBe(isDropped ? 200 : 400);
      expect(upstream.requests.length).toBe(isDropped ? 2 : 1);
      if (isDropped) expect(JSON.parse(upstream.requests[1]?.text() ?? "")).toEqual({ model: "m", input });
    });

  test("keeps the id at the upstream that made it, which has only forgotten it", async () => {
    const made = new Set<string>();
    await using upstream = await startFakeUpstream(keepsOwn("one", made));
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    await (await proxy.ask("/v1/responses", FIRST)).text();
    made.clear();
    const again = { ...FIRST, input: [USER, SAID, USER], previous_response_id: "resp_one_1" };
    expect((await proxy.ask("/v1/responses", again)).status).toBe(400);
  });
});

test("what is asked about a response goes to the upstream that made it", async () => {
  const kept = (request: ReceivedRequest): Answer =>
    request.method === "GET" ? reply({ body: { id: "resp_two_1", output: [1] } }) : keepsOwn("two")(request);
  let isBusy = true;
  await using first = await startFakeUpstream(() => (isBusy ? busy() : reply({ body: { id: "other" } })));
  await using second = await startFakeUpstream(kept);
  await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
  await (await proxy.ask("/v1/responses", FIRST)).text();
  isBusy = false;
  const response = await fetch(`${proxy.origin}/v1/responses/resp_two_1`);
  expect(await response.json()).toEqual({ id: "resp_two_1", output: [1] });
});

test("a response that is not kept is not remembered", async () => {
  let isBusy = true;
  await using first = await startFakeUpstream(() => (isBusy ? busy() : GOOD.responses()));
  await using second = await startFakeUpstream(() => GOOD.responses());
  await using proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
  const turn = { ...FIRST, stream: true, store: false };
  await (await proxy.ask("/v1/responses", turn)).text();
  isBusy = false;
  await (await proxy.ask("/v1/responses", { ...turn, previous_response_id: "resp_1" })).text();
  expect([first.requests.length, second.requests.length]).toEqual([2, 1]);
});
