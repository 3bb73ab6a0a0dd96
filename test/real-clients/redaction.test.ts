import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { GOOD, stream, toolUse } from "../helpers/answers.ts";
import { type ClientHome, makeClientHome } from "../helpers/client-process.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { makeCodexConfig, runCodexExec } from "../helpers/real-codex.ts";

const DOMAIN = "shop.your-company.com";
const SECRET = "super-secret-token-42";
const REMOTE = "git@git.elsewhere.example:team/api.git";
const RULES = [
  { op: "replace", source: DOMAIN, target: "[REDACTED_DOMAIN]" },
  { op: "remove", source: SECRET },
];
const PROMPT = `what does ${DOMAIN} do with ${SECRET}? "quoted" \\ and ${DOMAIN.toUpperCase()}`;

/** A git project whose files hold what must not leave. */
function makeProject(home: ClientHome): string {
  const project = join(home.path, "very-private-project");
  mkdirSync(project);
  writeFileSync(
    join(project, "notes.json"),
    JSON.stringify({ url: `https://${DOMAIN}/a`, key: SECRET, escaped: "\\/" }),
  );
  for (const args of [
    ["init", "-q"],
    ["remote", "add", "origin", REMOTE],
  ]) {
    expect(Bun.spawnSync(["git", ...args], { cwd: project }).exitCode).toBe(0);
  }
  return project;
}

