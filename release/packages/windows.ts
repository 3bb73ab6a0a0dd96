// The manifests of Scoop and of winget. Both unpack the archive and put its folder's names on PATH.
// The forms: https://github.com/ScoopInstaller/Scoop/wiki/App-Manifests and https://aka.ms/winget-manifest.installer.1.12.0.schema.json
// (1.12.0 is the newest that winget's own collection takes).
// Pure.
import { type Facts, NAME, SUMMARY, findArchives, releaseDay } from "./facts.ts";

const PROCESSORS = [
  { name: "windows-x64", scoop: "64bit", winget: "x64" },
  { name: "windows-arm64", scoop: "arm64", winget: "arm64" },
] as const;
const WINGET_VERSION = "1.12.0";
const SHORT_ZH = "Codex CLI 与 Claude Code 的中转、密钥与故障切换";

/** One file of a bucket. `current`, which its shims start, is the same path for every version. */
export function makeScoop(facts: Facts): string {
  const { homepage, licence, version } = facts;
  const archives = present(facts);
  const byProcessor = <T>(make: (archive: (typeof archives)[number]) => T): Record<string, T> =>
    Object.fromEntries(archives.map((archive) => [archive.scoop, make(archive)]));
  const manifest = {
    version,
    description: `${SUMMARY}.`,
    homepage,
    license: licence.replaceAll(" OR ", "|"),
    architecture: byProcessor(({ folder, sha256, url }) => ({ url, hash: sha256, extract_dir: folder })),
    bin: [`${NAME}.exe`, [`${NAME}.exe`, "ch"]],
    checkver: { github: homepage },
    autoupdate: {
      architecture: byProcessor(({ url }) => ({ url: url.replaceAll(version, "$version") })),
      hash: { url: "$baseurl/SHA256SUMS" },
    },
  };
  return `${JSON.stringify(manifest, null, 4)}\n`;
}

/** By path, as winget's collection of manifests has them. */
export function makeWinget(facts: Facts): Readonly<Record<string, string>> {
  const { homepage, licence, maintainer, owner, version } = facts;
  const id = `${owner}.${NAME}`;
  const make = (kind: string, fields: object): string => {
    const schema = `https://aka.ms/winget-manifest.${kind}.${WINGET_VERSION}.schema.json`;
    const whole = { PackageIdentifier: id, PackageVersion: version, ...fields };
    const end = { ManifestType: kind, ManifestVersion: WINGET_VERSION };
    return `# yaml-language-server: $schema=${schema}\n\n${toYaml({ ...whole, ...end })}`;
  };
  const common = { PackageName: NAME, License: licence };
  const files = {
    "": make("version", { DefaultLocale: "en-US" }),
    ".installer": make("installer", {
      // Of both files in the archive's folder, codex-helper.exe and ch.cmd, which a link to the first would leave out.
      InstallerType: "zip",
      NestedInstallerType: "portable",
      ArchiveBinariesDependOnPath: true,
      Commands: [NAME, "ch"],
      UpgradeBehavior: "uninstallPrevious",
      ReleaseDate: releaseDay(facts),
      Installers: present(facts).map(({ folder, sha256, url, winget }) => ({
        Architecture: winget,
        NestedInstallerFiles: [{ RelativeFilePath: `${folder}\\${NAME}.exe`, PortableCommandAlias: NAME }],
        InstallerUrl: url,
        InstallerSha256: sha256.toUpperCase(),
      })),
    }),
    ".locale.en-US": make("defaultLocale", {
      PackageLocale: "en-US",
      Publisher: maintainer.replace(/ <.*/, ""),
      PublisherUrl: homepage,
      ...common,
      PackageUrl: homepage,
      ShortDescription: `${SUMMARY}.`,
      Tags: ["claude-code", "cli", "codex", "failover", "proxy"],
      ReleaseNotesUrl: `${homepage}/releases/tag/v${version}`,
    }),
    ".locale.zh-CN": make("locale", { PackageLocale: "zh-CN", ShortDescription: SHORT_ZH }),
  };
  const folder = `manifests/${owner.charAt(0).toLowerCase()}/${owner}/${NAME}/${version}`;
  return Object.fromEntries(
    Object.entries(files).map(([part, text]) => [`${folder}/${id}${part}.yaml`, text]),
  );
}

function present(facts: Facts) {
  return PROCESSORS.flatMap((processor) =>
    findArchives(facts, [processor.name]).map((archive) => ({ ...archive, ...processor })),
  );
}

/** Of maps, lists and scalars: a string is written in quotes where it could be read as something else. */
function toYaml(value: object, indent = ""): string {
  return Object.entries(value)
    .map(([key, one]: [string, unknown]) => {
      if (!Array.isArray(one)) return `${indent}${key}: ${toScalar(one)}\n`;
      const items = one.map((item: unknown) =>
        typeof item === "object" && item !== null
          ? `${indent}- ${toYaml(item, `${indent}  `).trimStart()}`
          : `${indent}- ${toScalar(item)}\n`,
      );
      return `${indent}${key}:\n${items.join("")}`;
    })
    .join("");
}

function toScalar(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return /^[\d.-]+$|^[^\w]|: |#|[\\]/.test(value) ? `'${value.replaceAll("'", "''")}'` : value;
}
