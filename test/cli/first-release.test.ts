// A home that the first 0.1.0 made, with what was on the disk after both clients, failovers, redactions, a refused key and a kill: every
// later version has to read all of it. test/fixtures/0.1.0/README.md says how it was made.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isRecord } from "../../src/base/json-value.ts";
import MADE from "../fixtures/0.1.0/home.json";
import { GOOD } from "../helpers/answers.ts";
import { startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const FILES: Readonly<Record<string, string>> = MADE.files;
const ORIGINAL: Readonly<Record<string, string>> = MADE.original;
const CONFIG = ".codex-helper/config.json";
const STATE = ".codex-helper/state.json";
/** The day that its log is of. */
const THAT_DAY = ["--since", "2026-11-30", "--until", "2026-11-30"];

function makeOldHome(): TempHome {
  const home = makeTempHome({ RELAY_A_KEY: "sk-relay-a-0123456789" });
  for (const [path, text] of Object.entries(FILES))
    home.write(path, text.replaceAll("HOME_OF_0_1_0", home.path));
  return home;
}

const read = (home: TempHome, path: string): string => readFileSync(join(home.path, path), "utf8");

async function json(home: TempHome, ...args: readonly string[]) {
  const { code, stderr, stdout } = await runInProcess([...args, "--json"], home.env);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
  const value: unknown = JSON.parse(stdout);
  if (!isRecord(value)) throw new Error(stdout);
  return value;
}

/** Moments of a text of JSON, as many milliseconds later. */
const moveTimes = (text: string, byMs: number): string =>
  text.replaceAll(/\b17\d{11}\b/g, (moment) => String(Number(moment) + byMs));

describe("what 0.1.0 has left", () => {
  test("config.json says the same, and nothing is complained about", async () => {
    using home = makeOldHome();
    const list = await json(home, "config", "list", "--codex");
    expect(list).toMatchObject(MADE.printed["config-list"]);
    const { code, stderr } = await runInProcess(["config", "show", "main"], home.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("an edit keeps its comments, and every byte that it is not about", async () => {
    using home = makeOldHome();
    const before = read(home, CONFIG);
    expect(await runInProcess(["config", "disable", "main#1"], home.env)).toMatchObject({ code: 0 });
    expect(read(home, CONFIG).replace(/\n *"enabled": false,(?=\n *\})/, "")).toBe(before);
  });

  test("filter.json takes out what it took out", async () => {
    using home = makeOldHome();
    expect(await json(home, "filter", "check")).toMatchObject({ valid: true, rules: 3, state: "rules" });
    home.write("request.json", { input: "your-company.com, super-secret-token, ticket-12345, ticket-1" });
    const { stdout } = await runInProcess(["filter", "test", join(home.path, "request.json")], home.env);
    expect(stdout).toContain("[DOMAIN]");
    expect(stdout).toContain("[TICKET]");
  });

  test.each(["usage", "usage-model", "usage-upstream"] as const)(
    "the sums of its log are those that it printed: %s",
    async (name) => {
      using home = makeOldHome();
      const by = name === "usage" ? [] : ["--by", name.replace("usage-", "")];
      expect(await json(home, "usage", "summary", ...THAT_DAY, ...by)).toMatchObject(MADE.printed[name]);
    },
  );

  test("state.json: what was spent is spent, what was refused is refused, until the same moment", async () => {
    using home = makeOldHome();
    const old = FILES[STATE] ?? "";
    // As if it had been written just now: what it says is forgotten a day later.
    const byMs = Date.now() - Number(/"since":(\d+)/.exec(old)?.[1]);
    home.write(STATE, moveTimes(old, byMs));
    const until = Number(/"exhausted":\{[^}]*"until":(\d+)/.exec(old)?.[1]) + byMs;
    const codex = JSON.stringify(await json(home, "routing", "explain", "--codex"));
    expect(codex).toMatch(/"main#2".*"main#1"/);
    expect(codex).toContain("429 usage limit reached (usage_limit_reached)");
    const { stdout } = await runInProcess(["status", "--json"], home.env);
    expect(stdout).toContain(String(until));
    const claude = JSON.stringify(await json(home, "routing", "explain", "--claude"));
    expect(claude).toMatch(/"work#2".*"work#1".*401 refused the credential/);
  });

  test("switch off gives both clients their bytes back, and then doctor is calm", async () => {
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    using home = makeOldHome();
    for (const flag of ["--codex", "--claude"])
      expect(await runInProcess(["switch", "off", flag], home.env)).toMatchObject({ code: 0 });
    for (const [path, text] of Object.entries(ORIGINAL)) expect(read(home, path)).toBe(text);
    expect(
      readdirSync(home.paths.run).filter((name) => name.startsWith("switch-") && name.endsWith(".json")),
    ).toEqual([]);

    home.write(CONFIG, (FILES[CONFIG] ?? "").replaceAll(/127\.0\.0\.1:\d+/g, `127.0.0.1:${upstream.port}`));
    expect(await runInProcess(["doctor", "--fix"], home.env)).toMatchObject({ code: 0 });
    const { code, stdout } = await runInProcess(["doctor", "--json"], home.env);
    const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; message: string }[] };
    // Relays on this machine look like another proxy's; what is on PATH here is not the home's matter.
    const isOfHere = (id: string): boolean => id === "foreign-proxy" || id.startsWith("client");
    const findings = checks.filter(({ id, status }) => !["ok", "info"].includes(status) && !isOfHere(id));
    expect({ code, findings }).toEqual({ code: 0, findings: [] });
  });

  test("a proxy that starts there restores what the killed one left, serves, and leaves the client as it was", async () => {
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    using home = makeOldHome();
    home.write(
      CONFIG,
      (FILES[CONFIG] ?? "").replaceAll(/127\.0\.0\.1:4100\d/g, `127.0.0.1:${upstream.port}`),
    );
    const port = freePort();
    await using ch = startCli(["serve", "--codex", "--port", String(port)], { home });
    await ch.waitFor(/127\.0\.0\.1:\d+/);
    const answer = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-5.6-sol", stream: true, input: "your-company.com" }),
    });
    expect(await answer.text()).toContain("response.completed");
    expect(upstream.requests[0]?.text()).toContain("[DOMAIN]");
    expect(await ch.stop()).toBe(130);
    for (const [path, text] of Object.entries(ORIGINAL)) expect(read(home, path)).toBe(text);
    // Its own line follows those of 0.1.0.
    expect(read(home, ".codex-helper/logs/requests.jsonl").trimEnd().split("\n")).toHaveLength(10);
    expect(existsSync(home.paths.spend)).toBe(true);
  });
});
