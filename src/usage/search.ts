// Which requests of the log match a search: all of its conditions.
// Pure.
import type { LogRecord } from "../log/record.ts";
import { outcomeOf } from "./outcome.ts";

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
  /** The name of a rule of redaction that found something, or the pack that it is of. */
  readonly rule?: string | undefined;
  /** Milliseconds that the whole request took at least. */
  readonly slowerThanMs?: number | undefined;
}

export function makeSearch(wanted: Wanted): (record: LogRecord) => boolean {
  const { status, outcome, upstream, config, model, session, path, rule, text, slowerThanMs } = wanted;
  const tests: ((record: LogRecord) => boolean)[] = [];
  const add = <T>(value: T | undefined, test: (record: LogRecord, value: T) => boolean): void => {
    if (value !== undefined) tests.push((record) => test(record, value));
  };
  add(status, hasStatus);
  add(outcome, (record, value) => outcomeOf(record) === value);
  add(config, (record, value) => record.config_name === value);
  add(upstream, ({ upstream_base_url: last, attempts = [] }, value) =>
    contains([last, ...attempts.map((attempt) => attempt.upstream_base_url)], value),
  );
  add(model, (record, value) => contains([record.model, record.chain_model, record.upstream_model], value));
  add(session, ({ session_id: id }, value) => id?.startsWith(value) === true);
  add(path, (record, value) => contains([record.path], value));
  add(text, ({ error, attempts = [] }, value) =>
    contains([error, ...attempts.map((attempt) => attempt.error)], value),
  );
  add(rule, ({ redactions_by_rule: hits = {} }, value) =>
    Object.keys(hits).some((name) => name === value || name.startsWith(`${value}/`)),
  );
  add(slowerThanMs, ({ duration_ms: ms }, value) => ms !== undefined && ms >= value);
  return (record) => tests.every((test) => test(record));
}

function hasStatus({ status_code: code }: LogRecord, wanted: string): boolean {
  const text = String(code);
  return wanted.endsWith("xx") ? text.length === 3 && text.startsWith(wanted.slice(0, 1)) : text === wanted;
}

function contains(texts: readonly (string | null | undefined)[], part: string): boolean {
  const wanted = part.toLowerCase();
  return texts.some((text) => text?.toLowerCase().includes(wanted) === true);
}
