// The certificate authorities that one address may be signed by, from a file of the user's: read before its first use and again
// whenever the file changes.
import { X509Certificate } from "node:crypto";
import { UserError } from "./errors.ts";
import { type Text, t } from "./text.ts";
import { createWatchedFile, type WatchedFile } from "./watched-file.ts";

export type Trust =
  /** PEM. */
  { readonly kind: "trusted"; readonly ca: string } | { readonly kind: "unusable"; readonly why: Text };

/** A system's whole bundle has a quarter of it. */
const MAX_BYTES = 2 ** 20;

/** `now`: wall clock, ms. The function that it makes never throws. */
export function createTrust(now: () => number): (path: string) => Trust {
  const files = new Map<string, WatchedFile<string>>();
  return (path) => {
    const known = files.get(path);
    const file = known ?? createWatchedFile({ path, maxBytes: MAX_BYTES, parse: takeCertificates, now });
    if (known === undefined) files.set(path, file);
    const current = file.current();
    if (current.kind === "ok") return { kind: "trusted", ca: current.value };
    const why = current.kind === "missing" ? t`the file does not exist` : current.problem.text;
    return { kind: "unusable", why: t`tls_ca: ${path}: ${why}` };
  };
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** Its certificates alone: a bundle has comments, and may have keys. Bun takes one that is broken for a dead address. */
function takeCertificates(text: string): string {
  const found = text.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new UserError(t`it has no certificate in PEM form`);
  for (const [index, pem] of found.entries())
    try {
      new X509Certificate(pem);
    } catch {
      throw new UserError(t`its certificate ${index + 1} cannot be read`);
    }
  return found.join("\n");
}
