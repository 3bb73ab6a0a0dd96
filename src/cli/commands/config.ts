// `ch config`: the named lists of upstreams in config.json.
import { defineCommand } from "../cli.ts";
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
import { setCommand } from "./config/set.ts";
import { syncCommand } from "./config/sync.ts";
import { testCommand } from "./config/test.ts";

export const command = defineCommand({
  description: "show and change your upstreams",
  examples: [
    ["ch config add main --base-url https://a.example/v1 --auth-token-env A_KEY", "add an upstream"],
    ["ch config list", "list the configs"],
  ],
  default: "list",
  subCommands: {
    list: listCommand,
    show: showCommand,
    add: addCommand,
    set: setCommand,
    test: testCommand,
    remove: removeCommand,
    rename: renameCommand,
    "set-active": setActiveCommand,
    move: moveCommand,
    enable: enableCommand,
    disable: disableCommand,
    import: importCommand,
    export: exportCommand,
    sync: syncCommand,
    edit: editCommand,
    path: pathCommand,
  },
});
