// `ch session`: finds, reads, searches and exports stored sessions, and says how to resume them. Changes no session.
import type { Cli, Command } from "../cli.ts";
import { defineCommand } from "../cli.ts";
import { exportCommand } from "./session/export.ts";
import { lastCommand } from "./session/last.ts";
import { listCommand } from "./session/list.ts";
import { searchCommand } from "./session/search.ts";
import { showCommand } from "./session/show.ts";

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "session", description: "find, read and resume sessions" },
    examples: [
      ["ch session last", "the last session of this project, and how to resume it"],
      ["ch session search 'rate limit' --all", "find where something was said"],
    ],
    subCommands: {
      list: listCommand(cli),
      last: lastCommand(cli),
      search: searchCommand(cli),
      show: showCommand(cli),
      export: exportCommand(cli),
    },
  });
}
