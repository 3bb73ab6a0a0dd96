// `ch default`: which service commands mean without --codex or --claude.
import { t } from "../language.ts";
import {
  CLIENT_NAME,
  DEFAULT_SERVICE,
  SERVICES,
  SERVICE_FACTS,
  type Service,
  isService,
} from "../../base/service.ts";
import { planSetDefaultService } from "../../config/edit.ts";
import { loadConfig, updateConfig } from "../../config/file.ts";
import { JSON_ARG, SERVICE_ARGS, readService, usageError } from "../args.ts";
import { defineCommand } from "../cli.ts";

export const command = defineCommand({
  description: "show or set the service that commands use without a flag",
  examples: [
    ["ch default", "show it"],
    ["ch default --claude", "use Claude Code from now on"],
  ],
  args: {
    service: {
      type: "positional",
      required: false,
      description: `${SERVICES.join(" or ")}, like the flags`,
    },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const wanted = readWanted(args.service, readService(args));
    if (wanted !== undefined) await updateConfig(cli.paths, planSetDefaultService(wanted), cli.now);
    const { defaultService } = await loadConfig(cli.paths.config);
    const service = defaultService ?? DEFAULT_SERVICE;
    if (args.json === true)
      return cli.out.json({ default_service: service, is_set: defaultService !== null });
    if (wanted === undefined) return cli.out.line(service);
    const flags = SERVICES.map((one) => SERVICE_FACTS[one].flag).join(t` or `);
    cli.out.note(t`commands without ${flags} now use ${CLIENT_NAME[service]}`);
  },
});

function readWanted(word: string | undefined, flag: Service | undefined): Service | undefined {
  if (word === undefined) return flag;
  if (!isService(word) || (flag !== undefined && flag !== word)) {
    const known = SERVICES.join(t` or `);
    throw usageError(
      t`the service must be ${known}, not "${word}"`,
      `ch default ${SERVICE_FACTS[DEFAULT_SERVICE].flag}`,
    );
  }
  return word;
}
