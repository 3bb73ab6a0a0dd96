import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { GOOD } from "../../helpers/answers.ts";
import { type CliResult, PROGRAM, runCli, startCli } from "../../helpers/cli.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { freePort } from "../../helpers/free-port.ts";
import {
  makeOldestRollout,
  makeRollout,
  makeTranscript,
  putFile,
  rolloutPath,
  transcriptPath,
} from "../../helpers/session-files.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

const RULES = `[
  { "op": "replace", "source": "your-company.com", "target": "[DOMAIN]" },
  { "op": "remove", "source": "super-secret-token", "services": ["claude"] }
]`;
let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

const writeRules = (text: string): string => home.write(".codex-helper/filter.json", text);
const ch = (args: readonly string[], stdin?: string): Promise<CliResult> =>
  runCli(["filter", ...args], { home, ...(stdin === undefined ? {} : { stdin }) });

test("check counts the rules of a valid file", async () => {
  writeRules(RULES);
  expect(await ch(["check"])).toEqual({
    code: 0,
    stdout: "~/.codex-helper/filter.json: 2 rules, no regular expressions\n",
    stderr: "",
  });
});

test("check says that a missing file redacts nothing, and is content", async () => {
  const result = await ch(["check"]);
  expect(result).toEqual({
    code: 0,
    stdout: "~/.codex-helper/filter.json: no such file, so nothing is redacted\n",
    stderr: "",
  });
});

test("check names the line and column of a fault and fails", async () => {
  writeRules('[\n  { "op": "replace", "source": "your-company.com" }\n]');
  const { code, stdout: out, stderr: err } = await ch(["check"]);
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toBe(`error: ~/.codex-helper/filter.json:2:11: rule 1, op: "replace" needs a target\n`);
});

test("check --json says the same to a script, with the same exit code", async () => {
  writeRules("{");
  const broken = await ch(["check", "--json"]);
  expect(broken.code).toBe(1);
  expect(JSON.parse(broken.stdout)).toMatchObject({
    valid: false,
    problem: expect.stringContaining(":1:2:"),
  });
  writeRules(RULES);
  const valid = await ch(["check", "--json"]);
  expect(JSON.parse(valid.stdout)).toEqual({
    path: home.paths.filter,
    exists: true,
    valid: true,
    rules: 2,
    state: "rules",
  });
});

test("test shows the built-in requests of both clients before and after", async () => {
  writeRules(RULES);
  const { code, stdout: out } = await ch(["test"]);
  expect(code).toBe(0);
  expect(out).toContain("a sample request of Codex");
  expect(out).toMatch(/ {2}- .*"Why does https:\/\/api\.your-company\.com\/health say 401\?"\n/);
  expect(out).toMatch(/ {2}\+ .*"Why does https:\/\/api\.\[DOMAIN\]\/health say 401\?"\n/);
  expect(out).toContain("a sample request of Claude Code");
  expect(out).toContain('+ "content": "HOST=db.[DOMAIN]\\nTOKEN=\\n"');
});

test("test takes a file, and the rules of the service it is told", async () => {
  writeRules(RULES);
  const file = join(home.path, "request.json");
  writeFileSync(file, '{"a":"super-secret-token","your-company.com":1}');
  const codex = await ch(["test", file]);
  expect(codex.stdout).toContain("nothing would change");
  expect(codex.stdout).toMatch(/1 +replace +0 +1\n/);
  expect(codex.stderr).toContain("unchanged: keys");
  const claude = await ch(["test", "--claude", file]);
  expect(claude.stdout).toContain('- "a": "super-secret-token"');
  expect(claude.stdout).toContain('+ "a": ""');
});

test("test --json counts, and holds no part of the request", async () => {
  writeRules(RULES);
  const { stdout: out } = await ch(["test", "--json", "-"], "x your-company.com your-company.com");
  expect(out).not.toContain("your-company.com");
  expect(JSON.parse(out)).toMatchObject({
    trials: [
      {
        input: "standard input",
        service: "codex",
        changed: true,
        rules: [{ rule: 1, hits: 2 }, { hits: 0 }],
      },
    ],
  });
});

