// The C library is the one that this process has, also in a directory that holds another of its name.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openLibc } from "../../src/base/libc.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const GETPID = { getpid: { args: [], returns: "int" } } as const;

test("a function of it is called, where there are such functions", () => {
  const pid = process.platform === "win32" ? undefined : process.pid;
  expect(openLibc(GETPID)?.getpid()).toBe(pid);
});

test("one that it does not have is none", () => {
  expect(openLibc({ no_such_function: GETPID.getpid })).toBeNull();
});

test("nothing of its name in the current directory is opened", async () => {
  using home = makeTempHome();
  // Whatever would be loaded from there ends the process: none of these is a library.
  for (const name of ["libc.so.6", "libc.musl-x86_64.so.1", "libSystem.B.dylib"])
    home.write(name, "not a library");
  const script = home.write(
    "ask.ts",
    `import { openLibc } from ${JSON.stringify(join(import.meta.dir, "../../src/base/libc.ts"))};
     console.log(openLibc({ getpid: { args: [], returns: "int" } })?.getpid() === process.pid);`,
  );
  const child = Bun.spawn([process.execPath, script], { cwd: home.path, env: home.env, stdout: "pipe" });
  expect(await new Response(child.stdout).text()).toBe(`${process.platform !== "win32"}\n`);
});
