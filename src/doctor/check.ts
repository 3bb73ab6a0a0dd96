// What a check is, and what it says. The checks themselves are in the files beside it, one for each area.
// Pure.
import type { Service } from "../base/service.ts";
import type { Text } from "../base/text.ts";
import type { DoctorFacts } from "./facts.ts";

export type Status = "ok" | "info" | "warn" | "fail";

export interface Finding {
  readonly id: string;
  readonly status: Status;
  readonly message: Text | string;
  /** A command to type, or one short instruction. */
  readonly hint?: Text | string;
}

export type Found = Omit<Finding, "id">;

export interface Check {
  readonly id: string;
  /** The one client that it is about; absent for what concerns both. */
  readonly service?: Service;
  /** What is looked at: for the documentation. */
  readonly about: string;
  /** The gravest thing it says. */
  readonly worst: Status;
  /** What `ch doctor --fix` does about it, for the documentation; null where a person has to decide. */
  readonly repair: string | null;
  /** One finding for each thing looked at; none where there is nothing to look at. */
  readonly run: (facts: DoctorFacts) => readonly Found[];
}

export function ok(message: Text): Found {
  return { status: "ok", message };
}
