// How this program came onto the machine and how that is upgraded: one row for each way, told from where the program really
// is and from what its installer left on the disk. The first row that recognises it counts.
// Pure.
import { type Text, t } from "../../base/text.ts";
import { PRODUCT } from "../../base/version.ts";

/** What is looked at. Paths have forward slashes, on Windows too. */
export interface Surroundings {
  /** The running program with every link followed; from source, main.ts. */
  readonly program: string;
  /** Is it the one file, and not the source? */
  readonly isBuilt: boolean;
  /** Where the newest release's files are; null where the build knows of no releases. */
  readonly place: string | null;
  /** Is that another place than the one that the installers know by themselves? */
  readonly isNamed: boolean;
  /** Null where nobody was asked. */
  readonly newest: string | null;
  readonly isWindows: boolean;
  /** As Node calls it. */
  readonly processor: string;
  /** The person's home directory. */
  readonly home: string;
  /** The file's text, or null for any reason. */
  readonly read: (path: string) => string | null;
  /** The names in a directory; none for any reason. */
  readonly list: (path: string) => readonly string[];
  readonly canWrite: (directory: string) => boolean;
  /** As one word of the person's shell. */
  readonly quote: (word: string) => string;
}

export interface Advice {
  /** To type, one after the other. */
  readonly commands: readonly string[];
  /** Where to type them, where that is not anywhere. */
  readonly where?: Text;
}

export interface Installation extends Advice {
  /** For --json. */
  readonly id: string;
  readonly name: Text | string;
}

interface Way {
  readonly id: string;
  /** After "installed with". */
  readonly name: Text | string;
  /** Where it is written that it looks like that. */
  readonly source: string;
  /** Null where the program did not come this way. */
  readonly find: (at: Surroundings) => Advice | null;
}

const LATEST = `${PRODUCT}@latest`;

