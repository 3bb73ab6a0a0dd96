// The one table of commands. A command's file is imported when it is asked for, and not before.
import type { CommandEntry } from "./cli.ts";

export const COMMANDS = {
  serve: {
    summary: "run the proxy in front of you (bare ch does it too)",
    load: () => import("./commands/serve.ts"),
  },
  switch: {
    summary: "point a client at the proxy, and put it back",
    load: () => import("./commands/switch.ts"),
  },
  run: { summary: "start a client behind a proxy of its own", load: () => import("./commands/run.ts") },
  doctor: { summary: "what is odd, and what to type", load: () => import("./commands/doctor.ts") },
  demo: { summary: "see a failover happen, without a key", load: () => import("./commands/demo.ts") },
  status: {
    summary: "what runs, where requests go, how each upstream is",
    load: () => import("./commands/status.ts"),
  },
  quota: {
    summary: "what is left on each upstream, and for how long",
    load: () => import("./commands/quota.ts"),
  },
  routing: {
    summary: "the order of the next request, and a fresh start",
    load: () => import("./commands/routing.ts"),
  },
  config: { summary: "see and change your upstreams", load: () => import("./commands/config.ts") },
  default: {
    summary: "Codex or Claude Code, where no flag says",
    load: () => import("./commands/default.ts"),
  },
  session: {
    summary: "find a session, read it, go on with it",
    load: () => import("./commands/session.ts"),
  },
  usage: { summary: "what requests cost, and how they went", load: () => import("./commands/usage.ts") },
  filter: { summary: "check and try the redaction rules", load: () => import("./commands/filter.ts") },
  completion: {
    summary: "commands, flags and names completed by your shell",
    load: () => import("./commands/completion.ts"),
  },
} as const satisfies Readonly<Record<string, CommandEntry>>;
