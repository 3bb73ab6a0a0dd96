// All Chinese texts. One file an area in zh/; a test finds every text that has no translation.
// Pure.
import type { Dictionary } from "../base/language.ts";
import { COMMANDS_ZH } from "./zh/commands.ts";
import { HELP_ZH } from "./zh/help.ts";

export const ZH: Dictionary = { ...COMMANDS_ZH, ...HELP_ZH };
