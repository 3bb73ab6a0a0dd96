// The one table of commands, those of every day first. A command's file is imported when it is asked for, and not before.
import type { CommandEntry } from "./cli.ts";

export const COMMANDS = {
  serve: {
    summary: "run the proxy in the foreground (same as plain ch)",
    isDaily: true,
    load: () => import("./commands/serve.ts"),
  },
  status: {
    summary: "what is running, where requests go, and the state of each upstream",
    isDaily: true,
    load: () => import("./commands/status.ts"),
  },
  quota: {
    summary: "what is left on each upstream, and how long it lasts",
    isDaily: true,
    load: () => import("./commands/quota.ts"),
  },
  usage: {
    summary: "tokens, costs and outcomes of requests",
    isDaily: true,
    load: () => import("./commands/usage.ts"),
  },
  session: {
    summary: "find, read and resume sessions",
    isDaily: true,
    load: () => import("./commands/session.ts"),
  },
  config: {
    summary: "show and change your upstreams",
    isDaily: true,
    load: () => import("./commands/config.ts"),
  },
  run: {
    summary: "start a client with a proxy of its own",
    isDaily: true,
    load: () => import("./commands/run.ts"),
  },
  doctor: {
    summary: "find problems and show how to fix them",
    isDaily: true,
    load: () => import("./commands/doctor.ts"),
  },
  switch: {
    summary: "point a client at the proxy, or restore it",
    load: () => import("./commands/switch.ts"),
  },
  top: {
    summary: "upstreams, running requests and events, live",
    load: () => import("./commands/top.ts"),
  },
  demo: {
    summary: "watch a failover, no key needed",
    load: () => import("./commands/demo.ts"),
  },
  init: {
    summary: "set a client up by questions: what is there, or your relays",
    load: () => import("./commands/init.ts"),
  },
  statusline: {
    summary: "one line for Claude Code's status line or your prompt",
    load: () => import("./commands/statusline.ts"),
  },
  project: {
    summary: "rules by directory: which relays a project may use",
    load: () => import("./commands/project.ts"),
  },
  budget: {
    summary: "your own limits: how full, lift, set and remove them",
    load: () => import("./commands/budget.ts"),
  },
  routing: {
    summary: "show the order of upstreams, reset their state, end waits",
    load: () => import("./commands/routing.ts"),
  },
  bench: {
    summary: "compare upstreams with a few real requests: speed, cache, model",
    load: () => import("./commands/bench.ts"),
  },
  pool: {
    summary: "machines that share what they learn: who, whether it works",
    load: () => import("./commands/pool.ts"),
  },
  audit: {
    summary: "what your own traffic says of each relay, with evidence",
    load: () => import("./commands/audit.ts"),
  },
  hooks: {
    summary: "who is told of events: your own commands, notifications",
    load: () => import("./commands/hooks.ts"),
  },
  mcp: {
    summary: "answer an agent's questions about quota, route and spend, by MCP",
    load: () => import("./commands/mcp.ts"),
  },
  upgrade: {
    summary: "how this installation is upgraded, and what is newest",
    load: () => import("./commands/upgrade.ts"),
  },
  default: {
    summary: "show or set the default service",
    load: () => import("./commands/default.ts"),
  },
  filter: {
    summary: "check and try the redaction rules",
    load: () => import("./commands/filter.ts"),
  },
  completion: {
    summary: "shell completion of commands, flags and names",
    load: () => import("./commands/completion.ts"),
  },
} as const satisfies Readonly<Record<string, CommandEntry>>;
