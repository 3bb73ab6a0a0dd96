import { expect, test } from "bun:test";
import { join } from "node:path";
import { logEntrySchema } from "../../src/log/entry-schema.ts";
import { type LogEntry, makeLogLine } from "../../src/log/entry.ts";

const text = await Bun.file(join(import.meta.dir, "../../docs/requests-log.md")).text();
const lines = [...text.matchAll(/^ {4}(\{.*\})$/gm)].map((match) => match[1] ?? "");
const entries = lines.map((line): LogEntry => logEntrySchema.parse(JSON.parse(line)));

test("the lines in docs/requests-log.md are lines as they are written", () => {
  expect(lines.length).toBe(3);
  expect(entries.map((entry) => makeLogLine(entry))).toEqual(lines.map((line) => `${line}\n`));
});

test("docs/requests-log.md explains every field, and no other", () => {
  const explained = [...text.matchAll(/^\| (`\w+`(?:, `\w+`)*) +\|/gm)].flatMap(
    (row) => (row[1] ?? "").match(/\w+/g) ?? [],
  );
  const { usage, attempts, outcome } = logEntrySchema.shape;
  const attempt = attempts.def.innerType.def.element;
  const known = [logEntrySchema, usage.def.innerType, attempt].flatMap((schema) => Object.keys(schema.shape));
  expect(explained.toSorted()).toEqual([...known, ...outcome.options].toSorted());
});

/** What each example prints for the lines of the document. */
const EXPECTED: Readonly<Record<string, string>> = {
  "Tokens by config": '{"main":579,"work":1234}',
  "Requests that needed more than one upstream": '{"id":"m2qx0k801a2b3c4","tried":["quota-exhausted","ok"]}',
  "Everything that did not go well, newest last": "m2qx1ui01a2b3c4\tcodex\t499\tclient_gone",
  "Share of Claude's input that came from the cache": String(1000 / 1204),
  "The slowest first byte": "900",
};

const examples = [...text.matchAll(/^(.+):\n\n {4}jq (.*) requests\.jsonl$/gm)].map(
  ([, title = "", command = ""]) => ({ title, command }),
);

test("every jq example in docs/requests-log.md uses fields that exist", () => {
  expect(examples.map(({ title }) => title)).toEqual(Object.keys(EXPECTED));
  const fields = text.match(/`\w+`/g) ?? [];
  for (const { command } of examples) {
    for (const [, field = ""] of command.matchAll(/(?<![\d$\]])\.([a-z]\w+)|(?<=\$[ru]\.)(\w+)/g)) {
      expect(fields).toContain(`\`${field}\``);
    }
  }
});

for (const { title, command } of Bun.which("jq") === null ? [] : examples) {
  test(`the jq example "${title}" prints what it should`, async () => {
    const child = Bun.spawn(["sh", "-c", `jq ${command}`], {
      stdin: Buffer.from(lines.join("\n")),
      stdout: "pipe",
    });
    expect((await new Response(child.stdout).text()).trim()).toBe(EXPECTED[title] ?? "");
    expect(await child.exited).toBe(0);
  });
}