test("test --pack shows what a pack would take, masked, and needs no rules", async () => {
  writeRules(RULES);
  const { code, stdout: out } = await ch(
    ["test", "--pack", "emails", "-"],
    "to jane.doe@corp-mail.net, your-company.com",
  );
  expect(code).toBe(0);
  expect(out).toContain("+ to [REDACTED_EMAIL], your-company.com");
  expect(out).not.toContain("jane.doe");
  expect(out).toMatch(/emails\/email +replace +1 +0/);
  const json = await ch(["test", "--pack", "emails", "--json", "-"], "nothing");
  expect(JSON.parse(json.stdout)).toMatchObject({ pack: "emails", trials: [{ changed: false, rules: [] }] });
  expect(await ch(["test", "--pack", "email"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("emails"),
  });
});

test("test shows lines that a source with a line break joins", async () => {
  writeRules('{"op":"remove","source":"b\\nc"}');
  const { stdout: out } = await ch(["test", "-"], "a\nb\nc\nd");
  expect(out).toContain("  line 2\n  - b\n  line 3\n  - c\n  line 2\n  + \n");
});

test("test on a missing file, a body that is not text and a broken rule file fails in words", async () => {
  writeRules(RULES);
  expect(await ch(["test", join(home.path, "none")])).toMatchObject({
    code: 1,
    stderr: "error: ~/none: no such file\n",
  });
  const binary = join(home.path, "binary");
  writeFileSync(binary, Uint8Array.of(0xff, 0));
  expect((await ch(["test", binary])).stderr).toContain("not UTF-8 text");
  writeRules("[");
  expect(await ch(["test"])).toMatchObject({ code: 1, stdout: "" });
});

test("test without a rule file says so", async () => {
  const { code, stdout: out, stderr: err } = await ch(["test", "-"], "text");
  expect(code).toBe(0);
  expect(out).toBe("standard input\n  nothing would change\n");
  expect(err).toContain("no such file, so nothing is redacted");
});

/** The modes of files do not hold for root, unless that right is taken from it. */
const UNPRIVILEGED =
  process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] : [];
const READY = /Press Ctrl\+C to stop/;
const seeState = async (): Promise<unknown> =>
  (JSON.parse((await runCli(["status", "--json"], { home })).stdout) as { redaction: unknown }).redaction;

/** A proxy before an upstream; `send` gives the status of a request, and the words of a refusal. */
async function startProxy() {
  const upstream = await startFakeUpstream(() => GOOD.responses());
  home.write(".codex-helper/config.json", {
    codex: { active: "main", configs: { main: { upstreams: [{ base_url: upstream.baseUrl }] } } },
  });
  const port = freePort();
  const start = () =>
    startCli(["serve", "--no-switch", "--port", String(port)], {
      home,
      program: [...UNPRIVILEGED, ...PROGRAM],
    });
  const send = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: "POST",
      body: '{"model":"m","stream":true,"input":"a super-secret-token"}',
    });
    return `${response.status} ${await response.text()}`;
  };
  const leaked = (): boolean =>
    upstream.requests.some((request) => request.text().includes("super-secret-token"));
  return { upstream, start, send, leaked, [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose]() };
}
const SECRET_RULE = '[{ "op": "remove", "source": "super-secret-token" }]';

test("a removed file: refused while running and after a restart, until the removal is accepted", async () => {
  await using proxy = await startProxy();
  const file = writeRules(SECRET_RULE);
  {
    await using serving = proxy.start();
    await serving.waitFor(READY);
    expect(serving.stderr()).toContain("1 redaction rule is in use");
    expect(await proxy.send()).toStartWith("200");
    rmSync(file);
    const refused = await waitUntil(
      async () => {
        const answer = await proxy.send();
        return answer.startsWith("200") ? null : answer;
      },
      { what: "a refusal" },
    );
    expect(refused).toStartWith("400");
    expect(refused).toContain(file);
    expect(refused).toContain("ch filter check --accept-removal");
    await serving.waitFor(/filter\.json was there and is missing/);
  }
  await using again = proxy.start();
  await again.waitFor(READY);
  expect(again.stderr()).toContain("redaction rules are gone: requests are refused");
  expect(await proxy.send()).toStartWith("400");
  expect(proxy.leaked()).toBe(false);

  const check = await ch(["check"]);
  expect(check).toMatchObject({ code: 1, stdout: "" });
  expect(check.stderr).toContain("was there and is missing");
  expect(JSON.parse((await ch(["check", "--json"])).stdout)).toMatchObject({
    exists: false,
    valid: false,
    state: "gone",
  });
  expect(await ch(["test"])).toMatchObject({ code: 1 });
  expect(await seeState()).toEqual({ state: "gone", rules: 0 });
  const status = await runCli(["status"], { home });
  expect(status.stdout).toContain("redaction rules are gone: requests are refused");
  expect(status.stderr).toContain("ch filter check --accept-removal");
  const doctor = await runCli(["doctor"], { home });
  expect(doctor.stdout).toContain("ch filter check --accept-removal");

  expect(await ch(["check", "--accept-removal"])).toEqual({
    code: 0,
    stdout: "~/.codex-helper/filter.json: no such file, so nothing is redacted\n",
    stderr: "the removal is accepted: requests are sent unredacted until there is a filter.json again\n",
  });
  expect(await proxy.send()).toStartWith("200");
  expect(await seeState()).toEqual({ state: "none", rules: 0 });
  expect(await ch(["check", "--accept-removal"])).toMatchObject({ code: 0, stderr: "" });
});

