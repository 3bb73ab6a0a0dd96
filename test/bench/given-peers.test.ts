import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillIn, parsePeer } from "../../bench/given-peers.ts";
import { freePort } from "../helpers/free-port.ts";

test("a peer's command gets its port, the upstream, a home and files that are filled in", () => {
  const home = mkdtempSync(join(tmpdir(), "codex-helper-peers-"));
  try {
    const template = join(home, "template.yaml");
    const text = "listen: {port}\nto: {upstream}/v1\nkeep: {this}\n";
    writeFileSync(template, text);
    const own = join(home, "own");
    mkdirSync(own);
    const command = `peer -p {port} -u {upstream} -d {home} -c {file:${template}} {other}`;
    expect(fillIn(command, { port: 4000, home: own, origin: "http://127.0.0.1:5000" })).toBe(
      `peer -p 4000 -u http://127.0.0.1:5000 -d ${own} -c ${own}/template.yaml {other}`,
    );
    expect(readFileSync(join(own, "template.yaml"), "utf8")).toBe(
      "listen: 4000\nto: http://127.0.0.1:5000/v1\nkeep: {this}\n",
    );
    expect(readFileSync(template, "utf8")).toBe(text);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("headers go to the peer that they name", () => {
  const headers = ["one=x-api-key: a=b", "two=x-other: c"];
  const peer = parsePeer("one = run --it=1", headers);
  const { command, dialect } = peer.launch({ port: 1, home: "/h", origin: "http://o" });
  expect(peer.name).toBe("one");
  expect(command).toEqual(["sh", "-c", "exec run --it=1"]);
  expect(dialect?.headers).toEqual(["x-api-key: a=b"]);
});

test.each(["", "name", "=command", "name="])("%j is no peer", (text) => {
  expect(() => parsePeer(text, [])).toThrow('give it as "NAME=COMMAND"');
});

test("a program given by a command answers as a contender does", async () => {
  using upstream = Bun.serve({ port: 0, fetch: (request) => new Response(new URL(request.url).pathname) });
  const script = join(import.meta.dir, "../../bench/minimal-proxy.ts");
  const port = freePort();
  const { command, env } = parsePeer(`again=${process.execPath} ${script} {upstream} {port}`, []).launch({
    port,
    home: tmpdir(),
    origin: `http://127.0.0.1:${upstream.port}`,
  });
  const child = Bun.spawn([...command], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    let answer: Response | null = null;
    while (answer === null) answer = await fetch(`http://127.0.0.1:${port}/v1/responses`).catch(() => null);
    expect(await answer.text()).toBe("/v1/responses");
  } finally {
    child.kill();
    await child.exited;
  }
});
