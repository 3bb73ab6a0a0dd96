// The spec of an .rpm, and rpmbuild, which makes it: Debian has it in its package "rpm", so one machine makes all packages.
// It runs no script when it is installed or removed.
// The form: https://rpm-software-management.github.io/rpm/manual/spec.html
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Archive, type Facts, NAME, PARAGRAPHS, SUMMARY } from "./facts.ts";
import { LICENCES, listTree, renderInstall } from "./tree.ts";

export const RPM_ARCHITECTURES = [
  { architecture: "x86_64", name: "linux-x64" },
  { architecture: "aarch64", name: "linux-arm64" },
] as const;

/** Those that nothing else may own, so that they go with the package. */
const OWN_DIRECTORIES = [
  `doc/${NAME}`,
  `licenses/${NAME}`,
  "bash-completion",
  "bash-completion/completions",
  "fish",
  "fish/vendor_completions.d",
  "zsh",
  "zsh/site-functions",
];

/** A tilde sorts before nothing: a candidate comes before its release. */
const rpmVersion = ({ version }: Facts): string => version.replaceAll("-", "~");

export function makeSpec(facts: Facts, { file, folder }: Archive): string {
  const date = new Date(facts.releasedSecs * 1_000).toUTCString();
  const [weekday = "", day = "", month = "", year = ""] = date.replace(",", "").split(" ");
  const files = listTree("site-functions").map(({ path }) => {
    // rpmbuild compresses manual pages.
    if (path.includes("/man1/")) return `%{_prefix}/${path}*`;
    return path.startsWith("share/doc/") ? `%doc %{_prefix}/${path}` : `%{_prefix}/${path}`;
  });
  return `# The program holds its own code behind what strip knows of.
%global debug_package %{nil}
%global __strip /bin/true
%global _build_id_links none

Name: ${NAME}
Version: ${rpmVersion(facts)}
Release: 1
Summary: ${SUMMARY}
License: ${facts.licence}
URL: ${facts.homepage}
Source0: ${file}

%description
${PARAGRAPHS.map((lines) => `${lines.join("\n")}\n`).join("\n")}
%prep
%setup -q -n ${folder}

%install
${renderInstall("%{buildroot}%{_prefix}", `share/licenses/${NAME}`).join("\n")}

%files
${files.join("\n")}
${OWN_DIRECTORIES.map((path) => `%dir %{_prefix}/share/${path}`).join("\n")}
${LICENCES.map((name) => `%license %{_prefix}/share/licenses/${NAME}/${name}`).join("\n")}

%changelog
* ${weekday} ${month} ${day} ${year} ${facts.maintainer} - ${rpmVersion(facts)}-1
- What is new is in CHANGELOG.md, with the other documents.
`;
}

/** `directory` holds the archive. Throws where rpmbuild is not here or fails. */
export function makeRpm(
  facts: Facts,
  archive: Archive,
  {
    architecture,
    directory,
  }: {
    readonly architecture: string;
    readonly directory: string;
  },
): Uint8Array {
  const work = mkdtempSync(join(tmpdir(), "codex-helper-rpm-"));
  try {
    const spec = join(work, `${NAME}.spec`);
    writeFileSync(spec, makeSpec(facts, archive));
    const defines = {
      _topdir: work,
      _sourcedir: directory,
      _rpmdir: join(work, "made"),
      // Debian's own rpm has other paths.
      _prefix: "/usr",
      _binary_payload: "w6.gzdio",
      _buildhost: "localhost",
      use_source_date_epoch_as_buildtime: "1",
      clamp_mtime_to_source_date_epoch: "1",
    };
    const words = [
      "-bb",
      "--quiet",
      "--nodeps",
      `--target=${architecture}-linux`,
      ...Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]),
      spec,
    ];
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(facts.releasedSecs), LC_ALL: "C" };
    const { exitCode, stderr } = Bun.spawnSync(["rpmbuild", ...words], { env });
    if (exitCode !== 0) throw new Error(`rpmbuild failed: ${stderr.toString().trim()}`);
    const [name] = readdirSync(join(work, "made", architecture));
    return readFileSync(join(work, "made", architecture, name ?? ""));
  } finally {
    rmSync(work, { recursive: true });
  }
}
