// What the tests of redaction share: rules from objects, and a filter with the outcome unwrapped.
import { inEnglish } from "../../src/base/text.ts";
import { signText } from "../../src/base/secrets.ts";
import type { Service } from "../../src/base/service.ts";
import { Book } from "../../src/filter/placeholders.ts";
import { type Filtered, type RequestFilter, makeRequestFilter } from "../../src/filter/request-filter.ts";
import { parseRules } from "../../src/filter/rules.ts";

export const makeBook = (): Book => new Book((text) => signText("a key", text));

export function makeFilter(rules: unknown, service: Service = "codex"): RequestFilter {
  return makeRequestFilter({
    rules: parseRules(JSON.stringify(rules), "filter.json"),
    service,
    now: () => performance.now(),
    book: makeBook,
  });
}

/** The body after the rules, as text. Throws the message of a refusal. */
export function filterText(rules: unknown, body: string, service: Service = "codex"): string {
  return Buffer.from(
    expectOk(makeFilter(rules, service).filterBody(Buffer.from(body), JSON_TYPE)).value,
  ).toString();
}

export const JSON_TYPE = "application/json";

export function expectOk<T>(filtered: Filtered<T>): Extract<Filtered<T>, { kind: "ok" }> {
  if (filtered.kind === "refused") throw new Error(inEnglish(filtered.message));
  return filtered;
}
