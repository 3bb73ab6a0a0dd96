import { describe, expect, test } from "bun:test";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { loadCommandPlaces } from "../helpers/command-table.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

/** What a new user types, the exit code, and what the answer tells them to type. */
const LINES: readonly (readonly [line: string, code: 1 | 2, answer: string])[] = [
  // Words of other programs, and typing errors.
  ["start", 2, "ch serve"],
  ["up", 2, "ch serve"],
  ["stop", 2, "ch switch off"],
  ["stat", 2, "ch status"],
  ["statsu", 2, "ch status"],
  ["STATUS", 2, "ch status"],
  ["version", 2, "ch --version"],
  ["--verison", 2, "did you mean --version?"],
  ["-V", 2, "did you mean --version?"],
  ["--halp", 2, "did you mean --help or"],
  ["help nonsense", 2, "ch --help"],
  ["frobnicate", 2, "ch --help"],
  ["login", 2, "ch config add main --base-url URL --auth-token-stdin"],
  ["add main", 2, "ch config add main --base-url URL"],
  ["list", 2, "ch config list"],
  ["use main", 2, "ch config set-active NAME"],
  ["logs", 2, "ch usage tail"],
  ["balance", 2, "ch quota"],
  ["resume", 2, "ch session last"],
  ["codex", 2, "ch run -- codex"],
  // Groups without a command of theirs.
  ["config lst", 2, "ch config list"],
  ["config use main", 2, "ch config set-active NAME"],
  ["config delete main", 2, "ch config remove NAME"],
  ["config frobnicate", 2, "ch config --help"],
  ["usage today", 2, "ch usage summary --since today"],
  ["switch toggle", 2, "ch switch status"],
  ["switch of", 2, "ch switch off"],
  // Something is left out.
  ["config add", 2, "for example: ch config add main --base-url https://a.example/v1"],
  ["config add main", 2, "ch config add"],
  ["config add main --base-url", 2, "for example: ch config add main --base-url https://"],
  ["config remove", 2, "for example: ch config remove"],
  ["config rename main", 2, "for example: ch config rename"],
  ["config set-active", 2, "ch config set-active main"],
  ["config move main#2", 2, "ch config move main#2 --to 1"],
  ["config disable", 2, "for example: ch config disable"],
  ["config disable main#2 --until", 2, "for example: ch config disable main#2 --until tomorrow"],
  ["demo --fault", 2, "for example: ch demo --fault"],
  ["serve --port", 2, "ch serve --help"],
  ["run", 2, "ch run -- codex"],
  ["routing reset", 2, "ch routing reset --all"],
  ["routing reset --claude", 2, "ch routing reset --all --claude"],
  ["usage summary --since", 2, "for example: ch usage summary --by model --since today"],
  // The right word in the wrong place.
  ["config add main https://a.example/v1", 2, "ch config add main --base-url https://a.example/v1"],
  ["config move main#2 1", 2, "ch config move main#2 --to 1"],
  ["serve 4000", 2, "ch serve --port 4000"],
  ["serve codex", 2, "ch serve --codex"],
  ["switch on codex", 2, "ch switch on --codex"],
  ["status codex", 2, "ch status --codex"],
  ["status json", 2, "ch status --json"],
  ["demo 429", 2, "ch demo --fault 429"],
  ["usage tail 5", 2, "ch usage tail --limit 5"],
  ["usage summary 7d", 2, "ch usage summary --since 7d"],
  ["routing explain gpt-5", 2, "ch routing explain --model gpt-5"],
  ["run claude -p hi", 2, "ch run -- claude -p hi"],
  ["doctor fix", 2, "ch doctor --fix"],
  ["doctor main#1", 2, "ch doctor --probe main#1"],
  ["doctor --yes", 2, "ch doctor --probe"],
  // Flags that are another program's, twice, or of no use together.
  ["config add x --url https://a.example/v1", 2, "did you mean --base-url?"],
  ["config add x --base_url https://a.example/v1", 2, "did you mean --base-url?"],
  [
    "config add x --base-url https://a.example/v1 --key abc",
    2,
    "did you mean --auth-token-env or --api-key-env?",
  ],
  ["serve -p 4000", 2, "did you mean --port?"],
  ["serve --background", 2, "ch serve --help"],
  ["serve --port=4000 --port=5000", 2, "--port is given twice"],
  ["serve --codex --claude", 2, "ch serve --all"],
  ["default --codex --claude", 2, "remove one of them"],
  ["doctor --repair", 2, "did you mean --fix?"],
  ["doctor --fix=yes", 2, "--fix takes no value"],
  ["usage tail -n 5", 2, "did you mean --limit?"],
  ["routing reset main --all", 2, "ch routing reset main"],
  // Values that cannot be.
  ["serve --port abc", 2, "for example: --port 4000"],
  ["serve --port 99999", 2, "for example: --port 4000"],
  ["config move main#2 --to first", 2, "for example: --to 1"],
  ["config add main --base-url a.example/v1", 2, "must begin with https://"],
  ["config disable main#2 --until never", 2, "tomorrow, 18:00"],
  ["usage summary --by fortnight", 2, "--by takes config, upstream"],
  ["usage summary --since lastweek", 2, "--since today"],
  ["demo --fault fire", 2, "--fault takes quota"],
  ["run -- vim", 2, "ch run --codex -- NAME"],
  // Names that do not exist.
  ["config show mian", 1, 'did you mean "main"?'],
  ["config show main#9", 1, "ch config show main"],
  ["config show main#0", 2, "NAME#2 its second upstream"],
  ["config set-active nope", 1, "ch config list"],
  ["config set-active main#2", 2, '"main#2" is an upstream, but a config is needed here: main'],
  ["config move main --to 1", 2, '"main" is a config, but one of its upstreams is needed here: main#1'],
  ["config add main --base-url https://c.example/v1", 1, "--append adds a backup upstream"],
  ["routing reset nope", 1, "ch config list"],
  ["routing reset main#9", 1, "ch config show main"],
];

