// `ch config test`: `ch doctor --probe` of one config or upstream, where one changes them.
import { EXIT } from "../../../base/errors.ts";
import { flagFor } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import { JSON_ARG, SERVICE_ARGS } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { readCurrentDirectory } from "../../current-directory.ts";
import { printFindings } from "../doctor.ts";
import { type TestRequest, runTestRequests } from "../doctor/test-request.ts";
import { chooseService, findTarget } from "./target.ts";

export const testCommand = defineCommand({
  description: "send one small request: is the key accepted, does output come?",
  examples: [
    ["ch config test main#2", "one upstream, also one that is not in use"],
    ["ch config test", "all of the active config"],
  ],
  args: {
    name: { type: "positional", required: false, description: "NAME or NAME#N; default: the active config" },
    model: { type: "string", valueHint: "MODEL", description: "the model to ask for" },
    yes: { type: "boolean", description: "do not ask for confirmation" },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const config = await loadConfig(cli.paths.config);
    const service = chooseService(args, config);
    if (args.name !== undefined) findTarget(config, service, args.name);
    const target = args.name ?? null;
    const request = { target, service, model: args.model ?? null, isConfirmed: args.yes === true };
    const line = `ch config test${target === null ? "" : ` ${target}`}${flagFor(service)}`;
    return await testUpstreams(cli, { ...request, line, withFeatures: false }, args.json === true);
  },
});

/** Asks, sends and shows. Gives the exit code. */
export async function testUpstreams(cli: Cli, request: TestRequest, isJson = false): Promise<number> {
  const { env, now, out, paths } = cli;
  const checks = await runTestRequests(cli, request, { paths, env, now, cwd: readCurrentDirectory(env) });
  if (isJson) out.json({ checks });
  else if (checks.length > 0) printFindings(cli, checks, 0);
  return checks.some(({ status }) => status === "fail") ? EXIT.failed : EXIT.ok;
}
