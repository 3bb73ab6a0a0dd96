import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { chooseName } from "../../src/base/own-program.ts";
import { VERSION } from "../../src/base/version.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

/** A home with the program at `own` and links, each from a path to where it leads. */
function lay(home: TempHome, own: string, links: Readonly<Record<string, string>>): string {
  home.write(own, "program");
  for (const [path, target] of Object.entries(links)) {
    home.write(`${dirname(path)}/.keep`, "");
    symlinkSync(join(home.path, target), join(home.path, path));
  }
  return join(home.path, own);
}

const never = (): boolean => {
  throw new Error("nothing must be started");
};

test.each([
  [
    "a script's own place",
    ".local/bin/codex-helper",
    {},
    [".local/bin/codex-helper"],
    ".local/bin/codex-helper",
  ],
  [
    "a link beside it",
    "usr/bin/codex-helper",
    { "usr/bin/ch": "usr/bin/codex-helper" },
    ["usr/bin/ch"],
    "usr/bin/ch",
  ],
  ["a place that is on no search path", "opt/tool/codex-helper", {}, [], "opt/tool/codex-helper"],
  [
    "Homebrew, found on the search path",
    `brew/Cellar/codex-helper/${VERSION}/bin/codex-helper`,
    { "brew/bin/ch": `brew/Cellar/codex-helper/${VERSION}/bin/codex-helper` },
    ["brew/bin/ch"],
    "brew/bin/ch",
  ],
  [
    "Homebrew, called by its whole path",
    `brew/Cellar/codex-helper/${VERSION}/bin/codex-helper`,
    { "brew/opt/codex-helper": `brew/Cellar/codex-helper/${VERSION}` },
    [],
    "brew/opt/codex-helper/bin/codex-helper",
  ],
  [
    "Scoop, by the directory of a version",
    `scoop/apps/codex-helper/${VERSION}/codex-helper.exe`,
    { "scoop/apps/codex-helper/current": `scoop/apps/codex-helper/${VERSION}` },
    [],
    "scoop/apps/codex-helper/current/codex-helper.exe",
  ],
  [
    "Scoop, by the directory that stays",
    "scoop/apps/codex-helper/current/codex-helper.exe",
    {},
    [],
    "scoop/apps/codex-helper/current/codex-helper.exe",
  ],
  [
    "npm, whose name starts the program through Node",
    "lib/node_modules/codex-helper/node_modules/@codex-helper/linux-x64/bin/codex-helper",
    { "bin/ch": "lib/node_modules/codex-helper/ch.js" },
    ["bin/ch"],
    "lib/node_modules/codex-helper/node_modules/@codex-helper/linux-x64/bin/codex-helper",
  ],
] as const)("%s is written down by a name that stays", (_, own, links, names, wanted) => {
  using home = makeTempHome();
  const program = lay(home, own, links);
  const found = chooseName(
    program,
    names.map((name) => join(home.path, name)),
    never,
  );
  expect(found).toEqual({ path: join(home.path, wanted), isPassing: false });
});

const PNPM = `pnpm/global/5/.pnpm/@codex-helper+linux-x64@${VERSION}/node_modules/@codex-helper/linux-x64/bin/codex-helper`;
test.each([
  [PNPM],
  [`mise/installs/codex-helper/${VERSION}/bin/codex-helper`],
  [".npm/_npx/ab12/node_modules/@codex-helper/linux-x64/bin/codex-helper"],
  [`tools/codex-helper-${VERSION}/codex-helper`],
  // Its "current" leads to another version by now.
  [`scoop/apps/codex-helper/${VERSION}/codex-helper.exe`],
])("%s goes with its version: a shim that says to be this program is taken, another is not", (own) => {
  using home = makeTempHome();
  const program = lay(home, own, {});
  home.write("scoop/apps/codex-helper/current/codex-helper.exe", "another");
  const names = [home.write("other/ch", ""), home.write("shims/codex-helper", "")];
  const asked: string[] = [];
  const isThis = (name: string): boolean => asked.push(name) === 2;
  expect(chooseName(program, names, isThis)).toEqual({ path: names[1] ?? "", isPassing: false });
  expect(asked).toEqual(names);
  expect(chooseName(program, names, () => false)).toEqual({ path: program, isPassing: true });
  expect(chooseName(program, [program], never)).toEqual({ path: program, isPassing: true });
});

test("a name that leads to another version of it is not taken", () => {
  using home = makeTempHome();
  const program = lay(home, `brew/Cellar/codex-helper/${VERSION}/bin/codex-helper`, {
    "brew/bin/ch": `brew/Cellar/codex-helper/1${VERSION}/bin/codex-helper`,
  });
  const names = [join(home.path, "brew/bin/ch")];
  expect(chooseName(program, names, () => false)).toEqual({ path: program, isPassing: true });
});
