// Answers of vendors and relays, each with who says that they look so, and what they have to be taken for: bodies/*.json.
import { Glob } from "bun";
import { readFileSync } from "node:fs";
import { type VendorName, isVendorName } from "../../src/quota/vendors.ts";

interface VendorBodies {
  readonly vendor: VendorName;
  readonly source: string;
  /** "by documentation": no public body with figures was found. */
  readonly shape: "public body" | "public source" | "by documentation";
  readonly cases: readonly {
    readonly what: string;
    readonly bodies: Record<string, unknown>[];
    /** "ok key 7.5/10 USD": the state at noon of 23 November 2026, UTC, and the meter that decides. */
    readonly says: string;
  }[];
}

export const BODIES = [...new Glob("*.json").scanSync(`${import.meta.dir}/bodies`)].toSorted().map((name) => {
  const one = JSON.parse(readFileSync(`${import.meta.dir}/bodies/${name}`, "utf8")) as VendorBodies;
  if (!isVendorName(one.vendor) || one.source === "")
    throw new Error(`${name}: no such vendor, or no source`);
  return one;
});
