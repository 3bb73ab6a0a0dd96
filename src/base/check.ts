// What a check of `ch doctor` is, and what it says. doctor/ has the checks of ours, each client's folder those of the client.
// Pure.
import type { Text } from "./text.ts";

export type Status = "ok" | "info" | "warn" | "fail";

export interface Finding {
  readonly id: string;
  readonly status: Status;
  readonly message: Text | string;
  /** A command to type, or one short instruction. */
  readonly hint?: Text | string | undefined;
}

export type Found = Omit<Finding, "id">;

/** A check as the documentation tells it. */
export interface CheckRow {
  readonly id: string;
  /** What is looked at. */
  readonly about: string;
  /** The most serious status it has. */
  readonly worst: Status;
  /** What `ch doctor --fix` does about it; absent where a person has to decide. */
  readonly repair?: string;
}

export interface Check<Facts> extends CheckRow {
  /** One finding for each thing looked at; none where there is nothing to look at. */
  readonly run: (facts: Facts) => readonly Found[];
}

/** All findings, in the order of the checks. */
export function runChecks<Facts>(checks: readonly Check<Facts>[], facts: Facts): Finding[] {
  return checks.flatMap(({ id, run }) => run(facts).map((found) => ({ id, ...found })));
}

export const ok = sayAs("ok");
export const info = sayAs("info");
export const warn = sayAs("warn");
export const fail = sayAs("fail");

function sayAs(status: Status) {
  return (message: Found["message"], hint?: Found["hint"]): Found => ({ status, message, hint });
}
