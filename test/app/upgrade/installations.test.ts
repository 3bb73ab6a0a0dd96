import { describe, expect, test } from "bun:test";
import { type Surroundings, findInstallation } from "../../../src/app/upgrade/installations.ts";
import { quoteWord } from "../../../src/base/shell.ts";

const PLACE = "https://code.example/o/codex-helper/releases/latest/download";

interface Machine extends Partial<Omit<Surroundings, "read" | "list">> {
  readonly program: string;
  /** What is on the disk beside it. */
  readonly files?: Readonly<Record<string, string>>;
}

function find({ files = {}, ...rest }: Machine) {
  const paths = Object.keys(files);
  return findInstallation({
    isBuilt: true,
    place: PLACE,
    isNamed: false,
    newest: "0.3.0",
    isWindows: false,
    processor: "x64",
    home: "/home/u",
    read: (path) => files[path] ?? null,
    list: (path) =>
      paths
        .filter((one) => one.startsWith(`${path}/`))
        .map((one) => one.slice(path.length + 1).split("/")[0] ?? ""),
    canWrite: (directory) => directory.startsWith("/home/u"),
    quote: quoteWord,
    ...rest,
  });
}

const OWN = '{ "name": "codex-helper", "version": "0.2.0" }';
const WIN = "C:/Users/u";

