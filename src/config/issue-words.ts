// Says in words what a schema found, without the value it found it in.
// Pure.
import type { z } from "zod";

type Issue = z.core.$ZodIssue;

const EXPECTED: Readonly<Record<string, string>> = {
  string: "text in double quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** A half sentence that follows the path: "must be a number". */
export function describeIssue(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      if (issue.message.endsWith("received undefined")) return "is missing";
      if (issue.message.endsWith("received Infinity")) return "is too large";
      return `must be ${EXPECTED[issue.expected] ?? issue.expected}`;
    case "too_small":
      if (issue.origin === "array") return `must hold at least ${issue.minimum}`;
      if (issue.origin === "string") return "must not be empty";
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
    case "too_big":
      return `must ${issue.origin === "array" ? "hold" : "be"} at most ${issue.maximum}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "invalid_union":
      return "must be text in double quotes, or false";
    case "invalid_key":
      return "is a name that is not allowed here";
    case "invalid_format":
      return issue.format === "datetime"
        ? "must be a time such as 2026-12-01T09:00:00+01:00"
        : "holds a character that is not allowed here";
    case "custom":
    case "invalid_element":
    case "not_multiple_of":
    case "unrecognized_keys":
      return "is not as expected";
  }
}
