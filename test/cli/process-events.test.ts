import { expect, test } from "bun:test";
import { listSignals, listenForSignals } from "../../src/cli/process-events.ts";

test("what a terminal can send ends a command in order, on each system by its own name", () => {
  expect(Object.keys(listSignals("linux"))).toEqual(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]);
  // Ctrl+Break; a closed window is SIGHUP there.
  expect(Object.keys(listSignals("win32"))).toEqual(["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]);
  expect(listSignals("win32")).toMatchObject({ SIGINT: 2, SIGBREAK: 2 });
});

test("one that comes before anybody asks is not forgotten, and none is taken over afterwards", async () => {
  const names = Object.keys(listSignals(process.platform));
  const before = names.map((name) => process.listenerCount(name));
  {
    using signals = listenForSignals();
    for (const name of names) process.emit(name as NodeJS.Signals);
    const codes = [];
    for (const _ of names) codes.push(await signals.next());
    expect(codes).toEqual(Object.values(listSignals(process.platform)).map((number) => 128 + number));
  }
  expect(names.map((name) => process.listenerCount(name))).toEqual(before);
});
