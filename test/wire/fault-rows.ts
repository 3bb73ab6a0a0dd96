// The faults that are survived, and the tests that show it: docs/faults.md is made from here and from the tests' titles.
// `bun test/wire/fault-rows.ts` writes it anew.
import { Glob } from "bun";
import { join } from "node:path";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const FAULTS_DOC_PATH = join(import.meta.dir, "../../docs/faults.md");
const TESTS = join(import.meta.dir, "..");

/** Of the upstream (U) and of the client (C). A test of a row begins its title with the row's name. */
export const FAULTS: readonly (readonly [row: string, fault: string, answer: string])[] = [
  ["U1", "connection refused", "next upstream at once; the second time the breaker opens"],
  ["U2", "name not found", "next upstream; the reason says DNS"],
  ["U3", "no route", "next upstream"],
  ["U4", "the connection is not accepted", "abandoned after `connect_secs`"],
  [
    "U5",
    "certificate self-signed, expired, or for another name",
    "never sent; breaker open for 5 minutes, reason named",
  ],
  ["U6", "TLS handshake stalls", "abandoned after `connect_secs`"],
  ["U7", "connection reset or closed when accepted", "next upstream where a retry is safe"],
  ["U8", "kept-alive connection closes as it is used", "retried on a new one, not counted as a failure"],
  ["U9", "closed after the request was read", "next upstream where a retry is safe"],
  ["U10", "half a status line, garbage", "next upstream where a retry is safe; one failure"],
  ["U11", "no answer", "abandoned after `first_byte_secs`"],
  ["U12", "5xx", "next upstream; one failure"],
  ["U13", "429, with all kinds of Retry-After", "next upstream; cooldown for the stated time"],
  ["U14", "quota spent, in the formats of several vendors", "next upstream; not used until the reset"],
  ["U15", "credential refused", "next upstream; not used until the key changes or 5 minutes pass"],
  ["U16", "a web page instead of data", "next upstream; one failure"],
  ["U17", "an empty 200, an error inside a 200", "next upstream; one failure"],
  ["U18", "an error as the first event", "next upstream, the client sees nothing of it"],
  ["U19", "cut in the middle of the answer", "a cut for the client too; tokens so far are logged"],
  ["U20", "cut of a body without length", "detected by the missing terminal event; as U19"],
  ["U21", "silence in the middle of the answer", "as U19 after `idle_secs`"],
  ["U22", "one byte at a time", "allowed, however long it takes"],
  ["U23", "an event of 20 MB", "passed on whole in constant memory"],
  ["U24", "contradicting or false lengths", "framed anew, or a failed attempt"],
  ["U25", "many 1xx responses", "ignored"],
  ["U26", "a redirect", "never followed, and no secret sent after it; a failed attempt for a POST"],
  ["U27", "too many or too large headers", "a failed attempt"],
  ["U28", "a status that does not exist", "a failed attempt"],
  ["U29", "compression that was not asked for", "decompressed if the client does not accept it"],
  ["U30", "broken compression", "before any output: next upstream; later: passed on as it is, usage unknown"],
  ["U31", "413 while the body is being sent", "passed on, not repeated"],
  ["U32", "every second request fails", "breaker opens by its share of failures"],
  ["U33", "everything down", "503 with Retry-After; few probes"],
  ["U34", "recovery", "found by one probe at a time"],
  [
    "U35",
    "a balance endpoint that is slow, returns a web page or invalid figures",
    "the reading is unknown, requests are not affected",
  ],
  ["U36", "answers without a body", "passed on without one"],
  [
    "C1",
    "the client leaves before the answer",
    "the request to the upstream is cancelled, not counted as a failure",
  ],
  ["C2", "the client leaves in the middle", "the same; tokens so far are logged"],
  ["C3", "the client does not read", "the upstream waits; memory stays flat"],
  ["C4", "an upload that stalls or is cut", "408 or 400, nothing sent"],
  ["C5", "a body over the limit", "413 as soon as the size is known"],
  ["C6", "Expect: 100-continue", "answered here, not passed on"],
  ["C7", "trailers and chunk extensions", "dropped"],
  ["C8", "a client that retries many times", "told when to retry; the upstream gets few requests"],
  ["C9", "many requests at once at a recovering upstream", "one of them is the probe, none waits for it"],
  ["C10", "compressed requests, bombs included", "decompressed within limits, sent on uncompressed"],
  ["C11", "headers over 16 KB", "accepted up to 64 KB"],
  ["C12", "a proxy in the environment", "never used for this machine"],
];

const MARKS = ["<!-- faults and tests: begin -->", "<!-- faults and tests: end -->"] as const;

/** The document with its table as the rows and the tests' titles have it. Throws where the marks are missing. */
export async function withFaults(text: string): Promise<string> {
  const tests = await findTests();
  const rows = FAULTS.map(([row, fault, answer]) => {
    const files = (tests.get(row) ?? []).map((file) => `[${file}](../test/${file})`);
    return [row, fault, answer, files.join(", ")];
  });
  return replaceBetween(text, MARKS, makeMarkdownTable([["row", "fault", "what happens", "tests"], ...rows]));
}

/** Row -> the files with tests whose titles begin with it, alone or as one of the rows of a table of cases. */
export async function findTests(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const file of [...new Glob("**/*.test.ts").scanSync(TESTS)].toSorted()) {
    const text = await Bun.file(join(TESTS, file)).text();
    const rows = [...text.matchAll(/["`]([UC]\d+):? \S/g)].map(([, row = ""]) => row);
    for (const row of new Set(rows)) found.set(row, [...(found.get(row) ?? []), file]);
  }
  return found;
}

if (import.meta.main)
  await Bun.write(FAULTS_DOC_PATH, await withFaults(await Bun.file(FAULTS_DOC_PATH).text()));
