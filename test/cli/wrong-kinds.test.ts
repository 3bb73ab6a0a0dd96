import { expect, test } from "bun:test";
import { join } from "node:path";
import { startCli } from "../helpers/cli.ts";
import { freePort } from "../helpers/free-port.ts";
import { within } from "../helpers/wait.ts";
import { KINDS, type Kind, listFiles, makeFullHome, put } from "./wrong-kinds.ts";

/** A second on a machine that does nothing else. */
const MOST_MS = 10_000;
const HERE = process.platform === "win32" ? (["directory", "large"] as const) : KINDS;

interface Run {
  readonly file: string;
  readonly line: string;
  /** Absent where it has begun. */
  readonly code?: number;
  readonly ms: number;
  readonly stderr: string;
}

/** What ends a call of the system that waits for ever is only another process. */
async function* watchRuns(kind: Kind): AsyncGenerator<Run> {
  using home = makeFullHome();
  await using worker = startCli(["run", kind], {
    home,
    program: [process.execPath, join(import.meta.dir, "wrong-kinds.ts")],
    env: { PATH: process.env["PATH"] ?? "" },
  });
  const reader = worker.child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let last: Run | null = null;
  for (;;) {
    const next = await within(reader.read(), { deadlineMs: 2 * MOST_MS, what: JSON.stringify(last) });
    if (next.done) break;
    const lines = `${text}${next.value}`.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield (last = JSON.parse(line) as Run);
  }
  expect([worker.stderr(), await worker.child.exited, last?.code !== undefined]).toEqual(["", 0, true]);
}

test.each(HERE.map((kind) => [kind]))(
  "a %s in the place of any file is one clear error, and soon",
  async (kind) => {
    const files = new Set<string>();
    for await (const { code, file, line, ms, stderr } of watchRuns(kind)) {
      if (code === undefined) continue;
      files.add(file);
      const errors = stderr.split("\n").filter((one) => one.startsWith("error: "));
      const isClear = [0, 1].includes(code) && errors.length <= 1 && !/internal error|\n {4}at /.test(stderr);
      expect({ file, line, stderr, isClear, isSoon: ms < MOST_MS }).toMatchObject({
        isClear: true,
        isSoon: true,
      });
    }
    expect([...files]).toEqual(listFiles());
  },
  180_000,
);

const LISTENING = /on http:\/\/127\.0\.0\.1:(\d+)/;
const CONFIG = ".codex-helper/config.json";

test.each(HERE.map((kind) => [kind]))(
  "a proxy starts, answers and ends although all files but config.json are a %s",
  async (kind) => {
    using home = makeFullHome();
    for (const file of listFiles()) if (file !== CONFIG) put(home, file, kind);
    await using serving = startCli(["serve", "--no-switch", "--port", String(freePort())], { home });
    const [, port = ""] = await within(serving.waitFor(LISTENING), { deadlineMs: MOST_MS });
    const url = `http://127.0.0.1:${port}/v1/responses`;
    const answer = await fetch(url, { method: "POST", body: '{"model":"m","stream":true,"input":[]}' });
    // The rules cannot be read: nothing is sent.
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("filter.json")]);
    expect(await within(serving.stop("SIGTERM"), { deadlineMs: MOST_MS })).toBe(143);
  },
  60_000,
);

test.each(HERE.map((kind) => [kind]))(
  "a %s in the place of config.json or config.toml keeps a proxy from starting, in words",
  async (kind) => {
    for (const file of [CONFIG, ".codex/config.toml"]) {
      using home = makeFullHome();
      put(home, file, kind);
      await using serving = startCli(["serve", "--port", String(freePort())], { home });
      expect(await within(serving.child.exited, { deadlineMs: MOST_MS })).toBe(1);
      await serving.stop();
      expect(serving.stderr()).toMatch(/^error: .*config\.(?:json|toml)/m);
    }
  },
  60_000,
);
