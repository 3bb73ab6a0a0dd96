// The table of checks: facts go in, findings come out.
// Pure.
import type { Check, Finding } from "./check.ts";
import { CLIENT_FILE_CHECKS } from "./client-files.ts";
import { CLIENT_CHECKS } from "./clients.ts";
import type { DoctorFacts } from "./facts.ts";
import { MACHINE_CHECKS } from "./machine.ts";
import { OWN_FILE_CHECKS } from "./own-files.ts";
import { UPSTREAM_CHECKS } from "./upstreams.ts";

/** In the order in which they are shown. */
export const CHECKS: readonly Check[] = [
  ...OWN_FILE_CHECKS,
  ...UPSTREAM_CHECKS,
  ...CLIENT_CHECKS,
  ...CLIENT_FILE_CHECKS,
  ...MACHINE_CHECKS,
];

/** All findings, in the order of the table; without the checks of clients that no facts were gathered for. */
export function runChecks(facts: DoctorFacts): Finding[] {
  const services = facts.services.map(({ service }) => service);
  return CHECKS.filter(({ service }) => service === undefined || services.includes(service)).flatMap(
    ({ id, run }) => run(facts).map((finding) => ({ id, ...finding })),
  );
}
