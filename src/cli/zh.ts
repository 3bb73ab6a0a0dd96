// All Chinese texts. One file an area in zh/; a test finds every text that has no translation.
// Pure.
import type { Dictionary } from "./language.ts";
import { CLIENTS_ZH } from "./zh/clients.ts";
import { COMMANDS_ZH } from "./zh/commands.ts";
import { COMPLETION_ZH } from "./zh/completion.ts";
import { CONFIG_ZH } from "./zh/config.ts";
import { DOCTOR_ZH } from "./zh/doctor.ts";
import { FILES_ZH } from "./zh/files.ts";
import { FILTER_ZH } from "./zh/filter.ts";
import { HELP_ZH } from "./zh/help.ts";
import { IMPORT_ZH } from "./zh/import.ts";
import { QUOTA_ZH } from "./zh/quota.ts";
import { PROXY_ZH } from "./zh/proxy.ts";
import { ROUTING_ZH } from "./zh/routing.ts";
import { SESSION_ZH } from "./zh/session.ts";
import { SHARED_ZH } from "./zh/shared.ts";
import { STATUS_ZH } from "./zh/status.ts";
import { USAGE_ERRORS_ZH } from "./zh/usage-errors.ts";
import { USAGE_ZH } from "./zh/usage.ts";

export const ZH: Dictionary = {
  ...CLIENTS_ZH,
  ...COMMANDS_ZH,
  ...COMPLETION_ZH,
  ...CONFIG_ZH,
  ...DOCTOR_ZH,
  ...FILES_ZH,
  ...FILTER_ZH,
  ...HELP_ZH,
  ...IMPORT_ZH,
  ...QUOTA_ZH,
  ...PROXY_ZH,
  ...ROUTING_ZH,
  ...SESSION_ZH,
  ...SHARED_ZH,
  ...STATUS_ZH,
  ...USAGE_ERRORS_ZH,
  ...USAGE_ZH,
};
