// `ch status`: which proxies run, where requests go, how each upstream stands, what today was like.
import { readCurrentDirectory } from "../current-directory.ts";
import { createLiveConfig } from "../../app/live-config.ts";
import { askProxies, surveyStatus } from "../../app/status/survey.ts";
import { makeSwitchReport } from "../../app/status/switch-report.ts";
import { SERVICES } from "../../base/service.ts";
import { VERSION } from "../../base/version.ts";
import { JSON_ARG, SERVICE_ARGS, readService } from "../args.ts";
import { defineCommand } from "../cli.ts";
import { makeSwitchJson } from "../switch-words.ts";
import { printStatus } from "./status/screen.ts";

export const command = defineCommand({
  description: "what is running, where requests go, and the state of each upstream",
  examples: [
    ["ch status", "both services"],
    ["ch status --codex --json", "the same as JSON"],
  ],
  args: {
    ...SERVICE_ARGS,
    short: { type: "boolean", description: "one line, as of ch statusline" },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const service = readService(args);
    if (args.short === true) {
      const { showLine } = await import("./statusline.ts");
      return await showLine(cli, { service, isJson: args.json === true });
    }
    const services = service === undefined ? SERVICES : [service];
    const { env, paths } = cli;
    const cwd = readCurrentDirectory(env);
    const asked = await askProxies(cli);
    const live = createLiveConfig(cli);
    const { config } = live.current();
    const [facts, reports] = await Promise.all([
      surveyStatus(services, cli, { asked, live }),
      Promise.all(services.map((one) => makeSwitchReport({ service: one, config, paths, env, cwd }))),
    ]);
    if (args.json === true) {
      const clients = reports.map(makeSwitchJson);
      return cli.out.json({ version: VERSION, ...facts, clients });
    }
    await printStatus(cli, facts, reports);
  },
});
