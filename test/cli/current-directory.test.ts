// A shell may stand in a directory that was removed meanwhile.
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

test.each(["status", "switch status", "doctor", "session list", "routing explain", "config import"])(
  "ch %s takes a directory that is gone by the name that the shell shows",
  (line) => {
    using home = makeTempHome();
    const gone = join(home.path, "gone");
    mkdirSync(gone);
    const script = `cd '${gone}' && rmdir '${gone}' && "$@"`;
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-c", script, "sh", ...PROGRAM, ...line.split(" ")], {
      env: home.env,
      stdin: "ignore",
    });
    expect(stderr.toString()).not.toContain("this is a bug");
    expect([0, 1, 2]).toContain(exitCode);
  },
);