const WAYS: readonly Way[] = [
  {
    id: "source",
    name: t`git, run from source`,
    source: "CONTRIBUTING.md",
    find: (at) =>
      at.isBuilt ? null : type(`git -C ${at.quote(parentOf(parentOf(at.program)))} pull --ff-only`),
  },
  {
    id: "clone",
    name: t`a build in its clone`,
    source: "docs/platforms.md",
    find(at) {
      const folder = parentOf(at.program);
      const root = parentOf(folder);
      if (!folder.endsWith("/dist") || !isOurs(at.read(`${root}/package.json`))) return null;
      return type(`git -C ${at.quote(root)} pull --ff-only`, `bun run --cwd ${at.quote(root)} build`);
    },
  },
  {
    id: "nix",
    name: "Nix",
    source: "https://nix.dev/manual/nix/latest/command-ref/files/profiles",
    find(at) {
      const [path] = /^\/nix\/store\/[^/]+/.exec(at.program) ?? [];
      if (path === undefined) return null;
      const element = findInProfile(at.read(`${at.home}/.nix-profile/manifest.json`), path);
      if (element !== null) return type(`nix profile upgrade ${at.quote(element)}`);
      if (at.read(`${at.home}/.nix-profile/manifest.nix`)?.includes(path) === true)
        return type(`nix-env --upgrade ${PRODUCT}`);
      return {
        commands: ["nix flake update"],
        where: t`in the flake that names ${PRODUCT}; then build the system or the home again`,
      };
    },
  },
  {
    id: "brew",
    name: "Homebrew",
    source: "https://docs.brew.sh/Formula-Cookbook",
    find: named(/\/Cellar\/([^/]+)\/[^/]+\//, (name) => `brew upgrade ${name}`),
  },
  {
    id: "brew-cask",
    name: "Homebrew",
    source: "https://docs.brew.sh/Cask-Cookbook",
    find: named(/\/Caskroom\/([^/]+)\/[^/]+\//, (name) => `brew upgrade --cask ${name}`),
  },
  {
    id: "scoop",
    name: "Scoop",
    source: "https://github.com/ScoopInstaller/Scoop/wiki/Scoop-Folder-Layout",
    find({ program, read }) {
      const [, root = "", version = "", name = ""] = /^(.*)(\/apps\/([^/]+)\/[^/]+)\//i.exec(program) ?? [];
      // Any directory may be called "apps": Scoop's own record decides.
      if (name === "" || read(`${root}${version}/install.json`) === null) return null;
      return type(`scoop update ${/\/ProgramData\//i.test(program) ? "--global " : ""}${name}`);
    },
  },
  {
    id: "winget",
    name: "winget",
    source: "https://github.com/microsoft/winget-cli/tree/master/doc/specs (#182, portable applications)",
    find: named(/\/WinGet\/Packages\/([^/_]+)_[^/]*\//i, (id) => `winget upgrade --exact --id ${id}`),
  },
  {
    id: "volta",
    name: "Volta",
    source: "https://docs.volta.sh/advanced/packages",
    find: named(/\/tools\/image\/packages\/[^/]+\/(?:.*\/)?node_modules\//, () => `volta install ${LATEST}`),
  },
  {
    id: "npx",
    name: "npx",
    source: "https://docs.npmjs.com/cli/commands/npm-exec",
    find: named(/\/_npx\/[^/]+\/node_modules\//, () => `npx ${LATEST}`),
  },
  {
    id: "bunx",
    name: "bunx",
    source: "https://bun.com/docs/pm/bunx",
    find: named(/\/bunx-[^/]+\/(?:.*\/)?node_modules\//, () => `bunx ${LATEST}`),
  },
  {
    id: "pnpm-dlx",
    name: "pnpm dlx",
    source: "https://pnpm.io/cli/dlx",
    find: named(/\/pnpm(?:-cache)?\/dlx[-/].*\/node_modules\//i, () => `pnpm dlx ${LATEST}`),
  },
  {
    id: "pnpm",
    name: "pnpm",
    source: "https://pnpm.io/global-packages",
    find: named(
      /\/\.?pnpm(?:-store)?\/(?:global|store)\/.*\/node_modules\//i,
      () => `pnpm add --global ${LATEST}`,
    ),
  },
  {
    id: "yarn",
    name: "Yarn",
    source: "https://classic.yarnpkg.com/en/docs/cli/global",
    find: named(
      /\/yarn\/(?:data\/)?global\/node_modules\//i,
      () => `yarn global upgrade ${PRODUCT} --latest`,
    ),
  },
  {
    id: "bun",
    name: "Bun",
    source: "https://bun.com/docs/pm/cli/add",
    find: named(/\/install\/global\/node_modules\//, () => `bun add --global ${LATEST}`),
  },
  {
    id: "project",
    name: t`the packages of a project`,
    source: "https://docs.npmjs.com/cli/configuring-npm/folders",
    find(at) {
      const root = findModulesRoot(at.program);
      if (root === null || at.read(`${root}/package.json`) === null) return null;
      const [, add] = PROJECT_TOOLS.find(([lock]) => at.read(`${root}/${lock}`) !== null) ?? NPM;
      return type(add(at.quote(root)));
    },
  },
  {
    id: "npm",
    name: "npm",
    source: "https://docs.npmjs.com/cli/configuring-npm/folders",
    find(at) {
      const root = findModulesRoot(at.program);
      if (root === null) return null;
      return type(`${asOwnerOf(`${root}/node_modules`, at)}npm install --global ${LATEST}`);
    },
  },
  {
    id: "deb",
    name: t`a .deb package`,
    source: "https://man7.org/linux/man-pages/man1/dpkg-query.1.html",
    find(at) {
      const lists = at.list(DPKG).filter((name) => new RegExp(`^${PRODUCT}(?::\\w+)?\\.list$`).test(name));
      const isOwned = lists.some((name) => hasLine(at.read(`${DPKG}/${name}`), at.program));
      return isOwned
        ? installFile(
            at,
            (version) => nameDeb(version, at.processor === "arm64" ? "arm64" : "amd64"),
            "apt-get install",
          )
        : null;
    },
  },
  {
    id: "pacman",
    name: t`a package of pacman`,
    source: "https://wiki.archlinux.org/title/AUR_helpers",
    find(at) {
      const owner = at.list(PACMAN).find((entry) => {
        const isName = PACMAN_NAME.test(entry);
        return isName && hasLine(at.read(`${PACMAN}/${entry}/files`), at.program.slice(1));
      });
      if (owner === undefined) return null;
      const programs = at.list("/usr/bin");
      const helper = AUR_HELPERS.find((name) => programs.includes(name));
      if (helper !== undefined) return type(`${helper} -S ${PACMAN_NAME.exec(owner)?.[1] ?? PRODUCT}`);
      const where = t`in the clone of its AUR package`;
      return { commands: ["git pull --ff-only", "makepkg --syncdeps --install"], where };
    },
  },
  {
    id: "rpm",
    name: t`an .rpm package`,
    source: "https://rpm.org/docs/latest/man/rpm.8",
    find(at) {
      const isHere = RPM.some((path) => at.list(path).some((name) => /^(?:rpmdb|Packages)/.test(name)));
      // Its database is no text; what is under /usr, but not /usr/local, is in it.
      if (!isHere || !/^\/usr\/(?!local\/)/.test(at.program)) return null;
      const architecture = at.processor === "arm64" ? "aarch64" : "x86_64";
      const programs = at.list("/usr/bin");
      const [, command] = RPM_TOOLS.find(([name]) => programs.includes(name)) ?? RPM_TOOLS[0];
      return installFile(at, (version) => nameRpm(version, architecture), command);
    },
  },
  {
    id: "script",
    name: t`the install script or from an archive`,
    source: "install.sh, install.ps1",
    find: (at) => (at.place === null ? null : runScript(at, at.place)),
  },
];

/** What none of them recognises. */
const OWN_BUILD: Installation = {
  id: "own-build",
  name: t`a build of your own`,
  commands: ["git pull --ff-only", "bun run build", "sh install.sh --from dist"],
  where: t`in the clone that it was built in`,
};

const DPKG = "/var/lib/dpkg/info";
const RPM = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
const RPM_TOOLS = [
  ["dnf", "dnf install"],
  ["zypper", "zypper install --allow-unsigned-rpm"],
  ["yum", "yum install"],
] as const;
const PACMAN = "/var/lib/pacman/local";
const PACMAN_NAME = new RegExp(`^(${PRODUCT}(?:-bin|-git)?)-[\\d.]`);
const AUR_HELPERS = ["paru", "yay", "pikaur", "trizen"];

/** Of a project's packages: which lock file means which tool. */
type ProjectTool = readonly [lock: string, add: (root: string) => string];
const NPM: ProjectTool = ["package-lock.json", (root) => `npm install --prefix ${root} ${LATEST}`];
const PROJECT_TOOLS: readonly ProjectTool[] = [
  ["pnpm-lock.yaml", (root) => `pnpm --dir ${root} add ${LATEST}`],
  ["yarn.lock", (root) => `yarn --cwd ${root} add ${LATEST}`],
  ["bun.lock", (root) => `bun add --cwd ${root} ${LATEST}`],
  ["bun.lockb", (root) => `bun add --cwd ${root} ${LATEST}`],
  NPM,
];

/** Never throws. */
export function findInstallation(at: Surroundings): Installation {
  for (const { find, id, name } of WAYS) {
    const advice = find(at);
    if (advice !== null) return { id, name, ...advice };
  }
  return OWN_BUILD;
}

const type = (...commands: readonly string[]): Advice => ({ commands });

/** Told by the path alone: what the pattern's group has found is the name in the command. */
function named(pattern: RegExp, command: (name: string) => string): Way["find"] {
  return ({ program }) => {
    const found = pattern.exec(program);
    return found === null ? null : type(command(found[1] ?? PRODUCT));
  };
}

const parentOf = (path: string): string => path.replace(/\/[^/]*$/, "");

/** The directory that has the outermost node_modules of a path. */
function findModulesRoot(program: string): string | null {
  const at = program.indexOf("/node_modules/");
  return at === -1 ? null : program.slice(0, at);
}

function isOurs(manifest: string | null): boolean {
  return manifest !== null && new RegExp(`^\\s*\\{[^{}]*"name":\\s*"${PRODUCT}"`).test(manifest);
}

/** Lists of dpkg and of pacman: a path on each line. */
function hasLine(text: string | null, line: string): boolean {
  return text?.split("\n").some((one) => one.trimEnd() === line) === true;
}

/** What `nix profile` calls the element with this path; null for none. Versions 1 and 2 number them, 3 names them. */
function findInProfile(manifest: string | null, storePath: string): string | null {
  if (manifest === null) return null;
  const elements = readElements(manifest);
  const found = Object.entries(elements).find(([, one]) => JSON.stringify(one).includes(`"${storePath}"`));
  return found?.[0] ?? null;
}

function readElements(manifest: string): object {
  try {
    const value: unknown = JSON.parse(manifest);
    const isObject = typeof value === "object" && value !== null && "elements" in value;
    return isObject && typeof value.elements === "object" && value.elements !== null ? value.elements : {};
  } catch {
    return {};
  }
}

/** "sudo " where the directory is not the person's. */
function asOwnerOf(directory: string, { canWrite, isWindows }: Surroundings): string {
  return isWindows || canWrite(directory) ? "" : "sudo ";
}

/** A package that no repository has: its file is downloaded, and that has the version in its name. */
function installFile(at: Surroundings, nameOf: (version: string) => string, command: string): Advice {
  if (at.newest === null || at.place === null) return type("ch upgrade --check");
  const file = nameOf(at.newest);
  return type(`curl -fLO ${at.place}/${file}`, `sudo ${command} ./${file}`);
}

/** release/packages calls them so. */
export const nameDeb = (version: string, architecture: string): string =>
  `${PRODUCT}_${version}_${architecture}.deb`;
export const nameRpm = (version: string, architecture: string): string =>
  `${PRODUCT}-${version}-1.${architecture}.rpm`;

/** Into the directory where the program is, with the script of the newest release. */
function runScript(at: Surroundings, place: string): Advice {
  const directory = parentOf(at.program);
  const usual = at.isWindows ? /\/AppData\/Local\/Programs\/codex-helper$/i.test(directory) : null;
  const isUsual = usual ?? directory === `${at.home}/.local/bin`;
  if (at.isWindows)
    return type(
      ...(isUsual ? [] : [`$env:CODEX_HELPER_INSTALL_DIR = ${at.quote(directory)}`]),
      `Invoke-WebRequest -UseBasicParsing ${place}/install.ps1 -OutFile install.ps1`,
      `powershell -ExecutionPolicy Bypass -File install.ps1${at.isNamed ? ` -From ${at.quote(place)}` : ""}`,
    );
  const variable = isUsual ? "" : `CODEX_HELPER_INSTALL_DIR=${at.quote(directory)} `;
  return type(
    `curl -fsSLO ${place}/install.sh`,
    `${asOwnerOf(directory, at)}${variable}sh install.sh${at.isNamed ? ` --from ${at.quote(place)}` : ""}`,
  );
}
