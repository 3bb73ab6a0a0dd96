import { expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { openDoor } from "../../src/proxy/door.ts";

const fail = (): Response => new Response("failed", { status: 500 });

test("a client that connects before the program is loaded waits, and is answered then", async () => {
  const door = openDoor(0);
  try {
    const early = fetch(`http://127.0.0.1:${door.port}/early`, { method: "POST", body: "words" });
    // The request has come once another connection was accepted and closed behind it.
    (await Bun.connect({ hostname: "127.0.0.1", port: door.port, socket: { data() {} } })).end();
    door.answerWith({ answer: async (request) => new Response(await request.text()), fail });
    expect(await (await early).text()).toBe("words");
    const late = await fetch(`http://127.0.0.1:${door.port}/late`, { method: "POST", body: "more" });
    expect(await late.text()).toBe("more");
  } finally {
    await door.close();
  }
});

test("a client that waits for a program that does not start is cut, and the port is free again", async () => {
  const door = openDoor(0);
  const early = fetch(`http://127.0.0.1:${door.port}/`).then(
    () => "answered",
    () => "cut",
  );
  (await Bun.connect({ hostname: "127.0.0.1", port: door.port, socket: { data() {} } })).end();
  await door.close();
  expect(await early).toBe("cut");
  await openDoor(door.port).close();
});

test("a port in use is said, and is not shared", async () => {
  const door = openDoor(0);
  try {
    expect(() => openDoor(door.port)).toThrow(UserError);
    expect(() => openDoor(door.port)).toThrow("is in use by another program");
  } finally {
    await door.close();
  }
});

test("what an answer throws is answered by its own program", async () => {
  const door = openDoor(0);
  try {
    const answer = (): Promise<Response> => Promise.reject(new Error("a bug"));
    door.answerWith({ answer, fail });
    expect((await fetch(`http://127.0.0.1:${door.port}/`)).status).toBe(500);
  } finally {
    await door.close();
  }
});
