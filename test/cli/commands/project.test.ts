import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../helpers/cli.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";

const upstream = (name: string) => ({ base_url: `https://${name}.example/v1`, auth: { auth_token: name } });

function makeHome(): TempHome {
  const home = makeTempHome();
  for (const directory of ["work/acme/sub", "open"])
    mkdirSync(join(home.path, directory), { recursive: true });
  home.write(".codex-helper/config.json", {
    codex: {
      active: "main",
      configs: {
        main: { upstreams: [upstream("a"), upstream("b")] },
        "relay-a": { upstreams: [upstream("c")] },
      },
    },
  });
  return home;
}

test("project sets a rule, shows which one holds where and why, and removes it", async () => {
  using home = makeHome();
  const run = (...args: string[]) => runCli(["project", ...args], { home });
  expect((await run()).stdout).toStartWith("~: no project\n  no rule of config.json means this directory\n");
  expect((await run("list")).stderr).toContain("there are no projects");
  const set = await run("set", join(home.path, "work/acme/"), "--allow", "relay-a");
  expect(set).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("set project acme (~/work/acme/**)"),
  });
  expect((await run("show", "--path", join(home.path, "work/acme/sub"))).stdout).toBe(
    [
      "~/work/acme/sub: project acme",
      "  rule    ~/work/acme/**",
      "  wall    only relay-a",
      "  Codex: config relay-a: relay-a#1",
      "    never: main#1, main#2",
      "",
    ].join("\n"),
  );
  expect(
    JSON.parse((await run("show", "--path", join(home.path, "work/acme"), "--json")).stdout),
  ).toMatchObject({
    project: "acme",
    pattern: "~/work/acme/**",
    is_told: true,
    allow: ["relay-a"],
    routes: [{ service: "codex", inside: ["relay-a#1"], outside: ["main#1", "main#2"], problem: null }],
  });
  expect((await run("list")).stdout).toBe(
    "PROJECT  RULE            CONFIG  WALL\nacme     ~/work/acme/**  -       relay-a\n",
  );
  expect(JSON.parse((await run("list", "--json")).stdout)).toMatchObject({
    unknown_project: "refuse",
    projects: [{ project: "acme", is_there: true, has_config: true, unknown_names: [] }],
  });
  // Another way to write the same directories is the same rule.
  await run("set", "~/work/acme", "--config", "main", "--allow", "main#2,relay-a");
  const explained = await runCli(["routing", "explain", "--path", join(home.path, "work/acme"), "--json"], {
    home,
  });
  expect(JSON.parse(explained.stdout)).toMatchObject({
    project: "acme",
    wall: "acme",
    places: [
      { label: "main#2", standing: "ok" },
      { label: "main#1", standing: "walled", reason: "the wall of project acme is before it" },
    ],
  });
  // Typed there, it is meant without being named; a session has a directory of its own.
  const here = (...more: readonly string[]) =>
    runCli(["routing", "explain", ...more], { home, cwd: join(home.path, "work/acme") });
  expect((await here()).stdout).toContain("project acme, behind a wall\n");
  expect(JSON.parse((await here("--json")).stdout)).toEqual(JSON.parse(explained.stdout));
  expect((await here("--session", "0199a2f4")).stdout).not.toContain("project");
  expect((await runCli(["routing", "explain"], { home })).stdout).not.toContain("project");
  expect(await run("unset", "~/work/acme/*", "--allow")).toMatchObject({ code: 0 });
  expect(JSON.parse((await run("list", "--json")).stdout)).toMatchObject({
    unknown_project: "default",
    projects: [{ pattern: "~/work/acme/**", config: "main" }],
  });
  expect(await run("unset", "~/work/acme")).toMatchObject({ code: 0 });
  expect(await run("unset", "~/work/acme")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("ch project list"),
  });
});

test("project names what it does not know", async () => {
  using home = makeHome();
  const set = (...args: string[]) => runCli(["project", "set", "~/open", ...args], { home });
  expect(await set()).toMatchObject({ code: 2, stderr: expect.stringContaining("nothing to set") });
  expect(await set("--config", "mian")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean "main"?'),
  });
  expect(await set("--allow", "relay-b")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"relay-b" is no config'),
  });
  expect(await set("--allow", "c.example")).toMatchObject({ code: 0 });
  expect(await set("--filter", "acme.json")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("acme.json: no such file"),
  });
  expect(await runCli(["project", "set", "work/*/x", "--config", "main"], { home })).toMatchObject({
    code: 2,
  });
});

test("a wall goes on to mean the same upstreams when a config is changed", async () => {
  using home = makeHome();
  const run = (...args: string[]) => runCli(args, { home });
  const allowed = async (): Promise<unknown> =>
    JSON.parse((await run("project", "list", "--json")).stdout).projects[0].allow as unknown;
  await run("project", "set", "~/work/acme", "--config", "main", "--allow", "main#2,relay-a");
  expect(await run("config", "move", "main#2", "--to", "1")).toMatchObject({ code: 0 });
  expect(await allowed()).toEqual(["main#1", "relay-a"]);
  await run("config", "rename", "main", "work");
  expect(await allowed()).toEqual(["work#1", "relay-a"]);
  await run("config", "remove", "work#1");
  expect(await allowed()).toEqual(["relay-a"]);
  const removed = await run("config", "remove", "work");
  expect(removed).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('project acme uses the config "work"'),
  });
});

test("usage and status know projects by their names", async () => {
  using home = makeHome();
  const run = (...args: string[]) => runCli(args, { home });
  await run("project", "set", "~/work/acme", "--config", "relay-a");
  const line = {
    timestamp_ms: Date.now(),
    service: "codex",
    method: "POST",
    path: "/v1/responses",
    status_code: 200,
    duration_ms: 5,
    config_name: "relay-a",
    upstream_base_url: "https://c.example/v1",
    usage: { input_tokens: 3, output_tokens: 4, reasoning_tokens: 0, total_tokens: 7 },
    outcome: "ok",
  };
  const lines = [
    { ...line, project: "acme" },
    { ...line, project: "acme", cwd: "/x" },
    { ...line, cwd: "/y" },
  ];
  home.write(".codex-helper/logs/requests.jsonl", lines.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const summary = JSON.parse((await run("usage", "summary", "--by", "project", "--json")).stdout) as {
    readonly rows: readonly { readonly key: string; readonly requests: number }[];
  };
  expect(JSON.stringify(summary.rows)).toContain('"acme"');
  expect(summary.rows.length).toBe(2);
  const status = await run("status", "--json");
  expect(JSON.parse(status.stdout)).toMatchObject({
    projects: [{ project: "acme", pattern: "~/work/acme/**", config: "relay-a", allow: null }],
  });
});
