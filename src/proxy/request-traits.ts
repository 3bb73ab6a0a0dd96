// What a request is like, for what is learned of refusals: read when it is asked for, which no request that is answered does.
// Pure.
import { bytesOf } from "../base/json-splice.ts";
import { parseJson } from "../base/json-value.ts";
import type { RefusedThing, RequestTraits } from "../routing/types.ts";

/** Longer ones are nobody's name. */
const MAX_CLIENT = 80;

/** A class, because each request has one. */
export class Traits implements RequestTraits {
  private parsed: { readonly json: unknown } | null = null;

  constructor(
    private readonly method: string,
    private readonly path: string,
    private readonly headers: Headers,
    private readonly body: Uint8Array,
  ) {}

  get endpoint(): string {
    return `${this.method} ${this.path}`;
  }

  get client(): string {
    const agent = this.headers.get("user-agent") ?? "";
    return (/^[\w.-]+(?:\/[\w.-]+)?/.exec(agent)?.[0] ?? "").slice(0, MAX_CLIENT);
  }

  get betas(): readonly string[] {
    const value = this.headers.get("anthropic-beta") ?? "";
    return value
      .split(",")
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== "");
  }

  get json(): unknown {
    this.parsed ??= { json: parseJson(new TextDecoder().decode(this.body)) };
    return this.parsed.json;
  }

  hasHeader(name: string): boolean {
    return this.headers.has(name);
  }

  has({ kind, name }: RefusedThing): boolean {
    if (kind === "beta") return name === "*" ? this.betas.length > 0 : this.betas.includes(name);
    if (kind === "header") return this.hasHeader(name);
    const bytes = bytesOf(this.body);
    if (kind === "tool") return bytes.includes(JSON.stringify(name));
    const key = JSON.stringify(name.split(".").findLast((part) => part !== "*") ?? name);
    for (let at = bytes.indexOf(key); at >= 0; at = bytes.indexOf(key, at + 1))
      if (/^\s*:/.test(bytes.toString("latin1", at + key.length, at + key.length + 32))) return true;
    return false;
  }
}
