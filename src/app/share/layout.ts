// What is in the engine: every key with its type and lifetime, and the scripts that change them. docs/sharing.md tells the same.
// Pure.
import { signText } from "../../base/secrets.ts";
import type { Upstream } from "../../base/upstream.ts";

/** Of the layout. A machine that finds a newer one writes nothing. */
export const SCHEMA = 1;
const DAY_MS = 86_400_000;
/** Who was not heard of for so long is gone, and the key of an unused pool with it. */
export const KEPT_MS = 90 * DAY_MS;

export const READING_MS = DAY_MS;
/** A lookup may ask two addresses for 8 s each. */
export const LEASE_MS = 30_000;

export function makeLayout(namespace: string) {
  const at = (...parts: readonly string[]): string => [namespace, String(SCHEMA), ...parts].join(":");
  return {
    /** String: the version of the layout in use. */
    schema: `${namespace}:schema`,
    /** String: 32 random bytes in hex, by which identities are made. */
    secret: at("key"),
    /** Hash: machine -> when it was heard of in seconds, a blank, JSON. */
    machines: at("machines"),
    /** Hash: what was learned -> when in ms, a blank, JSON or null. */
    verdicts: (id: string): string => at("v", id),
    /** String: when it was read in ms, a blank, JSON. */
    reading: (id: string): string => at("q", id),
    /** String: who is asking for it. */
    lease: (id: string): string => at("l", id),
    /** Hash: machine -> what it spent in the window. */
    spend: (id: string, window: string): string => at("s", id, window),
    /** Channel: whatever changes, as it changes. */
    channel: at("news"),
  };
}

/** Which account it is, for whoever has the pool's key and the same account; null for what is not the same on every machine. */
export function identifyUpstream(secret: string, { baseUrl, credential, service }: Upstream): string | null {
  // A client's own login is another's on another machine, and without a key nobody is anyone.
  if (credential.kind !== "bearer" && credential.kind !== "api-key") return null;
  return identify(secret, `upstream\n${service}\n${baseUrl}\n${credential.secret}`);
}

export function identify(secret: string, text: string): string {
  return signText(secret, text).slice(0, 32);
}

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): Script {
  const text = lua.replace(/\s*\n\s*/g, "\n").trim();
  return { lua: text, sha: new Bun.CryptoHasher("sha1").update(text).digest("hex") };
}

const KEEP = `
  local function keep(key, ms)
    if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
  end`;

/** The engine runs each as one step. */
export const SCRIPTS = {
  /** KEYS schema, secret, machines. ARGV version, a secret, machine, JSON, ms. Answers the secret, the time in s and us, the machines. */
  hello: script(`${KEEP}
    local version = redis.call('GET', KEYS[1])
    if version and tonumber(version) > tonumber(ARGV[1]) then return {'newer', version} end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[5])
    redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[5])
    keep(KEYS[2], ARGV[5])
    local time = redis.call('TIME')
    redis.call('HSET', KEYS[3], ARGV[3], time[1] .. ' ' .. ARGV[4])
    keep(KEYS[3], ARGV[5])
    return {'ok', redis.call('GET', KEYS[2]), time[1], time[2], redis.call('HLEN', KEYS[3])}`),
  /** KEYS verdicts. ARGV field, ms, JSON, lifetime in ms, channel, message. Of two that are told the later one counts. */
  learn: script(`${KEEP}
    local old = redis.call('HGET', KEYS[1], ARGV[1])
    local at = old and tonumber(string.match(old, '^%d+'))
    if at and at >= tonumber(ARGV[2]) then return 0 end
    if not old and redis.call('HLEN', KEYS[1]) >= 200 then return 0 end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
    keep(KEYS[1], ARGV[4])
    redis.call('PUBLISH', ARGV[5], ARGV[6])
    return 1`),
  /** KEYS spend. ARGV machine, sum, lifetime in ms, channel, message. A sum only ever grows: telling it twice changes nothing. */
  spend: script(`${KEEP}
    local old = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '-1')
    if old >= tonumber(ARGV[2]) then return 0 end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
    keep(KEYS[1], ARGV[3])
    redis.call('PUBLISH', ARGV[4], ARGV[5])
    return 1`),
  /** KEYS reading, lease. ARGV who, ms, lifetime of the lease. A reading that is not older, else who may ask: "go", or "held". */
  ask: script(`
    local known = redis.call('GET', KEYS[1])
    local at = known and tonumber(string.match(known, '^%d+'))
    if at and at >= tonumber(ARGV[2]) then return known end
    if redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[3]) then return 'go' end
    return 'held'`),
  /** KEYS reading, lease. ARGV who, the reading or nothing, lifetime, channel, message. */
  tell: script(`
    if ARGV[2] ~= '' then
      redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
      redis.call('PUBLISH', ARGV[4], ARGV[5])
    end
    if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
    return 1`),
} as const;
