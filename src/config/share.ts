// What config.json says of a pool: the engine that several machines share what they learn through, and what of it.
// Pure.
import * as z from "zod/mini";
import { described, maybe } from "./schema-words.ts";

export const SHARE_FEATURES = ["verdicts", "quota", "budgets"] as const;

export type ShareFeature = (typeof SHARE_FEATURES)[number];

const SCHEMES = new Set(["redis:", "rediss:", "valkey:", "valkeys:", "redis+unix:", "redis+tls:"]);

const isEngineUrl = (text: string): boolean => SCHEMES.has(URL.parse(text.trim())?.protocol ?? "");

export const makeShare = () =>
  z
    .looseObject({
      url: maybe(
        z.string().check(z.refine(isEngineUrl)),
        "Where the engine listens: `rediss://user:password@host:6379`; `redis://` without TLS.",
      ),
      url_env: maybe(z.string().check(z.minLength(1)), "Name of the variable that holds it."),
      url_command: maybe(
        z.array(z.string()).check(z.minLength(1), z.maxLength(32)),
        "A program and its arguments that print it, without a shell.",
      ),
      namespace: described(
        z.string().check(z.regex(/^[A-Za-z0-9_.-]{1,64}$/)),
        "What all its keys begin with. Machines with the same one are a pool.",
      ),
      name: maybe(
        z.string().check(z.regex(/^[\w .@-]{1,64}$/)),
        "How this machine is called in the pool. Default: its host name.",
      ),
      tls_ca: maybe(
        z.string().check(z.minLength(1)),
        "A PEM file with the only authorities that may have signed its certificate, by its absolute path.",
      ),
      features: maybe(z.array(z.enum(SHARE_FEATURES)), "What is shared. Default: all of them."),
    })
    .check(
      z.refine(
        (share) => [share.url, share.url_env, share.url_command].filter((one) => one != null).length === 1,
      ),
    );

export type ShareEntry = z.infer<ReturnType<typeof makeShare>>;

export function sharesFeature({ features }: ShareEntry, feature: ShareFeature): boolean {
  return features == null || features.includes(feature);
}
