// What a client's own files and variables add to its requests, and for which address: only that origin may see it.
// Pure.

/** One header or query parameter, as the client's file or variable has it. */
export interface OwnedName {
  readonly kind: "header" | "parameter";
  /** As it arrives, in lower case. */
  readonly name: string;
  /** As it is written where it is set. */
  readonly shown: string;
  /** As it is sent; null where only the client knows it. */
  readonly value: string | null;
  /** The table or variable with the address that it was written for, for people. */
  readonly owner: string;
  /** That address, as written. */
  readonly baseUrl: string;
  /** The client uses that table, or has used it while we ran. */
  readonly isInUse: boolean;
}

/** To whom a name may go, by one table that has it. */
export interface Claim extends Pick<OwnedName, "isInUse" | "shown" | "value"> {
  /** Null where it is not known: then to nobody. */
  readonly origin: string | null;
}

/** All claims by name, lower case. */
export interface OwnedNames {
  readonly headers: ReadonlyMap<string, readonly Claim[]>;
  readonly parameters: ReadonlyMap<string, readonly Claim[]>;
}

export const NO_OWNED_NAMES: OwnedNames = { headers: new Map(), parameters: new Map() };

/**
 * May this origin see a value of a name with these claims? Two tables may have the same name with different values: the
 * value tells whose it is, else the table in use, and where neither does nobody gets it.
 */
export function isOwner(claims: readonly Claim[], value: string, origin: string): boolean {
  const same = claims.filter((claim) => claim.value === value);
  if (same.length > 0) return same.some((claim) => claim.origin === origin);
  const candidates = isOneOrigin(claims) ? claims : claims.filter(({ isInUse }) => isInUse);
  return isOneOrigin(candidates) && candidates[0]?.origin === origin;
}

function isOneOrigin(claims: readonly Claim[]): boolean {
  return claims.every(({ origin }) => origin === claims[0]?.origin);
}