test("--accept-removal accepts no file that is there, and no link that leads nowhere", async () => {
  const file = writeRules(RULES);
  const present = await ch(["check", "--accept-removal"]);
  expect(present).toMatchObject({ code: 1, stdout: "" });
  expect(present.stderr).toContain("exists, so there is no removal to accept");
  rmSync(file);
  symlinkSync(join(home.path, "vault", "filter.json"), file);
  const dangling = await ch(["check", "--accept-removal", "--json"]);
  expect(dangling.code).toBe(1);
  expect(JSON.parse(dangling.stdout)).toMatchObject({
    valid: false,
    problem: expect.stringContaining("is a link to a file that does not exist"),
  });
  expect(await ch(["check"])).toMatchObject({ code: 1 });
});

test("a vault that is unmounted, or may not be entered, refuses; the same file again redacts", async () => {
  await using proxy = await startProxy();
  const vault = join(home.path, "vault");
  mkdirSync(vault);
  writeFileSync(join(vault, "filter.json"), SECRET_RULE);
  symlinkSync(join(vault, "filter.json"), home.paths.filter);
  await using serving = proxy.start();
  await serving.waitFor(READY);
  const untilStatus = (status: string): Promise<string> =>
    waitUntil(
      async () => {
        const answer = await proxy.send();
        return answer.startsWith(status) ? answer : null;
      },
      { what: `a ${status}` },
    );
  expect(await proxy.send()).toStartWith("200");
  chmodSync(vault, 0);
  expect(await untilStatus("400")).toContain("permission denied (EACCES): requests are refused");
  chmodSync(vault, 0o700);
  expect(await proxy.send()).toStartWith("200");
  renameSync(vault, `${vault}.gone`);
  expect(await untilStatus("400")).toContain("is a link to a file that does not exist");
  renameSync(`${vault}.gone`, vault);
  expect(await proxy.send()).toStartWith("200");
  expect(proxy.leaked()).toBe(false);
});

test('"filter": false is the one way to turn off a file that is there, and every screen says so', async () => {
  await using proxy = await startProxy();
  writeRules("{");
  const config = JSON.parse(readFileSync(home.paths.config, "utf8")) as object;
  home.write(".codex-helper/config.json", { ...config, filter: false });
  await using serving = proxy.start();
  await serving.waitFor(READY);
  const off = 'redaction is off: "filter": false in config.json';
  expect(serving.stderr()).toContain(off);
  expect(await proxy.send()).toStartWith("200");
  expect(await ch(["check"])).toEqual({ code: 0, stdout: `${off}\n`, stderr: "" });
  expect(await seeState()).toEqual({ state: "off", rules: 0 });
  expect((await runCli(["status"], { home })).stdout).toContain(off);
  expect((await runCli(["doctor", "--json"], { home })).stdout).toContain("redaction is off");
  home.write(".codex-helper/config.json", { ...config, filter: true });
  await waitUntil(async () => ((await proxy.send()).startsWith("400") ? true : null), { what: "a refusal" });
});

