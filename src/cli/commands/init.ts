// `ch init`: sets a client up by questions, or without a terminal by what it has already; then serves it.
import { readCurrentDirectory } from "../current-directory.ts";
import { bootstrap } from "../../app/import/bootstrap.ts";
import { EXIT } from "../../base/errors.ts";
import { DEFAULT_SERVICE, flagFor } from "../../base/service.ts";
import { loadConfig } from "../../config/file.ts";
import { PORT_ARG, SERVICE_ARGS, readPort, readService } from "../args.ts";
import { defineCommand } from "../cli.ts";
import { t } from "../language.ts";
import { describeImported } from "../serve-screen.ts";
import { serveServices } from "./serve.ts";
import { setUp } from "./init/wizard.ts";

export const command = defineCommand({
  description: "set a client up by answering questions, then serve it",
  args: {
    ...SERVICE_ARGS,
    ...PORT_ARG,
    switch: {
      type: "boolean",
      default: true,
      description: "",
      negativeDescription: "do not change the client's files",
    },
  },
  examples: [
    ["ch init", "find what is there, or enter a relay; Esc changes nothing and exits 130"],
    ["ch init --claude", "set Claude Code up"],
  ],
  async run(args, cli) {
    const { now, out, paths } = cli;
    const port = readPort(args.port);
    const asked = readService(args);
    if (cli.isInteractive) {
      const end = await setUp(cli, { service: asked, port, switches: args.switch });
      if (end.kind === "ended") return end.exitCode;
      return await serveServices(cli, { services: [end.service], port, switches: args.switch });
    }
    const { defaultService } = await loadConfig(paths.config);
    const service = asked ?? defaultService ?? DEFAULT_SERVICE;
    const taken = await bootstrap({ paths, env: cli.env, cwd: readCurrentDirectory(cli.env), service }, now);
    if (taken === null) out.note(t`already set up; the questions need a terminal`);
    else for (const line of describeImported(taken)) out.note(line);
    out.note(`  ch serve${flagFor(service)}`);
    return EXIT.ok;
  },
});
