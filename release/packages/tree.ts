// Where the files of an archive belong below a prefix, on every Unix system: one table, and the shell lines that put them there.
// Pure.
import { COMMANDS, NAME } from "./facts.ts";

interface Placed {
  /** Below the prefix. */
  readonly path: string;
  /** Its path in the archive's folder. */
  readonly from?: string;
  /** Makes it a link to this name in the same directory. */
  readonly linkTo?: string;
  readonly isProgram?: boolean;
}

const MAN = "share/man/man1";
/** Debian has a directory of its own for what zsh loads. */
export type ZshFunctions = "site-functions" | "vendor-completions";

export function listTree(zsh: ZshFunctions): readonly Placed[] {
  return [
    { path: `bin/${NAME}`, from: NAME, isProgram: true },
    ...COMMANDS.filter((name) => name !== NAME).map((name) => ({ path: `bin/${name}`, linkTo: NAME })),
    { path: `${MAN}/ch.1`, from: "man/ch.1" },
    { path: `${MAN}/${NAME}.1`, linkTo: "ch.1" },
    { path: "share/bash-completion/completions/ch", from: "completions/ch.bash" },
    { path: `share/bash-completion/completions/${NAME}`, linkTo: "ch" },
    { path: `share/zsh/${zsh}/_ch`, from: "completions/_ch" },
    { path: "share/fish/vendor_completions.d/ch.fish", from: "completions/ch.fish" },
    { path: `share/fish/vendor_completions.d/${NAME}.fish`, linkTo: "ch.fish" },
    ...["README.md", "README.zh-CN.md", "CHANGELOG.md"].map((from) => ({
      path: `share/doc/${NAME}/${from}`,
      from,
    })),
  ];
}

export const LICENCES = ["LICENSE-MIT", "LICENSE-APACHE", "LICENSES-THIRD-PARTY"] as const;

/** To be run in the archive's folder; `licences` is the directory for them, below the prefix too. */
export function renderInstall(prefix: string, licences: string): readonly string[] {
  const files = [
    ...listTree("site-functions"),
    ...LICENCES.map((from): Placed => ({ path: `${licences}/${from}`, from })),
  ];
  return files.map(({ from, isProgram, linkTo, path }) =>
    linkTo === undefined
      ? `install -Dm${isProgram === true ? 755 : 644} ${from} "${prefix}/${path}"`
      : `ln -s ${linkTo} "${prefix}/${path}"`,
  );
}
