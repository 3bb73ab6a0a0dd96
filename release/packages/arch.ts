// PKGBUILD and .SRCINFO of the Arch User Repository, which takes the program as it was built ("-bin").
// The form: https://wiki.archlinux.org/title/PKGBUILD and AUR_submission_guidelines. .SRCINFO is what `makepkg --printsrcinfo`
// makes of the PKGBUILD, byte for byte; CI compares them.
// Pure.
import { type Facts, NAME, SUMMARY, findArchives } from "./facts.ts";
import { renderInstall } from "./tree.ts";

const PROCESSORS = [
  { arch: "x86_64", name: "linux-x64" },
  { arch: "aarch64", name: "linux-arm64" },
] as const;
const PACKAGE = `${NAME}-bin`;

export function makeAur(facts: Facts): { readonly PKGBUILD: string; readonly ".SRCINFO": string } {
  const { homepage, licence, maintainer, version } = facts;
  // A hyphen divides the version from the package's own number.
  const pkgver = version.replaceAll("-", "_");
  const sources = PROCESSORS.flatMap(({ arch, name }) =>
    findArchives(facts, [name]).map(({ folder, sha256, url }) => ({
      arch,
      folder,
      sha256,
      // Renamed: sources of all versions lie in one directory.
      source: `${NAME}-${pkgver}-${arch}.tar.gz::${url}`,
    })),
  );
  const arches = sources.map(({ arch }) => arch);
  const PKGBUILD = `# Maintainer: ${maintainer}
# Made by release/packages of ${homepage}
pkgname=${PACKAGE}
pkgver=${pkgver}
pkgrel=1
pkgdesc='${SUMMARY}'
arch=(${arches.map((arch) => `'${arch}'`).join(" ")})
url='${homepage}'
license=('${licence}')
depends=('glibc')
provides=('${NAME}')
conflicts=('${NAME}')
# The program holds its own code behind what strip knows of.
options=('!strip' '!debug')
${sources
  .map(({ arch, sha256, source }) => `source_${arch}=('${source}')\nsha256sums_${arch}=('${sha256}')`)
  .join("\n")}

package() {
  cd "$srcdir"/${NAME}-linux-*/ || return
${renderInstall("$pkgdir/usr", `share/licenses/${PACKAGE}`)
  .map((line) => `  ${line}`)
  .join("\n")}
}
`;
  const info: readonly (readonly [key: string, ...values: string[]])[] = [
    ["pkgdesc", SUMMARY],
    ["pkgver", pkgver],
    ["pkgrel", "1"],
    ["url", homepage],
    ["arch", ...arches],
    ["license", licence],
    ["depends", "glibc"],
    ["provides", NAME],
    ["conflicts", NAME],
    ["options", "!strip", "!debug"],
    ...sources.flatMap(({ arch, sha256, source }) => [
      [`source_${arch}`, source] as const,
      [`sha256sums_${arch}`, sha256] as const,
    ]),
  ];
  const lines = info.flatMap(([key, ...values]) => values.map((value) => `\t${key} = ${value}\n`));
  return { PKGBUILD, ".SRCINFO": `pkgbase = ${PACKAGE}\n${lines.join("")}\npkgname = ${PACKAGE}\n` };
}
