// `ch config`: the named lists of upstreams in config.json.
import { type Cli, type Command, defineCommand } from "../cli.ts";
import { addCommand } from "./config/add.ts";
import {
  disableCommand,
  enableCommand,
  moveCommand,
  removeCommand,
  renameCommand,
  setActiveCommand,
} from "./config/change.ts";
import { editCommand, pathCommand } from "./config/edit.ts";
import { exportCommand } from "./config/export.ts";
import { importCommand } from "./config/import.ts";
import { listCommand, showCommand } from "./config/list.ts";

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "config", description: "show and change your upstreams" },
    examples: [
      ["ch config add main --base-url https://a.example/v1 --auth-token-env A_KEY", "add an upstream"],
      ["ch config list", "list the configs"],
    ],
    subCommands: {
      list: listCommand(cli),
      show: showCommand(cli),
      add: addCommand(cli),
      remove: removeCommand(cli),
      rename: renameCommand(cli),
      "set-active": setActiveCommand(cli),
      move: moveCommand(cli),
      enable: enableCommand(cli),
      disable: disableCommand(cli),
      import: importCommand(cli),
      export: exportCommand(cli),
      edit: editCommand(cli),
      path: pathCommand(cli),
    },
  });
}
