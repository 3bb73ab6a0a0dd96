import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inEnglish, type Text } from "../../src/base/text.ts";
import { ensurePlaceholderKey, readPlaceholderKey } from "../../src/state/placeholder-key.ts";
import { modeHere } from "../helpers/modes.ts";

const MODULE = join(import.meta.dir, "../../src/state/placeholder-key.ts");
const KEY = /^[0-9a-f]{64}$/;

function makeHome() {
  const home = mkdtempSync(join(tmpdir(), "placeholder-key-"));
  const paths = { home, placeholderKey: join(home, "placeholder-key"), run: join(home, "run") };
  const troubles: string[] = [];
  return {
    paths,
    troubles,
    ensure: () =>
      ensurePlaceholderKey(paths, (words: Text | string) =>
        troubles.push(typeof words === "string" ? words : inEnglish(words)),
      ),
    written: () => readFileSync(paths.placeholderKey, "utf8"),
    mode: () => statSync(paths.placeholderKey).mode & 0o777,
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

test("a key is made once, for its owner alone", () => {
  using home = makeHome();
  expect(readPlaceholderKey(home.paths)).toBeNull();
  const key = home.ensure();
  expect(key).toMatch(KEY);
  expect([home.written(), home.mode()]).toEqual([`${key}\n`, modeHere(0o600)]);
  expect([home.ensure(), readPlaceholderKey(home.paths)]).toEqual([key, key]);
  using other = makeHome();
  expect(other.ensure()).not.toBe(key);
});

test.each(["", "\n", "0".repeat(63), "0".repeat(65), "K".repeat(64), "\u0000\u00ff", "A".repeat(64)])(
  "what is no key is replaced by one: %j",
  (content) => {
    using home = makeHome();
    writeFileSync(home.paths.placeholderKey, content, { mode: 0o644 });
    expect(readPlaceholderKey(home.paths)).toBeNull();
    const key = home.ensure();
    expect(key).toMatch(KEY);
    expect([home.written(), home.mode(), home.troubles]).toEqual([`${key}\n`, modeHere(0o600), []]);
  },
);

test("a key that others may read stays the key, and is closed to them", () => {
  using home = makeHome();
  const key = home.ensure();
  chmodSync(home.paths.placeholderKey, 0o644);
  expect([home.ensure(), home.mode(), home.written()]).toEqual([key, modeHere(0o600), `${key}\n`]);
});

test("where the key cannot be written, the process has one of its own and says why", () => {
  using home = makeHome();
  mkdirSync(home.paths.placeholderKey);
  expect(home.ensure()).toMatch(KEY);
  expect(home.troubles).toEqual([expect.stringContaining(home.paths.placeholderKey)]);
});

test("processes that make the key at once have the same", async () => {
  using home = makeHome();
  const script = `import { ensurePlaceholderKey } from ${JSON.stringify(MODULE)};
    process.stdin.once("data", () => {
      console.log(ensurePlaceholderKey(${JSON.stringify(home.paths)}, (words) => console.log(words)));
      process.exit();
    });
    console.log("ready");`;
  const children = Array.from({ length: 3 }, () =>
    Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }),
  );
  const printed = await Promise.all(
    children.map(async ({ stdin, stdout }) => {
      let text = "";
      const reader = stdout.getReader();
      const read = async (until: (text: string) => boolean): Promise<void> => {
        while (!until(text)) {
          const { done, value } = await reader.read();
          if (done) return;
          text += Buffer.from(value).toString();
        }
      };
      await read((said) => said.includes("ready"));
      void stdin.write("go");
      void stdin.end();
      await read(() => false);
      return text;
    }),
  );
  const key = home.written();
  expect(printed).toEqual(children.map(() => `ready\n${key}`));
});
