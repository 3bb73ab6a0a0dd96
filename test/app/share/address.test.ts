import { expect, test } from "bun:test";
import { readAddress } from "../../../src/app/share/address.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";

const read = (words: readonly string[], env: Readonly<Record<string, string>>) =>
  readAddress({ url_command: [...words], namespace: "team" }, env);

test("the address may come from a command, which is run without a shell and at home", async () => {
  using home = makeTempHome();
  const words = ["sh", "-c", 'echo "redis://:secret@host$1:6380"; pwd >where', "sh", "; exit 1"];
  const said = await read(words, home.env).catch((error: unknown) => String(error));
  expect(said).toContain("the address of the engine is none");
  expect(await Bun.file(`${home.path}/where`).text()).toBe(`${home.path}\n`);
  const { shown, url } = await read(["echo", "redis://:secret@host:6380"], home.env);
  expect([shown, url]).toEqual(["host:6380", "redis://:secret@host:6380"]);
});

test.each([
  [["sh", "-c", "echo redis://:secret@host; exit 3"], "share.url_command: sh exited with code 3"],
  [["no-such-program"], "share.url_command: no-such-program was not found"],
] as const)("a command that fails is named, and not what it printed", async (words, message) => {
  using home = makeTempHome();
  const said = await read(words, home.env).catch((error: unknown) => String(error));
  expect(said).toContain(message);
  expect(said).not.toContain("secret");
});
