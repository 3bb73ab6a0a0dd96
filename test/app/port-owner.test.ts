import { afterEach, beforeEach, expect, test } from "bun:test";
import { askInstance, tellInstance } from "../../src/app/ask-instance.ts";
import {
  describeStranger,
  findPortOwner,
  lookAtListener,
  nameUser,
  readLsof,
  readNetstat,
  readSockets,
  requireOurs,
} from "../../src/app/port-owner.ts";
import { identifyProcess } from "../../src/base/process-identity.ts";
import { inEnglish } from "../../src/base/text.ts";
import { writeInstance } from "../../src/state/instances.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { freePort } from "../helpers/free-port.ts";
import { requireInstance } from "../helpers/instance.ts";
import { startStuckListener } from "../helpers/stuck-listener.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

let home: TempHome;
beforeEach(() => void (home = makeTempHome()));
afterEach(() => home[Symbol.dispose]());

/** The record of a proxy that runs, whoever it is. */
function record(port: number, pid: number): { readonly port: number; readonly token: string } {
  const started = identifyProcess(pid)?.started ?? null;
  const instance = {
    pid,
    started,
    service: "codex",
    port,
    token: "secret",
    command: "serve",
    since: 1,
  } as const;
  writeInstance(home.paths.run, instance);
  return instance;
}

test("a program that listens is named, with its user where the system tells", async () => {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const owner = await findPortOwner(server.port, home.paths.run);
  expect(owner).toMatchObject({ kind: "other", pid: process.pid });
  if (process.platform !== "linux" || owner.kind === "ours") return;
  expect(owner.user).toBe(nameUser(await Bun.file("/etc/passwd").text(), process.getuid?.() ?? -1));
});

test("a program that lets every connection wait is there all the same", async () => {
  // Windows refuses a connection where the backlog is full, and cannot stop a process: no program is like this there.
  if (process.platform === "win32") return expect(() => process.kill(process.pid, "SIGSTOP")).toThrow();
  await using stuck = await startStuckListener();
  const owner = await lookAtListener(stuck.port, home.paths.run);
  expect(owner).toMatchObject({ kind: "other" });
  const refused = requireOurs(stuck.port, "codex", home.paths.run);
  expect(await refused.catch((error: unknown) => String(error))).toContain("not by ch");
});

test("a port that nobody listens on has no owner", async () => {
  expect(await lookAtListener(freePort(), home.paths.run)).toBeNull();
});

test("a proxy of ours proves itself, to those who have its record", async () => {
  await using proxy = await startConfiguredProxy({ codex: ["http://127.0.0.1:9/v1"] });
  const { run } = proxy.home.paths;
  const port = proxy.ports.codex;
  expect(await findPortOwner(port, run)).toMatchObject({ kind: "ours", pid: process.pid, service: "codex" });
  // From another home it is a program as any other.
  expect(await findPortOwner(port, home.paths.run)).toMatchObject({ kind: "other", pid: process.pid });
});

/** Says of itself whatever our own page would say. */
function startImitator(answer: (request: Request) => Response): Bun.Server<undefined> {
  return Bun.serve({ hostname: "127.0.0.1", port: 0, reusePort: false, fetch: answer });
}

const HEALTH = { name: "codex-helper", version: "0.1.0", pid: 1, service: "codex", port: 1 };

test.each<[string, (request: Request) => Response]>([
  ["our health page", () => Response.json(HEALTH)],
  [
    "our health page with the question as its proof",
    ({ headers }) =>
      Response.json(HEALTH, {
        headers: { "x-codex-helper-proof": (headers.get("authorization") ?? "").split(":")[1] ?? "" },
      }),
  ],
  ["no page at all", () => new Response("hello")],
  ["a redirect to a real one", () => Response.redirect("http://127.0.0.1:1/__codex-helper/health")],
])("a program that imitates a recorded proxy with %s is not taken for it", async (_, answer) => {
  using imitator = startImitator(answer);
  // The record is of another process that still runs: its port has changed hands.
  const instance = { ...record(imitator.port ?? 0, process.ppid), pid: process.ppid };
  const owner = await findPortOwner(instance.port, home.paths.run);
  expect(owner).toMatchObject({ kind: "other", pid: process.pid });
  expect(await askInstance(instance, "status")).toBeNull();
  const told = await tellInstance(instance, "reset").catch(String);
  expect(told).toContain("does not answer");
});

test("the token of the run never crosses the port, and each question is another one", async () => {
  const seen: string[] = [];
  using imitator = startImitator(({ headers }) => {
    seen.push(JSON.stringify([...headers]));
    return Response.json(HEALTH);
  });
  const instance = record(imitator.port ?? 0, process.ppid);
  for (let times = 0; times < 3; times += 1) await askInstance(instance, "health");
  expect(seen).toHaveLength(3);
  expect(new Set(seen).size).toBe(3);
  expect(seen.join()).not.toContain(instance.token);
});

