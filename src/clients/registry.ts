// The clients that there are, one line each. Costs nothing to load: what a client takes long for, it loads when it is asked.
import type { Service } from "../base/service.ts";
import { claude } from "./claude/client.ts";
import type { Client } from "./client.ts";
import { codex } from "./codex/client.ts";

export const CLIENTS: Readonly<Record<Service, Client>> = {
  codex,
  claude,
};