test("never configured: nothing is refused, written or asked", async () => {
  await using proxy = await startProxy();
  await using serving = proxy.start();
  await serving.waitFor(READY);
  // What was never set up is not said at each start.
  expect(serving.stderr()).not.toContain("redaction");
  expect((await runCli(["status"], { home })).stdout).toContain("there are no redaction rules");
  expect(await proxy.send()).toStartWith("200");
  expect(existsSync(home.paths.filterRecord)).toBe(false);
  expect(await seeState()).toEqual({ state: "none", rules: 0 });
});

test("add, list and remove work on filter.json and on a project's file, and show no source", async () => {
  writeRules(RULES);
  expect(await ch(["add", "secrets"])).toMatchObject({ code: 0, stdout: "" });
  expect(await ch(["add", "emails", "--restore"])).toMatchObject({ code: 0 });
  const written = JSON.parse(readFileSync(home.paths.filter, "utf8")) as unknown[];
  expect(written.slice(2)).toEqual([{ pack: "secrets" }, { pack: "emails", restore: true }]);
  const list = await ch(["list"]);
  expect(list.stdout).toContain("rule-1");
  expect(list.stdout).toContain("e-mail addresses");
  expect(list.stdout + list.stderr).not.toContain("super-secret-token");
  expect(list.stderr).toContain("ch filter add home-paths");
  expect((await ch(["check"])).stdout).toContain("2 rules, and the packs secrets, emails");
  expect(await seeState()).toEqual({ state: "rules", rules: 2, packs: ["secrets", "emails"] });
  const tried = await ch(["test", "-"], "write to jane@corp-mail.net, your-company.com");
  expect(tried.stdout).toContain("emails/email");
  expect(tried.stdout).not.toContain("jane@corp-mail.net");
  expect(await ch(["remove", "secrets"])).toMatchObject({ code: 0 });
  expect((await ch(["check"])).stdout).toContain("2 rules, and the pack emails\n");
  expect((await ch(["add", "git-remotes"])).stderr).toMatch(/: \d+ patterns?\n/);
  expect(await ch(["remove", "git-remotes"])).toMatchObject({ code: 0 });
  expect(await ch(["remove", "secrets"])).toMatchObject({ code: 1 });
  expect((await ch(["add", "nonsense"])).stderr).toContain('there is no pack "nonsense"');

  home.write(".codex-helper/config.json", { projects: { "~/acme": { filter: "acme.json" } } });
  expect(await ch(["add", "git-remotes", "--project", "~/acme"])).toMatchObject({ code: 0 });
  expect(readFileSync(join(home.paths.home, "acme.json"), "utf8")).toBe(
    '[\n  { "pack": "git-remotes" }\n]\n',
  );
});

test("what packs would take over several lines is shown masked, too", async () => {
  writeRules('[{ "pack": "secrets" }]');
  const body = [
    "MIIEpAIBAAKCAQEA1c7z9z5Pad7OejecsQ0bu3aumR2fXm8P",
    "aB7cD9eF1gH3iJ5kL7mN9oP1qR3sT5uV7wX9yZ1aB3cD5eF7",
  ];
  const key = ["-----BEGIN RSA PRIVATE KEY-----", ...body, "-----END RSA PRIVATE KEY-----"].join("\n");
  for (const text of [`before\n${key}\nafter`, JSON.stringify({ input: `before\n${key}\nafter` })]) {
    const { stdout } = await ch(["test", "-"], text);
    expect(stdout).toContain("[REDACTED_PRIVATE_KEY]");
    for (const line of body) expect(stdout).not.toContain(line.slice(4, -4));
  }
});

const CODEX_ID = "0199a2f4-0000-7000-8000-000000000001";
const CLAUDE_ID = "5a1f3c00-0000-4000-8000-000000000002";
const AT = Date.UTC(2026, 10, 22, 12);
const TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

