// `ch mcp`: the questions that an agent may ask, as a server of the Model Context Protocol on standard input and output. Nothing but
// the protocol is printed there.
import { createMcpServer } from "../../app/mcp/protocol.ts";
import { makeTools } from "../../app/mcp/tools.ts";
import { EXIT } from "../../base/errors.ts";
import { escapeHarmful } from "../../base/terminal-text.ts";
import { SERVICE_ARGS, readService } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { readCurrentDirectory } from "../current-directory.ts";
import { t } from "../language.ts";

/** Far more than a question takes. */
const MOST_LINE_BYTES = 2 ** 20;

export const command = defineCommand({
  description: "answer an agent's questions about quota, route and spend, by MCP",
  examples: [
    ["claude mcp add codex-helper -- ch mcp", "give its tools to Claude Code"],
    ["codex mcp add codex-helper -- ch mcp", "give its tools to Codex"],
  ],
  args: { ...SERVICE_ARGS },
  async run(args, cli) {
    const service = readService(args) ?? null;
    if (cli.isInteractive) cli.out.note(t`An MCP client starts this: claude mcp add codex-helper -- ch mcp`);
    const { env, now, paths } = cli;
    const tools = makeTools({ env, now, paths, service, cwd: readCurrentDirectory(env) });
    await serveLines(cli, createMcpServer(tools));
    return EXIT.ok;
  },
});

/** One message after the other, until the input ends. */
async function serveLines({ out }: Cli, server: ReturnType<typeof createMcpServer>): Promise<void> {
  const say = (answer: string | null): void => {
    if (answer !== null) out.line(escapeHarmful(answer));
  };
  for await (const line of readLines(Bun.stdin.stream())) {
    if (line === null) say(server.refuseLong());
    else if (line.trim() !== "") say(await server.answer(line));
  }
}

/** Null for a line that is too long; it is not kept. */
async function* readLines(input: AsyncIterable<Uint8Array>): AsyncGenerator<string | null> {
  const decoder = new TextDecoder();
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const take = (): string | null => {
    const line = bytes > MOST_LINE_BYTES ? null : decoder.decode(Buffer.concat(parts));
    parts = [];
    bytes = 0;
    return line;
  };
  const add = (part: Uint8Array): void => {
    bytes += part.byteLength;
    if (bytes > MOST_LINE_BYTES) parts = [];
    else parts.push(part);
  };
  for await (const chunk of input) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      from = at + 1;
      yield take();
    }
    add(chunk.slice(from));
  }
  if (bytes > 0) yield take();
}

const NEWLINE = 10;