function makeHome(): TempHome {
  const home = makeTempHome({ K: "x", PATH: "/nowhere" });
  const upstream = (name: string) => ({
    base_url: `https://${name}.example/v1`,
    auth: { auth_token_env: "K" },
  });
  home.write(".codex-helper/config.json", {
    codex: { active: "main", configs: { main: { upstreams: [upstream("a"), upstream("b")] } } },
  });
  return home;
}

describe("a new user's mistake is answered with what to type", () => {
  test.each([...LINES])("ch %s", async (line, code, answer) => {
    using home = makeHome();
    const result = await runInProcess(line.split(" "), home.env);
    expect(result).toEqual({ code, stdout: "", stderr: expect.stringContaining(answer) });
    expect(result.stderr).toMatch(/^error: /);
    // In a Chinese terminal too, and the line to type stays what it is.
    const chinese = await runInProcess(line.split(" "), { ...home.env, LANG: "zh_CN.UTF-8" });
    expect({ code: chinese.code, text: chinese.stderr }).toEqual({
      code,
      text: expect.stringMatching(/\p{Script=Han}/u),
    });
  });
});

test("every line that a mistake is answered with leads to a command", async () => {
  const lines = new Set((await loadCommandPlaces()).map((place) => place.line));
  for (const [typed, , answer] of LINES) {
    const [first] = /\bch [a-z-]+(?: [a-z-]+)?/.exec(answer) ?? [];
    if (first === undefined || first === "ch --version" || first === "ch --help") continue;
    const words = first.split(" ");
    const isKnown = lines.has(first) || lines.has(words.slice(0, 2).join(" "));
    expect({ typed, first, isKnown }).toEqual({ typed, first, isKnown: true });
  }
});