function writeSessions(): void {
  const shape = {
    cwd: home.path,
    at: AT,
    prompts: ["see git.your-company.com"],
    answer: "two of your-company.com",
  };
  const record = (payload: unknown): string =>
    `${JSON.stringify({ timestamp: new Date(AT).toISOString(), type: "response_item", payload })}\n`;
  const codex = { ...shape, id: CODEX_ID };
  putFile(
    rolloutPath(join(home.path, ".codex"), codex),
    makeRollout(codex) +
      record({ type: "custom_tool_call", name: "apply_patch", input: `+token = "${TOKEN}"` }) +
      record({ type: "reasoning", summary: [], encrypted_content: "your-company.com" }),
    AT,
  );
  const claude = { ...shape, id: CLAUDE_ID };
  const write = {
    type: "tool_use",
    id: "t1",
    name: "Write",
    input: { file_path: "/a", content: `super-secret-token ${TOKEN}` },
  };
  const line = {
    type: "assistant",
    sessionId: CLAUDE_ID,
    timestamp: new Date(AT).toISOString(),
    message: { role: "assistant", content: [write] },
  };
  putFile(
    transcriptPath(join(home.path, ".claude"), claude),
    `${makeTranscript(claude)}${JSON.stringify(line)}\n`,
    AT,
  );
}

test("test --session tries the rules on what a session keeps, and shows what they find masked", async () => {
  writeRules(RULES.replace(/\n\]$/, ',\n  { "pack": "secrets" }\n]'));
  writeSessions();
  const codex = await ch(["test", "--session", "0199a2f4"]);
  expect(codex.code).toBe(0);
  for (const part of [
    /^session 0199a2f4-0000-7000-8000-000000000001 of Codex$/m,
    /^ {2}you {2}/m,
    /^ {2}apply_patch {2}/m,
  ])
    expect(codex.stdout).toMatch(part);
  // Prompt and answer; what is encrypted stays.
  expect(codex.stdout).toMatch(/^ {2}1 +replace +2 +1$/m);
  expect(codex.stdout).toMatch(/^ {2}secrets\/github-token +\w+ +1 +0$/m);
  const claude = await ch(["test", "--session", CLAUDE_ID, "--json"]);
  expect(JSON.parse(claude.stdout)).toMatchObject({
    trials: [
      {
        service: "claude",
        changed: true,
        rules: [
          { rule: 1, hits: 2 },
          { rule: 2, hits: 1 },
          { name: "secrets/github-token", hits: 1 },
        ],
      },
    ],
  });
  const shown = await ch(["test", "--session", CLAUDE_ID]);
  // Of a tool's call all of what it was called with, not only what a list of calls shows.
  expect(shown.stdout).toMatch(/^ {2}Write {2}/m);
  for (const secret of ["your-company.com", "super-secret-token", TOKEN]) {
    expect(codex.stdout).not.toContain(secret);
    expect(shown.stdout).not.toContain(secret);
  }
});

test("test --session reads the oldest rollouts, and says which session there is not", async () => {
  writeRules(RULES);
  const shape = { id: CODEX_ID, cwd: home.path, at: AT, prompts: ["see your-company.com"] };
  putFile(rolloutPath(join(home.path, ".codex"), shape), makeOldestRollout(shape), AT);
  expect((await ch(["test", "--session", CODEX_ID])).stdout).toMatch(/^ {2}1 +replace +1 +0$/m);
  const none = await ch(["test", "--session", "77777777"]);
  expect([none.code, none.stderr.split("\n")[0]]).toEqual([1, "error: no session with the id 77777777"]);
  const both = await ch(["test", "--session", CODEX_ID, "-"]);
  expect([both.code, both.stderr.split("\n")[0]]).toEqual([
    2,
    "error: FILE and --session cannot be used together",
  ]);
});

test("test --session masks what is behind escapes, beside what is not", async () => {
  writeRules('[{ "op": "remove", "source": "super-secret-token" }, { "pack": "secrets" }]');
  const shape = { id: CODEX_ID, cwd: home.path, at: AT, prompts: ["hi"] };
  const nested = JSON.stringify({ cmd: JSON.stringify({ env: `super-\\u0073ecret-token ${TOKEN}` }) });
  const plain = "super-secret-token";
  const call = { type: "function_call", name: "shell", arguments: `${plain} ${nested}` };
  const line = JSON.stringify({
    timestamp: new Date(AT).toISOString(),
    type: "response_item",
    payload: call,
  });
  putFile(rolloutPath(join(home.path, ".codex"), shape), `${makeRollout(shape)}${line}\n`, AT);
  const { stdout } = await ch(["test", "--session", CODEX_ID]);
  const before = stdout.split("\n").filter((one) => one.startsWith("  - "));
  expect(before).toHaveLength(1);
  for (const part of [plain, "0073ecret-token", TOKEN]) expect(before.join()).not.toContain(part);
});