const CASES: readonly (readonly [id: string, machine: Machine, commands: readonly string[]])[] = [
  ["source", { program: "/home/u/c h/src/main.ts", isBuilt: false }, ["git -C '/home/u/c h' pull --ff-only"]],
  [
    "clone",
    { program: "/home/u/c/dist/codex-helper", files: { "/home/u/c/package.json": OWN }, place: null },
    ["git -C /home/u/c pull --ff-only", "bun run --cwd /home/u/c build"],
  ],
  [
    "brew",
    { program: "/opt/homebrew/Cellar/codex-helper/0.2.0/bin/codex-helper" },
    ["brew upgrade codex-helper"],
  ],
  [
    "brew",
    { program: "/usr/local/Cellar/codex-helper/0.2.0_1/bin/codex-helper" },
    ["brew upgrade codex-helper"],
  ],
  [
    "brew",
    { program: "/home/linuxbrew/.linuxbrew/Cellar/codex-helper/0.2.0/libexec/codex-helper" },
    ["brew upgrade codex-helper"],
  ],
  [
    "brew-cask",
    { program: "/opt/homebrew/Caskroom/codex-helper/0.2.0/codex-helper" },
    ["brew upgrade --cask codex-helper"],
  ],
  [
    "scoop",
    {
      program: `${WIN}/scoop/apps/codex-helper/0.2.0/codex-helper.exe`,
      isWindows: true,
      files: { [`${WIN}/scoop/apps/codex-helper/0.2.0/install.json`]: "{}" },
    },
    ["scoop update codex-helper"],
  ],
  [
    "scoop",
    {
      program: "C:/ProgramData/scoop/apps/codex-helper/current/bin/codex-helper.exe",
      isWindows: true,
      files: { "C:/ProgramData/scoop/apps/codex-helper/current/install.json": "{}" },
    },
    ["scoop update --global codex-helper"],
  ],
  [
    "winget",
    {
      program: `${WIN}/AppData/Local/Microsoft/WinGet/Packages/Owner.CodexHelper_Microsoft.Winget.Source_8wekyb3d8bbwe/codex-helper.exe`,
      isWindows: true,
    },
    ["winget upgrade --exact --id Owner.CodexHelper"],
  ],
  [
    "winget",
    {
      program:
        "C:/Program Files/WinGet/Packages/Owner.CodexHelper_Microsoft.Winget.Source_8wekyb3d8bbwe/codex-helper-windows-x64/codex-helper.exe",
      isWindows: true,
    },
    ["winget upgrade --exact --id Owner.CodexHelper"],
  ],
  [
    "npm",
    {
      program:
        "/home/u/.nvm/versions/node/v24.1.0/lib/node_modules/codex-helper/node_modules/@codex-helper/linux-x64/codex-helper",
    },
    ["npm install --global codex-helper@latest"],
  ],
  [
    "npm",
    { program: "/usr/lib/node_modules/codex-helper/bin/codex-helper" },
    ["sudo npm install --global codex-helper@latest"],
  ],
  [
    "npm",
    { program: `${WIN}/AppData/Roaming/npm/node_modules/codex-helper/codex-helper.exe`, isWindows: true },
    ["npm install --global codex-helper@latest"],
  ],
  [
    "pnpm",
    {
      program:
        "/home/u/.local/share/pnpm/global/5/.pnpm/@codex-helper+linux-x64@0.2.0/node_modules/@codex-helper/linux-x64/codex-helper",
      files: { "/home/u/.local/share/pnpm/global/5/package.json": "{}" },
    },
    ["pnpm add --global codex-helper@latest"],
  ],
  [
    "pnpm",
    {
      program:
        "/Users/u/Library/pnpm/store/v10/links/@codex-helper/darwin-arm64/0.2.0/ab/node_modules/@codex-helper/darwin-arm64/codex-helper",
    },
    ["pnpm add --global codex-helper@latest"],
  ],
  [
    "pnpm-dlx",
    {
      program: "/home/u/.cache/pnpm/dlx/ab12/19c/node_modules/.pnpm/x/node_modules/codex-helper/codex-helper",
    },
    ["pnpm dlx codex-helper@latest"],
  ],
  [
    "yarn",
    {
      program: "/home/u/.config/yarn/global/node_modules/codex-helper/codex-helper",
      files: { "/home/u/.config/yarn/global/package.json": "{}" },
    },
    ["yarn global upgrade codex-helper --latest"],
  ],
  [
    "yarn",
    {
      program: `${WIN}/AppData/Local/Yarn/Data/global/node_modules/codex-helper/codex-helper.exe`,
      isWindows: true,
    },
    ["yarn global upgrade codex-helper --latest"],
  ],
  [
    "bun",
    {
      program: "/home/u/.bun/install/global/node_modules/codex-helper/codex-helper",
      files: { "/home/u/.bun/install/global/package.json": "{}" },
    },
    ["bun add --global codex-helper@latest"],
  ],
  [
    "npx",
    {
      program: "/home/u/.npm/_npx/0f3b/node_modules/@codex-helper/linux-x64/codex-helper",
      files: { "/home/u/.npm/_npx/0f3b/package.json": "{}" },
    },
    ["npx codex-helper@latest"],
  ],
  [
    "bunx",
    { program: "/tmp/bunx-1000-codex-helper@latest/node_modules/codex-helper/codex-helper" },
    ["bunx codex-helper@latest"],
  ],
  [
    "volta",
    {
      program: "/home/u/.volta/tools/image/packages/codex-helper/lib/node_modules/codex-helper/codex-helper",
    },
    ["volta install codex-helper@latest"],
  ],
  [
    "project",
    {
      program: "/home/u/app/node_modules/.pnpm/codex-helper@0.2.0/node_modules/codex-helper/codex-helper",
      files: { "/home/u/app/package.json": "{}", "/home/u/app/pnpm-lock.yaml": "" },
    },
    ["pnpm --dir /home/u/app add codex-helper@latest"],
  ],
  [
    "project",
    {
      program: "/home/u/app/node_modules/codex-helper/codex-helper",
      files: { "/home/u/app/package.json": "{}", "/home/u/app/package-lock.json": "" },
    },
    ["npm install --prefix /home/u/app codex-helper@latest"],
  ],
  [
    "project",
    {
      program: "/home/u/app/node_modules/codex-helper/codex-helper",
      files: { "/home/u/app/package.json": "{}", "/home/u/app/bun.lock": "" },
    },
    ["bun add --cwd /home/u/app codex-helper@latest"],
  ],
  [
    "deb",
    {
      program: "/usr/bin/codex-helper",
      files: { "/var/lib/dpkg/info/codex-helper.list": "/.\n/usr\n/usr/bin\n/usr/bin/codex-helper\n" },
    },
    [
      `curl -fLO ${PLACE}/codex-helper_0.3.0_amd64.deb`,
      "sudo apt-get install ./codex-helper_0.3.0_amd64.deb",
    ],
  ],
  [
    "deb",
    {
      program: "/usr/lib/codex-helper/codex-helper",
      processor: "arm64",
      files: { "/var/lib/dpkg/info/codex-helper:arm64.list": "/usr/lib/codex-helper/codex-helper\n" },
    },
    [
      `curl -fLO ${PLACE}/codex-helper_0.3.0_arm64.deb`,
      "sudo apt-get install ./codex-helper_0.3.0_arm64.deb",
    ],
  ],
  [
    "deb",
    {
      program: "/usr/bin/codex-helper",
      newest: null,
      files: { "/var/lib/dpkg/info/codex-helper.list": "/usr/bin/codex-helper\n" },
    },
    ["ch upgrade --check"],
  ],
  [
    "rpm",
    { program: "/usr/bin/codex-helper", files: { "/usr/lib/sysimage/rpm/rpmdb.sqlite": "" } },
    [
      `curl -fLO ${PLACE}/codex-helper-0.3.0-1.x86_64.rpm`,
      "sudo dnf install ./codex-helper-0.3.0-1.x86_64.rpm",
    ],
  ],
  [
    "rpm",
    { program: "/usr/bin/codex-helper", files: { "/var/lib/rpm/Packages.db": "", "/usr/bin/zypper": "" } },
    [
      `curl -fLO ${PLACE}/codex-helper-0.3.0-1.x86_64.rpm`,
      "sudo zypper install --allow-unsigned-rpm ./codex-helper-0.3.0-1.x86_64.rpm",
    ],
  ],
  [
    "pacman",
    {
      program: "/usr/bin/codex-helper",
      files: {
        "/var/lib/pacman/local/codex-helper-bin-0.2.0-1/files": "%FILES%\nusr/bin/\nusr/bin/codex-helper\n",
        "/usr/bin/yay": "",
      },
    },
    ["yay -S codex-helper-bin"],
  ],
  [
    "pacman",
    {
      program: "/usr/bin/codex-helper",
      files: { "/var/lib/pacman/local/codex-helper-0.2.0-1/files": "usr/bin/codex-helper\n" },
    },
    ["git pull --ff-only", "makepkg --syncdeps --install"],
  ],
  [
    "nix",
    {
      program: "/nix/store/abc-codex-helper-0.2.0/bin/codex-helper",
      files: {
        "/home/u/.nix-profile/manifest.json":
          '{"version":3,"elements":{"codex-helper":{"storePaths":["/nix/store/abc-codex-helper-0.2.0"]}}}',
      },
    },
    ["nix profile upgrade codex-helper"],
  ],
  [
    "nix",
    {
      program: "/nix/store/abc-codex-helper-0.2.0/bin/codex-helper",
      files: {
        "/home/u/.nix-profile/manifest.json":
          '{"version":2,"elements":[{"storePaths":["/nix/store/other"]},{"storePaths":["/nix/store/abc-codex-helper-0.2.0"]}]}',
      },
    },
    ["nix profile upgrade 1"],
  ],
  [
    "nix",
    {
      program: "/nix/store/abc-codex-helper-0.2.0/bin/codex-helper",
      files: {
        "/home/u/.nix-profile/manifest.nix":
          '[ { out = { outPath = "/nix/store/abc-codex-helper-0.2.0"; }; } ]',
      },
    },
    ["nix-env --upgrade codex-helper"],
  ],
  [
    "nix",
    {
      program: "/nix/store/abc-codex-helper-0.2.0/bin/codex-helper",
      files: { "/home/u/.nix-profile/manifest.json": "not JSON" },
    },
    ["nix flake update"],
  ],
  [
    "script",
    { program: "/home/u/.local/bin/codex-helper" },
    [`curl -fsSLO ${PLACE}/install.sh`, "sh install.sh"],
  ],
  [
    "script",
    { program: "/home/u/my tools/codex-helper" },
    [`curl -fsSLO ${PLACE}/install.sh`, "CODEX_HELPER_INSTALL_DIR='/home/u/my tools' sh install.sh"],
  ],
  [
    "script",
    { program: "/usr/local/bin/codex-helper", isNamed: true },
    [
      `curl -fsSLO ${PLACE}/install.sh`,
      `sudo CODEX_HELPER_INSTALL_DIR=/usr/local/bin sh install.sh --from ${PLACE}`,
    ],
  ],
  [
    "script",
    { program: `${WIN}/AppData/Local/Programs/codex-helper/codex-helper.exe`, isWindows: true, home: WIN },
    [
      `Invoke-WebRequest -UseBasicParsing ${PLACE}/install.ps1 -OutFile install.ps1`,
      "powershell -ExecutionPolicy Bypass -File install.ps1",
    ],
  ],
  [
    "own-build",
    { program: "/home/u/.local/bin/codex-helper", place: null },
    ["git pull --ff-only", "bun run build", "sh install.sh --from dist"],
  ],
];

