// `ch upgrade`: how this installation is upgraded and, where that is asked, whether there is something newer. Changes nothing:
// what is installed belongs to whatever installed it.
import { accessSync, constants, readdirSync } from "node:fs";
import type { Env } from "../../base/env.ts";
import { ignoreSystemError } from "../../base/errors.ts";
import { readTextOrNull, realPath } from "../../base/files.ts";
import { findUserHome } from "../../base/paths.ts";
import { quoteWord } from "../../base/shell.ts";
import { RELEASES, VERSION, compareVersions, isBuilt } from "../../base/version.ts";
import { type Installation, findInstallation } from "./installations.ts";
import { askNewest, readPlace } from "./newest-release.ts";

export interface UpgradeAnswer {
  /** The running program, every link followed. */
  readonly program: string;
  readonly installation: Installation;
  /** The version of the newest release; null where nobody was asked, or there is nobody to ask. */
  readonly newest: string | null;
  readonly isNewer: boolean;
  /** Where it can be read what is new; null where that is not known. */
  readonly notes: string | null;
}

export interface UpgradeQuestion {
  readonly env: Env;
  /** Asks where the releases are. Nothing else here uses the network. */
  readonly isAsked: boolean;
  /** The directory or address of a release, instead of that of the newest one. */
  readonly from: string | undefined;
}

/** Throws UserError where who was asked gives no answer. */
export async function findUpgrade({ env, from, isAsked }: UpgradeQuestion): Promise<UpgradeAnswer> {
  const own = RELEASES === null ? null : `${RELEASES}/latest/download`;
  const place = from === undefined ? own : readPlace(from);
  const newest = isAsked && place !== null ? await askNewest(place, { env }) : null;
  const isWindows = process.platform === "win32";
  const withSlashes = (path: string): string => (isWindows ? path.replaceAll("\\", "/") : path);
  const program = realPath(isBuilt() ? process.execPath : Bun.main);
  const installation = findInstallation({
    program: withSlashes(program),
    isBuilt: isBuilt(),
    place,
    isNamed: from !== undefined,
    newest,
    isWindows,
    processor: process.arch,
    home: withSlashes(findUserHome(env)),
    read: readTextOrNull,
    list: (path) => ignoreSystemError(() => readdirSync(path), []),
    canWrite: (path) => ignoreSystemError(() => (accessSync(path, constants.W_OK), true), false),
    quote: quoteWord,
  });
  const isNewer = newest !== null && isRelease(newest) && isAfter(newest, VERSION);
  const notes = isNewer && RELEASES !== null ? `${RELEASES}/tag/v${newest}` : null;
  return { program, installation, newest, isNewer, notes };
}

/** One for trying out is nobody's upgrade. */
export function isRelease(version: string): boolean {
  return !version.includes("-");
}

/** A release comes after its own candidates. */
export function isAfter(version: string, other: string): boolean {
  const difference = compareVersions(version, other);
  return difference === 0 ? isRelease(version) && !isRelease(other) : difference > 0;
}
