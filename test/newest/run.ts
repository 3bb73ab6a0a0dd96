// The suite with the real clients as they were released last, and the other programs that `ch run` starts: `bun run test:newest`.
// They are installed into a throw-away directory, without the three days that a dependency has to wait: nothing of them gets
// into the product, and their install scripts are not run.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAMS } from "../../src/app/launch/programs.ts";
import { SERVICES, SERVICE_FACTS } from "../../src/base/service.ts";

const ROOT = join(import.meta.dir, "../..");
const packages = [
  ...SERVICES.map((service) => SERVICE_FACTS[service].packageName),
  ...PROGRAMS.map(({ packageName }) => packageName),
];
const directory = mkdtempSync(join(tmpdir(), "codex-helper-newest-"));
try {
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ dependencies: Object.fromEntries(packages.map((name) => [name, "latest"])) }),
  );
  writeFileSync(join(directory, "bunfig.toml"), "[install]\nminimumReleaseAge = 0\n");
  run([process.execPath, "install", "--ignore-scripts"], directory, {});
  for (const name of packages) {
    const manifest = (await Bun.file(join(directory, "node_modules", name, "package.json")).json()) as {
      readonly version: string;
    };
    console.log(`${name} ${manifest.version}`);
  }
  const tests = ["test/real-clients", "test/cli/commands/run.test.ts", "./test/newest/programs.ts"];
  run(
    [
      process.execPath,
      "--max-http-header-size=65536",
      "test",
      "--timeout",
      "120000",
      "--max-concurrency",
      "2",
      ...tests,
    ],
    ROOT,
    { REAL_CLIENTS: join(directory, "node_modules") },
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function run(command: readonly string[], cwd: string, env: Readonly<Record<string, string>>): void {
  const { exitCode } = Bun.spawnSync([...command], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode === 0) return;
  console.error(`failed: ${command.slice(1).join(" ")}`);
  process.exitCode = exitCode;
}