describe("an installation is recognised by where it is and by what its installer left", () => {
  test.each(CASES.map(([id, machine, commands]) => [id, machine.program, machine, commands] as const))(
    "%s: %s",
    (id, _program, machine, commands) => {
      const found = find(machine);
      expect({ id: found.id, commands: found.commands }).toEqual({ id, commands });
    },
  );
});

describe("what only looks like one is not taken for it", () => {
  test.each([
    [
      "a directory that is called apps, without a record of Scoop's",
      "D:/apps/codex-helper/0.2.0/codex-helper.exe",
      {},
    ],
    [
      "a program beside the one that a package owns",
      "/usr/local/bin/codex-helper",
      { "/var/lib/dpkg/info/codex-helper.list": "/usr/bin/codex-helper\n" },
    ],
    [
      "a package with a longer name",
      "/usr/local/bin/codex-helper",
      { "/var/lib/dpkg/info/codex-helper-doc.list": "/usr/local/bin/codex-helper\n" },
    ],
    [
      "a program in /usr/local of a system with rpm",
      "/usr/local/bin/codex-helper",
      { "/var/lib/rpm/rpmdb.sqlite": "" },
    ],
    [
      "a directory dist of another project",
      "/home/u/other/dist/codex-helper",
      { "/home/u/other/package.json": '{"name":"other","codex-helper":"1"}' },
    ],
    [
      "a package of pacman that owns another file",
      "/opt/ch/codex-helper",
      { "/var/lib/pacman/local/codex-helper-bin-0.2.0-1/files": "usr/bin/codex-helper\n" },
    ],
  ] as const)("%s", (_what, program, files) => {
    expect(find({ program, files }).id).toBe("script");
  });
});

test("what cannot be typed anywhere says where", () => {
  expect(find({ program: "/x/codex-helper", place: null }).where).toBeDefined();
  expect(find({ program: "/nix/store/abc-x/bin/codex-helper" }).where).toBeDefined();
});
