import { expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { renderText, t } from "../../src/base/text.ts";
import { withFileName } from "../../src/clients/client.ts";

test("withFileName keeps message and hint translatable", () => {
  const refuse = (): never => {
    throw new UserError(t`line ${3}: ${t`larger than 1 MB`}`, { hint: t`give that provider another name` });
  };
  const caught = catchUserError(() => withFileName("/home/me/config.toml", refuse));
  const upper = (text: Parameters<typeof renderText>[0]): string =>
    renderText(text, (part) => part.text.toUpperCase());
  expect(caught.message).toBe("/home/me/config.toml: line 3: larger than 1 MB");
  expect(upper(caught.text)).toBe("/home/me/config.toml: LINE 3: LARGER THAN 1 MB");
  expect(caught.hint).toBe("give that provider another name");
  expect(upper(caught.hintText ?? "")).toBe("GIVE THAT PROVIDER ANOTHER NAME");
});

function catchUserError(work: () => unknown): UserError {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
