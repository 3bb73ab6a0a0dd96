import { type LogRecord, readRecord } from "../../src/log/record.ts";

/** What a line with these fields is read as; they may be of any type. */
export function makeRecord(fields: Readonly<Record<string, unknown>>): LogRecord {
  const record = readRecord({ timestamp_ms: 0, ...fields });
  if (record === null) throw new Error("these fields are no line of the log");
  return record;
}
