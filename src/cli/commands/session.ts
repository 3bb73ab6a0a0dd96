// `ch session`: finds, reads, searches and exports stored sessions, and says how to resume them. Changes no session.

import { defineCommand } from "../cli.ts";
import { exportCommand } from "./session/export.ts";
import { lastCommand } from "./session/last.ts";
import { listCommand } from "./session/list.ts";
import { searchCommand } from "./session/search.ts";
import { showCommand } from "./session/show.ts";

export const command = defineCommand({
  description: "find, read and resume sessions",
  examples: [
    ["ch session last", "the last session of this project, and how to resume it"],
    ["ch session search 'rate limit' --all", "find where something was said"],
  ],
  default: "list",
  subCommands: {
    list: listCommand,
    last: lastCommand,
    search: searchCommand,
    show: showCommand,
    export: exportCommand,
  },
});
