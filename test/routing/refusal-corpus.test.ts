// Every refusal of test/refusals, given to the classifier: spent money in both directions, one model, one key, and the time.
import { describe, expect, test } from "bun:test";
import { findRepair } from "../../src/proxy/history.ts";
import type { Api } from "../../src/usage/stream-events.ts";
import { classify } from "../../src/routing/classify.ts";
import { isSetAside } from "../helpers/corpus.ts";
import { outcomeOf, readRefusalFile, readRefusalFiles, type RefusalFile } from "../helpers/refusal-file.ts";
import { DEFAULT_ROUTING, NOW } from "../helpers/routing.ts";

const files = await readRefusalFiles();
const groups = Map.groupBy(files, ({ file }) => (isSetAside(file) ? "refusals set aside" : "refusals"));

for (const [group, of] of groups) {
  describe(group, () => {
    for (const one of of)
      test(`${one.file} is ${one.expect.verdict === "other" ? "not money" : one.expect.verdict}`, () => {
        expect(judge(one)).toEqual(one.expect);
      });
  });
}

/** In the words of the file: "other" is whatever is not a spent quota, and a time may be off by a second. */
function judge(one: RefusalFile): RefusalFile["expect"] {
  const { expect: due } = one;
  const { blame, next, resetsAt } = classify(outcomeOf(one), {
    now: NOW,
    overrides: {},
    onError: [],
    settings: DEFAULT_ROUTING,
    canRepair: (refusal) => findRepair(apiOf(one), encode(one.request), refusal) !== null,
  });
  const isOther = due.verdict === "other" && blame !== "exhausted" && next !== "repair";
  const until = resetsAt === null ? null : new Date(resetsAt).toISOString();
  const isOnTime =
    due.until !== null && resetsAt !== null && Math.abs(resetsAt - Date.parse(due.until)) <= 1_000;
  return {
    verdict: next === "repair" ? next : isOther ? "other" : (blame as RefusalFile["expect"]["verdict"]),
    until: isOther || isOnTime ? due.until : until,
  };
}

function apiOf({ request = {} }: RefusalFile): Api | null {
  return "input" in request ? "responses" : "messages" in request ? "messages" : null;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value ?? null));

describe("the corpus itself", () => {
  test("is large enough in both directions, and has every vendor that users have", () => {
    expect(files.length).toBeGreaterThanOrEqual(250);
    expect(files.filter(({ expect: { verdict } }) => verdict !== "exhausted").length).toBeGreaterThanOrEqual(
      80,
    );
    const vendors = new Set(files.map(({ vendor }) => vendor));
    expect(VENDORS.filter((vendor) => !vendors.has(vendor))).toEqual([]);
  });

  test("refuses a file that does not say where it is from", () => {
    const good = { vendor: "x", status: 429, body: {}, expect: { verdict: "cooldown", until: null } };
    for (const source of [undefined, "", "a friend", "https://example.com"])
      expect(() => readRefusalFile("x.json", JSON.stringify({ ...good, source }))).toThrow("x.json: ");
  });
});

const VENDORS = [
  "Kimi",
  "GLM",
  "new-api",
  "one-api",
  "sub2api",
  "claude-relay-service",
  "DeepSeek",
  "Volcengine",
  "SiliconFlow",
  "OpenRouter",
  "Azure",
  "Bedrock",
  "Vertex",
  "LiteLLM",
  "Cloudflare",
  "packycode",
  "88code",
  "yes.vg",
  "OpenAI",
  "Anthropic",
];
