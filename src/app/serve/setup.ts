// Whether any upstream could be asked at all, before a client is pointed here: each may be disabled or lack its key. What ends by
// itself (a cooldown, a spent quota) keeps nobody from starting.
import { UserError } from "../../base/errors.ts";
import { flagFor } from "../../base/service.ts";
import { type Text, joinTexts, t } from "../../base/text.ts";
import {
  createLiveConfig,
  type ListedConfig,
  type LiveConfigOptions,
  type LiveRoute,
} from "../live-config.ts";

/** Throws UserError where a service cannot be served. `startsUnusable`: it is, with upstreams that only set-up keeps from being asked. */
export async function requireRoute(
  route: LiveRoute,
  options: LiveConfigOptions & { readonly startsUnusable?: boolean },
): Promise<void> {
  const listed = route.listUpstreams();
  const isSet = listed !== null && listed.entries.length > 0;
  if (isSet && options.startsUnusable === true) return;
  const problem = isUnusable(listed) ? await describeSetup(route, options) : null;
  if (problem !== null) throw problem;
  const state = route.state();
  if (state.kind === "unset") throw new UserError(state.message, { hint: state.hint });
}

async function describeSetup(
  route: LiveRoute,
  { env, now, paths }: LiveConfigOptions,
): Promise<UserError | null> {
  const { configName, service } = route;
  // In the words of this terminal: nothing runs yet.
  const listed = createLiveConfig({ env, now, paths }).routeOf(service, configName).listUpstreams();
  if (listed === null || !isUnusable(listed)) return null;
  const { hintOf } = await import("../status/facts.ts");
  const faults = listed.entries.map(({ isEnabled, upstream: { credential, label } }): Text => {
    if (!isEnabled) return t`${label} is disabled`;
    return t`${label}: ${credential.kind === "unusable" ? credential.why : ""}`;
  });
  const commands = listed.entries.map(({ isEnabled, upstream }) =>
    isEnabled ? hintOf(upstream) : `ch config enable ${upstream.label}${flagFor(service)}`,
  );
  const ways = [...new Set(commands)].flatMap((command) => (command === null ? [] : [command]));
  return new UserError(t`no upstream of "${listed.configName}" can be used: ${joinTexts(faults, "; ")}`, {
    hint: joinTexts(
      ways.length > 0
        ? [...ways, t`or start all the same, with --force`]
        : [t`to start all the same: --force`],
      "\n",
    ),
  });
}

function isUnusable(listed: ListedConfig | null): boolean {
  if (listed === null || listed.entries.length === 0) return false;
  return listed.entries.every(
    ({ isEnabled, upstream }) => !isEnabled || upstream.credential.kind === "unusable",
  );
}
