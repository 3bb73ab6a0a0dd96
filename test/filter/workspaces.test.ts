import { expect, test } from "bun:test";
import fc from "fast-check";
import { stripWorkspaces, stripWorkspacesInBody } from "../../src/filter/workspaces.ts";

const WORKSPACES = {
  '/home/jürgen/a "quoted" \\ path': {
    associated_remote_urls: { origin: "git@git.your-company.com:shop/api.git" },
    latest_git_commit_hash: "0f3b",
    has_changes: true,
  },
};
const METADATA = { session_id: "s", request_kind: "turn", workspaces: WORKSPACES, model: "m" };
const EMPTIED = { ...METADATA, workspaces: {} };

const inBody = (metadata: string): string =>
  JSON.stringify({
    model: "m",
    input: [{ text: 'about "x-codex-turn-metadata": "{\\"workspaces\\":{\\"/x\\":1}}"' }],
    client_metadata: { "x-codex-turn-metadata": metadata, "x-other": "1" },
  });

const stripText = (body: string): string => Buffer.from(stripWorkspacesInBody(Buffer.from(body))).toString();

test("the header keeps its envelope and loses paths, remotes and commits", () => {
  expect(stripWorkspaces(JSON.stringify(METADATA))).toBe(JSON.stringify(EMPTIED));
});

test("the body loses the same part of the copy and no other byte", () => {
  expect(stripText(inBody(JSON.stringify(METADATA)))).toBe(inBody(JSON.stringify(EMPTIED)));
});

test("any spelling of the copy is understood", () => {
  const escaped = JSON.stringify(JSON.stringify(METADATA)).replace(
    /[/ü]/g,
    (unit) => `\\u00${unit.charCodeAt(0).toString(16)}`,
  );
  const body = `{ "client_metadata" : { "x-codex-turn-metadata" :\n ${escaped} } }`;
  const stripped = stripText(body);
  expect(stripped).not.toContain("git.your-company.com");
  expect(JSON.parse(stripped)).toEqual({
    client_metadata: { "x-codex-turn-metadata": JSON.stringify(EMPTIED) },
  });
});

test("stripping twice is stripping once, and what is already empty comes back as the same bytes", () => {
  const once = stripWorkspacesInBody(Buffer.from(inBody(JSON.stringify(METADATA))));
  expect(stripWorkspacesInBody(once)).toBe(once);
});

/** Metadata that holds no workspaces of the known shape. */
const ODD: readonly string[] = [
  "",
  "{}",
  "not json",
  '{"workspaces":null}',
  '{"workspaces":{}}',
  '{"workspaces":"/home"}',
  '{"workspaces":{"/home":',
  '{"a":{"workspaces":{"/nested/elsewhere":1}}}',
  '{"a":"\\"workspaces\\":{\\"/in a string\\":1}"}',
  '["workspaces"]',
];

for (const metadata of ODD) {
  test(`leaves ${metadata === "" ? "the empty text" : metadata} alone`, () => {
    expect(stripWorkspaces(metadata)).toBe(metadata);
    const body = Buffer.from(inBody(metadata));
    expect(stripWorkspacesInBody(body)).toBe(body);
  });
}

test("a body that ends inside the copy is left alone", () => {
  const body = Buffer.from(inBody(JSON.stringify(METADATA)).slice(0, -60));
  expect(stripWorkspacesInBody(body)).toBe(body);
});

test("a path of any kind goes, whatever stands around it", () => {
  const envelope = fc.dictionary(
    fc.string().filter((key) => key !== "workspaces" && key !== "__proto__"),
    fc.jsonValue(),
    { maxKeys: 4 },
  );
  const workspaces = fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1, maxKeys: 3 });
  fc.assert(
    fc.property(envelope, workspaces, envelope, (before, secret, after) => {
      const build = (value: object): string => JSON.stringify({ ...before, workspaces: value, ...after });
      expect(stripWorkspaces(build(secret))).toBe(build({}));
      expect(stripText(inBody(build(secret)))).toBe(inBody(build({})));
    }),
    { numRuns: 300 },
  );
});

test("any bytes come back, stripped or as they were", () => {
  fc.assert(
    fc.property(fc.string(), (tail) => {
      const body = Buffer.from(`{"x-codex-turn-metadata":"${tail}`);
      expect(stripWorkspacesInBody(body).length).toBeLessThanOrEqual(body.length);
    }),
  );
});
