// Which log entries a person looks for: everything that is asked for must hold.
// Takes entries of any version.
// Pure.
import { isRecord } from "../base/json-value.ts";
import type { EntryFields } from "./groups.ts";

export interface Wanted {
  /** "429", or "4xx" for all that begin with 4. */
  readonly status?: string | undefined;
  readonly outcome?: string | undefined;
  /** A part of the base URL of any upstream that was tried, in any case. */
  readonly upstream?: string | undefined;
  /** The config's whole name. */
  readonly config?: string | undefined;
  /** A part of the model's name, as the client or the upstream calls it. */
  readonly model?: string | undefined;
  /** How the session's id begins. */
  readonly session?: string | undefined;
  readonly path?: string | undefined;
  /** A part of an error, of the request or of an attempt. */
  readonly text?: string | undefined;
  /** Milliseconds that the whole request took at least. */
  readonly slowerThanMs?: number | undefined;
}

export function makeSearch(wanted: Wanted): (fields: EntryFields) => boolean {
  const { status, outcome, upstream, config, model, session, path, text, slowerThanMs } = wanted;
  const tests: ((fields: EntryFields) => boolean)[] = [];
  const add = <T>(value: T | undefined, test: (fields: EntryFields, value: T) => boolean): void => {
    if (value !== undefined) tests.push((fields) => test(fields, value));
  };
  add(status, (fields, value) => hasStatus(fields, value));
  add(outcome, (fields, value) => fields["outcome"] === value);
  add(config, (fields, value) => fields["config_name"] === value);
  add(upstream, (fields, value) =>
    holds([fields["upstream_base_url"], ...triedOf(fields, "upstream_base_url")], value),
  );
  add(model, (fields, value) => holds([fields["model"], fields["upstream_model"]], value));
  add(session, ({ session_id: id }, value) => typeof id === "string" && id.startsWith(value));
  add(path, (fields, value) => holds([fields["path"]], value));
  add(text, (fields, value) => holds([fields["error"], ...triedOf(fields, "error")], value));
  add(slowerThanMs, ({ duration_ms: ms }, value) => typeof ms === "number" && ms >= value);
  return (fields) => tests.every((test) => test(fields));
}

function hasStatus({ status_code: code }: EntryFields, wanted: string): boolean {
  const text = String(code);
  return wanted.endsWith("xx") ? text.length === 3 && text.startsWith(wanted.slice(0, 1)) : text === wanted;
}

/** A field of every attempt. */
function triedOf({ attempts }: EntryFields, field: string): unknown[] {
  return Array.isArray(attempts)
    ? attempts.map((attempt: unknown) => (isRecord(attempt) ? attempt[field] : undefined))
    : [];
}

function holds(values: readonly unknown[], part: string): boolean {
  const wanted = part.toLowerCase();
  return values.some((value) => typeof value === "string" && value.toLowerCase().includes(wanted));
}
