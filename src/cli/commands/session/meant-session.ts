// The session that is meant: by its id, or the last one of the project.
import { UserError } from "../../../base/errors.ts";
import { t } from "../../../base/language.ts";
import { SERVICES } from "../../../base/service.ts";
import { readFacts } from "../../../sessions/facts.ts";
import { findById } from "../../../sessions/find-by-id.ts";
import type { SessionFacts } from "../../../sessions/session.ts";
import { readUuid } from "../../../sessions/uuid.ts";
import { readService } from "../../args.ts";
import type { Cli } from "../../cli.ts";
import { findLast } from "./last-session.ts";
import type { PlaceArgs } from "./place-args.ts";
import { describeNothing, makeQuery } from "./query.ts";

/** Throws UserError with near ids. An id is looked for in both clients unless a flag names one. */
export async function findMeant(
  cli: Cli,
  args: PlaceArgs & { readonly id?: string | undefined },
): Promise<SessionFacts> {
  if (args.id === undefined) {
    const query = await makeQuery(cli, args);
    const last = findLast(query);
    if (last !== null) return last;
    const { message, hint } = describeNothing(query, cli);
    throw new UserError(message, { hint });
  }
  const service = readService(args);
  const { place, near } = findById(cli.paths, service === undefined ? SERVICES : [service], args.id);
  if (place !== null) return readFacts(place);
  const hint = near.map((id) => `ch session show ${id}`).join("\n");
  if (near.length > 0 && readUuid(args.id) === null)
    throw new UserError(t`several sessions have an id that begins with ${args.id}`, { hint });
  throw new UserError(t`no session with the id ${args.id}`, {
    hint: hint === "" ? "ch session list --all --all-services" : hint,
  });
}
