// What must not happen on this machine without a word of its person's: a key that goes to another host, a config in use that is gone,
// a key that is nowhere else.
// Pure.
import { t } from "../../base/text.ts";
import { isRecord, stringOr } from "../../base/json-value.ts";
import { SERVICES } from "../../base/service.ts";
import { findCredential } from "../../config/check-upstreams.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { chooseConfig } from "../../config/resolve.ts";
import type { Guard } from "../../config/sync/desk.ts";
import { type VariableHosts, riskOfVariable } from "../import/import-remarks.ts";

/** `uses`: also by configs that are gone, so that none comes back with another address for the same key. */
export function makeGuard(config: ParsedConfig, uses: VariableHosts): Guard {
  return {
    risksOf(label, baseUrl, auth) {
      if (!isRecord(auth)) return [];
      if (auth["client"] === true) return [t`${label} would send the client's own login`];
      const host = URL.parse(stringOr(baseUrl, ""))?.hostname ?? "";
      const names = [auth["auth_token_env"], auth["api_key_env"]].filter((one) => typeof one === "string");
      return names.flatMap(
        (variable) => riskOfVariable(label, { variable: variable.trim(), host }, uses) ?? [],
      );
    },
    risksOfAddress({ entry }, address) {
      const to = URL.parse(stringOr(address, ""));
      if (to === null) return [];
      const used = findCredential(entry.auth);
      const hasKey = used !== null || entry.auth?.client === true;
      const others = [...Object.keys(entry.headers ?? {}), ...Object.keys(entry.query ?? {})];
      return [
        hasKey ? t`its key would go to ${to.host}` : t`conversations would go to ${to.host}`,
        ...(others.length === 0 ? [] : [t`so would ${others.join(", ")}`]),
      ];
    },
    risksOfRemoval(local, upstream) {
      const { name, service } = local;
      const gone = upstream === null ? local.upstreams : [upstream];
      const hasKey = gone.some(({ hasOwnKey }) => hasOwnKey);
      const inUse = SERVICES.some((one) => {
        if (one !== service) return false;
        const chosen = chooseConfig(config.services[one], one);
        return !("kind" in chosen) && chosen.name === name;
      });
      return [
        ...(upstream === null && inUse ? [t`it is in use here`] : []),
        ...(hasKey ? [t`a key that is in no other file of ours would be removed`] : []),
      ];
    },
  };
}
