import { expect, test } from "bun:test";
import { findPortOwner, readLsof, readNetstat } from "../../../src/app/serve/port-owner.ts";

test("a program that listens is named", async () => {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  expect(await findPortOwner(server.port)).toMatchObject({ kind: "program", pid: process.pid });
});

test.each([
  ["p4711\ncnode\nf21\n", { kind: "program", pid: 4711, name: "node" }],
  [
    "p4711\ncGoogle Chrome H\nf21\np4712\ncother\nf3\n",
    { kind: "program", pid: 4711, name: "Google Chrome H" },
  ],
  ["", null],
] as const)("lsof's answer is read: %j", (output, owner) => {
  expect(readLsof(output)).toEqual(owner);
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
`;

test.each([
  [3211, 4711],
  [3210, 4712],
  [135, 1044],
  [50111, null],
  [211, null],
])("netstat's row of port %d is found", (port, pid) => {
  expect(readNetstat(NETSTAT, port)).toBe(pid);
});
