import { expect, test } from "bun:test";
import { createFilter } from "../../src/app/filter.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

test("matches that were left alone are counted apart from those that were redacted", () => {
  using home = makeTempHome();
  home.write(".codex-helper/filter.json", [{ op: "remove", source: "secret" }]);
  const filter = createFilter({ path: home.paths.filter, now: Date.now }).forService("codex");
  const body = {
    input: [
      { type: "reasoning", encrypted_content: "a secret" },
      { type: "message", content: "secret" },
    ],
  };
  const filtered = filter(
    Buffer.from(JSON.stringify(body)),
    new Headers({ "content-type": "application/json" }),
  );
  expect(filtered).toMatchObject({ kind: "filtered", redactions: 1, exempt: 1 });
});