/** All that an upstream was sent, in every reading that a person could make of it. */
function everythingSent(upstream: FakeUpstream): string {
  return upstream.requests
    .flatMap((request) => {
      const bytes =
        request.header("content-encoding") === "zstd" ? zstdDecompressSync(request.body) : request.body;
      const text = Buffer.from(bytes).toString();
      const unescaped = text.replace(/\\u([0-9a-f]{4})/gi, (_all, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      return [
        request.target,
        ...request.fields.map(([name, value]) => `${name}: ${value}`),
        text,
        unescaped,
        unescaped.replaceAll("\\", ""),
      ];
    })
    .join("\n");
}

/** Where a word stands, with a little of what is around it: the whole text would drown the answer. */
const around = (text: string, word: string): string[] =>
  [...text.matchAll(new RegExp(RegExp.escape(word), "g"))].map(({ index }) =>
    text.slice(Math.max(0, index - 60), index + 80),
  );

/** A turn of the Messages API that calls one tool. */

describe("what a rule names never reaches an upstream", () => {
  test("from Codex: prompt, file content, tool output, and the project in the metadata", async () => {
    using home = makeClientHome();
    const project = makeProject(home);
    await using upstream = await startFakeUpstream((_request, n) =>
      n === 1 ? GOOD.responses({ shellCommand: ["cat", "notes.json"] }) : GOOD.responses({ text: "done" }),
    );
    await using proxy = await startConfiguredProxy({ codex: [upstream], filter: RULES });
    const run = await runCodexExec({
      home,
      configToml: makeCodexConfig(proxy.codexUrl),
      args: ["exec", "--skip-git-repo-check", "-m", "gpt-5", "-C", project],
      prompt: PROMPT,
    });
    expect(run).toMatchObject({ code: 0, stdout: "done\n" });
    expect(upstream.requests.length).toBe(2);
    const sent = everythingSent(upstream);
    expect(around(sent, "[REDACTED_DOMAIN]/a")).not.toEqual([]);
    expect(around(sent, DOMAIN)).toEqual([]);
    expect(around(sent, SECRET)).toEqual([]);
    for (const request of upstream.requests) {
      const metadata = request.header("x-codex-turn-metadata") ?? "";
      expect(metadata).toContain('"workspaces":{}');
      expect(metadata).not.toContain("very-private-project");
    }
    expect(around(sent, REMOTE)).toEqual([]);
    expect((await proxy.logged(1))[0]?.redactions).toBeGreaterThan(0);
  });

  test("from Claude Code: prompt, project instructions, and the output of a tool", async () => {
    using home = makeClientHome();
    const project = makeProject(home);
    writeFileSync(join(project, "CLAUDE.md"), `Deploy to ${DOMAIN} with ${SECRET}.`);
    await using upstream = await startFakeUpstream((_request, n) =>
      n === 1 ? stream(toolUse("Bash", { command: "cat notes.json" })) : GOOD.messages({ text: "done" }),
    );
    await using proxy = await startConfiguredProxy({ claude: [upstream], filter: RULES });
    const run = await runClaudePrint({
      home,
      baseUrl: proxy.claudeUrl,
      prompt: PROMPT,
      cwd: project,
      args: ["-p", "--allowedTools=Bash(cat:*)"],
    });
    expect(run).toMatchObject({ code: 0, stdout: "done\n" });
    const sent = everythingSent(upstream);
    expect(around(sent, "[REDACTED_DOMAIN]/a")).not.toEqual([]);
    expect(around(sent, "Deploy to [REDACTED_DOMAIN] with")).not.toEqual([]);
    expect(around(sent, DOMAIN)).toEqual([]);
    expect(around(sent, SECRET)).toEqual([]);
  });
});

describe("what a rule restores is in the user's files, and never at an upstream", () => {
  const FILTER = [{ op: "replace", source: DOMAIN, restore: true }];
  const placeholderIn = (text: string): string => /chx-[0-9a-f]{8}\.example/.exec(text)?.[0] ?? "none";

  test("Codex moves a redacted host from one file to another", async () => {
    using home = makeClientHome();
    const project = makeProject(home);
    await using upstream = await startFakeUpstream((request, n) => {
      if (n === 1) return GOOD.responses({ shellCommand: ["cat", "notes.json"] });
      const body =
        request.header("content-encoding") === "zstd" ? zstdDecompressSync(request.body) : request.body;
      const host = placeholderIn(Buffer.from(body).toString());
      return n === 2
        ? GOOD.responses({ shellCommand: [`printf '{"moved":"https://${host}/a"}' > moved.json`] })
        : GOOD.responses({ text: `moved ${host}` });
    });
    await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
    const run = await runCodexExec({
      home,
      configToml: makeCodexConfig(proxy.codexUrl),
      args: [
        "exec",
        "--skip-git-repo-check",
        "--dangerously-bypass-approvals-and-sandbox",
        "-m",
        "gpt-5",
        "-C",
        project,
      ],
      prompt: `move ${DOMAIN}`,
    });
    expect(run).toMatchObject({ code: 0, stdout: `moved ${DOMAIN}\n` });
    expect(readFileSync(join(project, "moved.json"), "utf8")).toBe(`{"moved":"https://${DOMAIN}/a"}`);
    expect(around(everythingSent(upstream), DOMAIN)).toEqual([]);
  });

  test("Claude Code writes a redacted host into a file", async () => {
    using home = makeClientHome();
    const project = makeProject(home);
    const target = join(project, "moved.json");
    await using upstream = await startFakeUpstream((request, n) => {
      const host = placeholderIn(request.text());
      if (n === 1) return stream(toolUse("Bash", { command: "cat notes.json" }));
      return n === 2
        ? stream(toolUse("Write", { file_path: target, content: `{"moved":"https://${host}/a"}` }))
        : GOOD.messages({ text: `moved ${host}` });
    });
    await using proxy = await startConfiguredProxy({ claude: [upstream], filter: FILTER });
    const run = await runClaudePrint({
      home,
      baseUrl: proxy.claudeUrl,
      prompt: `move ${DOMAIN}`,
      cwd: project,
      args: ["-p", "--allowedTools=Bash(cat:*),Write"],
    });
    expect(run).toMatchObject({ code: 0, stdout: `moved ${DOMAIN}\n` });
    expect(readFileSync(target, "utf8")).toBe(`{"moved":"https://${DOMAIN}/a"}`);
    expect(around(everythingSent(upstream), DOMAIN)).toEqual([]);
  });
});
