// Checks the credentials of one upstream as written: what can be sent at all, and what is probably a mistake.
// Pure.
import { OFFICIAL_HOSTS, type Service } from "../base/service.ts";
import type { AuthEntry } from "./schema.ts";

export interface AuthCheck {
  /** Null when the upstream can be used. */
  readonly problem: string | null;
  readonly warnings: readonly string[];
}

const LITERALS = ["auth_token", "api_key"] as const;
const REFERENCES = ["auth_token_env", "api_key_env"] as const;

export function checkAuth(
  auth: AuthEntry,
  baseUrl: string,
  tags: Readonly<Record<string, unknown>>,
  service: Service,
): AuthCheck {
  const warnings: string[] = [];
  const given = [...LITERALS, ...REFERENCES].filter((name) => auth[name] != null);
  for (const name of LITERALS) {
    const value = auth[name];
    if (value == null) continue;
    if (value.trim() === "") return { problem: `${name} is empty`, warnings };
    if (/[^\u0020-\u007e\u00a0-\u00ff]/.test(value.trim()))
      return { problem: `${name} holds a character that cannot be sent in a header`, warnings };
    if (value !== value.trim()) warnings.push(`${name} has blanks around it, which are left out`);
    if (/^sk-(?:\.{2,}|x{3,}|your)/i.test(value.trim())) warnings.push(`${name} looks like a placeholder`);
  }
  for (const name of REFERENCES) {
    const value = auth[name];
    if (value != null && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(value))
      return { problem: `${name} is not the name of a variable`, warnings };
  }
  if (given.length > 1) warnings.push(`${given.join(" and ")} are given: ${given[0]} is used`);
  if (auth.client === true) {
    if (given.length > 0) warnings.push(`client is ignored beside ${given[0]}`);
    else if (!isClientOrigin(baseUrl, tags, service)) {
      return {
        problem:
          "client: true is allowed only for the vendor's own host, or the one the credentials were imported from",
        warnings,
      };
    }
  }
  return { problem: null, warnings };
}

/** The client's own credentials may go where they belong and nowhere else. */
function isClientOrigin(baseUrl: string, tags: Readonly<Record<string, unknown>>, service: Service): boolean {
  const { origin, protocol, hostname } = new URL(baseUrl);
  if (protocol === "https:" && OFFICIAL_HOSTS[service].includes(hostname)) return true;
  return tags["imported_origin"] === origin;
}
