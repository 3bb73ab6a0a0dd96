// What every package says of this release, read once: the version of release.json, the archives with their sums from
// SHA256SUMS, and the address of the releases. Each form of package is made of these facts and repeats none of them.
// Pure.
import { PLATFORMS, type Platform } from "../platforms.ts";

export const NAME = "codex-helper";
/** Homebrew, Debian and RPM want a line of at most 80 characters that begins with no article and ends without a stop. */
export const SUMMARY = "Relays, keys and failover for the Codex CLI and Claude Code";
/** In lines of at most 80 characters. */
export const PARAGRAPHS = [
  [
    "All relays, keys and quotas of the Codex CLI and Claude Code in one place, on",
    "this machine. When one breaks or is out of quota, the request goes to the next",
    "one, and the turn continues.",
  ],
  [
    "Both clients' own files point at it only while it runs, and are restored to",
    "the byte. It listens on 127.0.0.1 alone and needs neither Node nor Bun.",
  ],
] as const;
/** Both are linked to the program. */
export const COMMANDS = ["ch", NAME] as const;

export interface Archive {
  readonly platform: Platform;
  /** Without the folder that everything in it lies in, which is called like the archive. */
  readonly folder: string;
  readonly file: string;
  readonly url: string;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface Facts {
  /** As in release.json. */
  readonly version: string;
  readonly description: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** Of the commit, Unix time in s. */
  readonly releasedSecs: number;
  readonly homepage: string;
  /** Who the repository belongs to: the publisher, where one is asked for. */
  readonly owner: string;
  /** "Name <address>". */
  readonly maintainer: string;
  /** In the order of PLATFORMS, those that this release has. */
  readonly archives: readonly Archive[];
}

export interface Release {
  readonly manifest: { readonly version: string; readonly description: string; readonly license: string };
  /** The text of SHA256SUMS. */
  readonly sums: string;
  /** Without a slash at the end; ends in "/releases" at a forge, whose repository is then the home page. */
  readonly releasesUrl: string;
  readonly releasedSecs: number;
}

/** Throws where SHA256SUMS names no archive, or one twice. */
export function readFacts({ manifest, releasedSecs, releasesUrl, sums }: Release): Facts {
  const { description, license: licence, version } = manifest;
  if (!/^https?:\/\/[^/]+/.test(releasesUrl) && !releasesUrl.startsWith("file:///"))
    throw new Error("packages need --releases-url, the address of the releases");
  const homepage = releasesUrl.replace(/\/releases$/, "");
  const owner = /^https:\/\/[^/]+\/([^/]+)\/[^/]+$/.exec(homepage)?.[1] ?? NAME;
  const listed = readSums(sums);
  const archives = PLATFORMS.flatMap((platform): Archive[] => {
    const folder = `${NAME}-${platform.name}`;
    const file = `${folder}.${platform.archive}`;
    const sha256 = listed.get(file);
    return sha256 === undefined
      ? []
      : [{ platform, folder, file, url: `${releasesUrl}/download/v${version}/${file}`, sha256 }];
  });
  if (archives.length === 0) throw new Error("SHA256SUMS names no archive");
  const maintainer = `The codex-helper contributors <${owner}@users.noreply.github.com>`;
  return { version, description, licence, releasedSecs, homepage, owner, maintainer, archives };
}

/** The sums by name. */
export function readSums(text: string): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const [, sum = "", name = ""] of text.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)) {
    if (sums.has(name)) throw new Error(`SHA256SUMS names ${name} twice`);
    sums.set(name, sum);
  }
  return sums;
}

/** The archives for these platforms, in this order; what this release has not is left out. */
export function findArchives({ archives }: Facts, names: readonly string[]): readonly Archive[] {
  return names.flatMap((name) => archives.find(({ platform }) => platform.name === name) ?? []);
}

/** "2026-11-30", in UTC. */
export function releaseDay({ releasedSecs }: Facts): string {
  return new Date(releasedSecs * 1_000).toISOString().slice(0, 10);
}
