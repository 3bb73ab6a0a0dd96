// `ch demo`: shows a failover as it happens, and offers a real Codex turn through the same set-up.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Demo, type DemoTurn, startDemo } from "../../app/demo.ts";
import { DEMO_FAULTS, type DemoFault } from "../../app/demo-relays.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";

const TURNS = 5;

const STORY: Readonly<Record<DemoFault, string>> = {
  quota: "runs out of quota",
  429: "limits the rate",
  500: "breaks with status 500",
  reset: "drops the connection",
  hang: "stops answering",
  html: "answers with a web page",
  "in-stream": "hides an error inside a 200",
  slow: "becomes slow, and is waited for",
};

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "demo", description: "two pretend relays, the real proxy, and a failure on the way" },
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
      ["ch demo --fault in-stream", "the error hides inside a 200"],
    ],
    run: ({ args }) => runDemo(cli, args.fault),
  });
}

async function runDemo(cli: Cli, fault: DemoFault): Promise<number> {
  const { out } = cli;
  await using demo = startDemo(fault);
  const { primary, backup } = demo.relays;
  out.line(`Two pretend relays on this machine: ${primary.name} first, ${backup.name} as backup.`);
  out.line(`On the third turn ${primary.name} ${STORY[fault]}.`);
  out.line();
  const turns: DemoTurn[] = [];
  for (let number = 1; number <= TURNS; number += 1) {
    const turn = await demo.turn();
    turns.push(turn);
    out.line(`  ${describeTurn(out, turn)}`);
    for (const { relay, error } of turn.before) out.line(out.paint("dim", `           ${relay}: ${error}`));
  }
  const answered = turns.filter((turn) => turn.answeredBy !== null).length;
  out.line();
  out.line(`  client         ${TURNS} turns asked, ${answered} answered, ${TURNS - answered} errors seen`);
  for (const relay of [primary, backup]) out.line(`  ${relay.name.padEnd(13)}  ${relay.seen()} requests`);
  await offerRealTurn(cli, demo);
  out.note("");
  out.note("Next: ch config add main --base-url URL --auth-token-env NAME");
  return answered === TURNS ? 0 : 1;
}

function describeTurn(out: Cli["out"], turn: DemoTurn): string {
  const who = (turn.answeredBy ?? "nobody").padEnd(9);
  const mark = turn.answeredBy === null ? out.paint("red", "failed  ") : out.paint("green", "answered");
  return `turn ${turn.number}   ${mark} by ${who} ${String(turn.durationMs).padStart(5)} ms`;
}

/** One turn of the real client, in a home that is thrown away. Asked for first: it starts a program of the user's. */
async function offerRealTurn(cli: Cli, demo: Demo): Promise<void> {
  const codex = Bun.which("codex", { PATH: cli.env["PATH"] ?? "" });
  if (codex === null || !cli.isInteractive) return;
  if (!(await cli.out.confirm("\nCodex is installed. Run one real turn of it through this proxy?"))) return;
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
