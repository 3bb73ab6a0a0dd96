// `ch demo`: shows a failover as it happens, and offers a real Codex turn through the same set-up.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Demo, type DemoTurn, startDemo } from "../../app/demo/demo.ts";
import { DEMO_FAULTS, type DemoFault, type DemoRelay } from "../../app/demo/demo-relays.ts";
import { type Text, t as text } from "../../base/text.ts";
import { t } from "../language.ts";
import { describeError } from "../logged-error.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { alignRows } from "../layout.ts";

const TURNS = 5;

const STORY: Readonly<Record<DemoFault, Text>> = {
  quota: text`runs out of quota`,
  429: text`rate limits`,
  500: text`fails with status 500`,
  reset: text`drops the connection`,
  hang: text`stops answering`,
  html: text`answers with a web page`,
  "in-stream": text`hides an error inside a 200`,
  slow: text`becomes slow, and the proxy waits`,
};

export const command = defineCommand({
  description: "two simulated relays, the real proxy, and one failure",
  args: {
    fault: {
      type: "enum",
      options: [...DEMO_FAULTS],
      default: "quota",
      valueHint: "FAULT",
      description: "how the first relay fails",
    },
  },
  examples: [
    ["ch demo", "the first relay runs out of quota"],
    ["ch demo --fault in-stream", "the error is inside a 200"],
  ],
  async run(args, cli) {
    const code = await runDemo(cli, args.fault);
    cli.out.note(`\n${t`Next, your own relays: ch init`}`);
    return code;
  },
});

export async function runDemo(cli: Cli, fault: DemoFault): Promise<number> {
  const { out } = cli;
  const say = (...lines: readonly string[]): void => {
    for (const line of lines) out.line(line);
  };
  await using demo = startDemo(fault);
  const { primary, backup } = demo.relays;
  say(
    t`Two simulated relays on this machine: ${primary.name} first, ${backup.name} as backup.`,
    t`On the third turn ${primary.name} ${STORY[fault]}.`,
    "",
  );
  const turns: DemoTurn[] = [];
  for (let number = 1; number <= TURNS; number += 1) {
    const turn = await demo.turn();
    turns.push(turn);
    say(...describeTurn(out, turn));
  }
  const answered = turns.filter((turn) => turn.answeredBy !== null).length;
  say("", ...describeSum([primary, backup], answered));
  await offerRealTurn(cli, demo);
  return answered === TURNS ? 0 : 1;
}

/** The turn on one line, and under it who was asked before and what came of it. */
function describeTurn(out: Cli["out"], turn: DemoTurn): string[] {
  const number = t`turn ${turn.number}`;
  const by = turn.answeredBy;
  const mark = by === null ? out.paint("red", t`failed`) : out.paint("green", t`answered by ${by}`);
  const rows = alignRows([[`  ${number}`, mark, `${String(turn.durationMs).padStart(5)} ms`]], undefined);
  const indent = " ".repeat(Bun.stringWidth(number) + 4);
  return [
    ...rows,
    ...turn.before.map(({ attempt, relay }) =>
      out.paint("dim", indent + t`${relay}: ${describeError(attempt)}`),
    ),
  ];
}

function describeSum(relays: readonly DemoRelay[], answered: number): string[] {
  const errors = TURNS - answered;
  const client = t`${TURNS} turns, ${answered} answered, ${errors} errors`;
  const rows = relays.map((relay) => [`  ${relay.name}`, t`${relay.seen()} attempts`]);
  return alignRows([[t`  client`, client], ...rows], undefined);
}

/** One turn of the real client, in a home that is thrown away. Asked for first: it starts a program of the user's. */
async function offerRealTurn(cli: Cli, demo: Demo): Promise<void> {
  const codex = Bun.which("codex", { PATH: cli.env["PATH"] ?? "" });
  if (codex === null || !cli.isInteractive) return;
  if (!(await cli.out.confirm(t`\nCodex is installed. Run one real turn of it through this proxy?`))) return;
  const home = mkdtempSync(join(tmpdir(), "codex-helper-demo-"));
  try {
    const provider = `{name="demo",base_url="${demo.proxyUrl}",wire_api="responses"}`;
    const child = Bun.spawn(
      [
        codex,
        "exec",
        "--skip-git-repo-check",
        "-c",
        'model_provider="demo"',
        "-c",
        `model_providers.demo=${provider}`,
        "say hello",
      ],
      {
        cwd: home,
        env: { ...cli.env, CODEX_HOME: home, NO_PROXY: "127.0.0.1" },
        stdin: "ignore",
        stdout: "inherit",
        stderr: "ignore",
      },
    );
    await child.exited;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
