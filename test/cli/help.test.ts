import { expect, test } from "bun:test";
import { loadCommandPlaces } from "../helpers/command-table.ts";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const places = await loadCommandPlaces();

// Written anew by: bun test test/cli/help.test.ts --update-snapshots
test.each(["ch", ...places.map(({ line }) => line)])("the help screen of %s", async (line) => {
  using home = makeTempHome();
  const argv = [...line.split(" ").slice(1), "--help"];
  const { code, stderr, stdout } = await runInProcess(argv, home.env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  if (line !== "ch") expect(stdout).toStartWith(`${line}: `);
  expect(stdout).toMatchSnapshot();
  const chinese = await runInProcess(argv, { ...home.env, LANG: "zh_CN.UTF-8" });
  expect(chinese.stdout).toMatch(/\p{Script=Han}/u);
  const rows = `${stdout}${chinese.stdout}`.split("\n");
  expect(rows.filter((row) => Bun.stringWidth(row) > 80)).toEqual([]);
  // With the prompt after it, a terminal of 24 lines shows the whole.
  for (const screen of [stdout, chinese.stdout])
    expect(screen.trimEnd().split("\n").length).toBeLessThanOrEqual(23);
});

test("`ch --help` says what the commands of every day do, before it names the others", async () => {
  using home = makeTempHome();
  const { stdout } = await runInProcess(["--help"], home.env);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name);
  expect(names).toEqual("serve status quota usage session config run doctor".split(" "));
  expect(stdout).toMatch(/^ +also: switch, /m);
});