test("a proxy that is too busy to answer is known by its socket", async () => {
  // Takes connections, answers nothing; the system's tables are only read on Linux, macOS and Windows.
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  record(server.port, process.pid);
  expect(await findPortOwner(server.port, home.paths.run)).toMatchObject({ kind: "ours", pid: process.pid });
});

test("without the token the pages tell an upstream's host alone", async () => {
  await using proxy = await startConfiguredProxy({ codex: ["http://127.0.0.1:9/account-4711/v1"] });
  const port = proxy.ports.codex;
  const instance = await requireInstance(proxy.home.paths.run, port);
  for (const page of ["status", "explain"]) {
    const anybody = await fetch(`http://127.0.0.1:${port}/__codex-helper/${page}`);
    const text = await anybody.text();
    expect(text).toContain('"base_url":"127.0.0.1:9"');
    expect(text).not.toContain("account-4711");
    expect(JSON.stringify(await askInstance(instance, page))).toContain("http://127.0.0.1:9/account-4711/v1");
  }
});

test.each([
  [{ program: "python3", pid: 4711, user: "nobody" }, "python3 (pid 4711, user nobody)"],
  [{ program: "node.exe", pid: 4711, user: null }, "node.exe (pid 4711)"],
  [{ program: null, pid: null, user: "nobody" }, "a program of user nobody"],
  [{ program: null, pid: null, user: null }, "another program"],
])("%j is described as far as it is known", (known, words) => {
  expect(inEnglish(describeStranger({ kind: "other", ...known }))).toBe(words);
});

const row = (address: string, port: string, state: string, uid: number, inode: number): string =>
  `   0: ${address}:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid} 0 ${inode} 1 0\n`;
const ALL = "00000000000000000000000000000000";
const LOOPBACK_6 = "00000000000000000000000001000000";

test.each([
  ["127.0.0.1", row("0100007F", "0C8B", "0A", 65534, 77), { uid: 65534, inode: "77" }],
  ["every IPv4 address", row("00000000", "0C8B", "0A", 1000, 78), { uid: 1000, inode: "78" }],
  ["every address", row(ALL, "0C8B", "0A", 0, 79), { uid: 0, inode: "79" }],
  [
    "127.0.0.1 beside all",
    row(ALL, "0C8B", "0A", 0, 79) + row("0100007F", "0C8B", "0A", 5, 80),
    { uid: 5, inode: "80" },
  ],
  ["::1 alone", row(LOOPBACK_6, "0C8B", "0A", 0, 81), null],
  ["another loopback address", row("0200007F", "0C8B", "0A", 0, 82), null],
  ["another port", row("0100007F", "0C8C", "0A", 0, 83), null],
  ["a connection", row("0100007F", "0C8B", "01", 0, 84), null],
  ["nothing", "", null],
])("in Linux's tables a listener at %s is found", (_, tables, socket) => {
  expect(readSockets(tables, 3211)).toEqual(socket);
});

test("a user has a name by /etc/passwd, and else a number", () => {
  const passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n";
  expect([0, 65534, 1000].map((uid) => nameUser(passwd, uid))).toEqual(["root", "nobody", "1000"]);
});

test.each([
  ["p4711\ncnode\nLalice\nf21\nn127.0.0.1:3211\n", { pid: 4711, program: "node", user: "alice" }],
  [
    "p1\ncother\nLroot\nf3\nn*:3211\np4711\ncGoogle Chrome H\nLbob\nf21\nn[::1]:3211\nf22\nn127.0.0.1:3211\n",
    { pid: 4711, program: "Google Chrome H", user: "bob" },
  ],
  ["p4711\ncnode\nLalice\nf21\nn*:3211\n", { pid: 4711, program: "node", user: "alice" }],
])("lsof's answer is read: %j", (output, owner) => {
  expect(readLsof(output, 3211)).toEqual({ kind: "other", ...owner });
});

test.each(["", "p4711\ncnode\nLalice\nf21\nn[::1]:3211\n"])("lsof's answer may name nobody: %j", (output) => {
  expect(readLsof(output, 3211)).toBeNull();
});

const NETSTAT = `\r
Aktive Verbindungen\r
\r
  Proto  Lokale Adresse         Remoteadresse          Status           PID\r
  TCP    0.0.0.0:135            0.0.0.0:0              ABHÖREN          1044\r
  TCP    127.0.0.1:3211         127.0.0.1:50111        HERGESTELLT      9\r
  TCP    127.0.0.1:13211        0.0.0.0:0              ABHÖREN          8\r
  TCP    127.0.0.1:3211         0.0.0.0:0              ABHÖREN          4711\r
  TCP    [::1]:3210             [::]:0                 ABHÖREN          4712\r
  TCP    [::]:3212              [::]:0                 ABHÖREN          4713\r
`;

test.each([
  [3211, 4711],
  [3210, null],
  [3212, 4713],
  [135, 1044],
  [50111, null],
  [211, null],
])("netstat's row of port %d is found", (port, pid) => {
  expect(readNetstat(NETSTAT, port)).toBe(pid);
});
