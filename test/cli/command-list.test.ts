import { expect, test } from "bun:test";
import { READMES, withCommands } from "./command-list.ts";

test.each(READMES)("the readme in $lang lists the commands as they are", async (readme) => {
  const text = await Bun.file(readme.path).text();
  expect(await withCommands(text, readme)).toBe(text);
});
