// Values of named variables that the environment does not have but the client's own files do: auth.json of Codex, `env`
// of Claude Code's settings.json. Reads only.
import { type ParseError, parse } from "jsonc-parser";
import { UserError } from "../base/errors.ts";
import { type JsonRecord, isRecord } from "../base/json-value.ts";
import { t } from "../base/text.ts";
import type { Paths } from "../base/paths.ts";
import { type Service, mapServices } from "../base/service.ts";
import { createWatchedFile } from "../base/watched-file.ts";
import { CLIENTS } from "../clients/registry.ts";

const MAX_BYTES = 2 ** 20;

/** `now` is the wall clock, ms. */
export function createClientSecrets(paths: Paths, now: () => number) {
  const watch = (path: string) =>
    createWatchedFile({ path, maxBytes: MAX_BYTES, parse: (text) => readObject(text, path), now });
  const files = mapServices(({ service }) => watch(CLIENTS[service].secrets.fileIn(paths)));
  return {
    read(service: Service, name: string): string | undefined {
      const watched = files[service].current();
      if (watched.kind === "missing") return undefined;
      const object = watched.kind === "ok" ? watched.value : watched.last;
      return object === null ? undefined : lookUp(CLIENTS[service].secrets.tableIn(object), name);
    },
  };
}

function readObject(text: string, path: string): JsonRecord {
  // The parser makes do with half a file, and half a key is refused like a wrong one.
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors.length > 0 || typeof value !== "object" || value === null)
    throw new UserError(t`${path} does not contain an object`);
  return { ...value };
}

function lookUp(table: unknown, name: string): string | undefined {
  const value = isRecord(table) && Object.hasOwn(table, name) ? table[name] : undefined;
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}
