// What a redaction rule is.
// Types only.
// Pure.
import type { Service } from "../base/service.ts";

export interface Rule {
  readonly op: "replace" | "remove";
  /** Literal text, or a pattern in RE2 syntax. Never empty. */
  readonly source: string;
  /** Inserted as it is; "" for `remove`. */
  readonly target: string;
  readonly regex: boolean;
  readonly ignoreCase: boolean;
  readonly services: readonly Service[];
}
