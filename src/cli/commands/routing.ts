// `ch routing`: the order that the next request would take, and a fresh start for upstreams that are left alone.
import { resetRoute, surveyRoute } from "../../app/status/survey.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { t, tellEither } from "../language.ts";
import { CLIENT_NAME, type Service, flagFor } from "../../base/service.ts";
import { loadConfig } from "../../config/file.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { JSON_ARG, SERVICE_ARGS } from "../args.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";
import { describeStanding } from "../upstream-words.ts";
import { wrapWords } from "../layout.ts";
import { chooseService, findTarget } from "./config/target.ts";

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "routing", description: "the order of the next request, and a fresh start" },
    examples: [
      ["ch routing explain", "who would be asked next, and why"],
      ["ch routing reset main#2", "forget what is held against an upstream"],
    ],
    subCommands: { explain: explainCommand(cli), reset: resetCommand(cli) },
  });
}

function explainCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "explain", description: "the order the next request would take; sends nothing" },
    examples: [
      ["ch routing explain", "for a new session of the default service"],
      ["ch routing explain --model gpt-5 --session ID", "for a model, within a session"],
    ],
    args: {
      model: { type: "string", valueHint: "MODEL", description: "as the client would ask for it" },
      session: { type: "string", valueHint: "ID", description: "a session that may be with an upstream" },
      ...SERVICE_ARGS,
      ...JSON_ARG,
    },
    async run({ args }) {
      const { out } = cli;
      const service = chooseService(args, await loadConfig(cli.paths.config));
      const question = { model: args.model ?? null, sessionId: args.session ?? null };
      const { explanation, isRunning } = await surveyRoute(service, question, cli);
      const { config_name, max_upstreams, places, problem } = explanation;
      if (args.json === true) return out.json({ service, is_running: isRunning, ...explanation });
      if (problem !== null) throw new UserError(problem.message, { hint: problem.hint ?? undefined });
      out.line(t`${CLIENT_NAME[service]}, config ${config_name ?? "-"}`);
      if (!isRunning) out.note(t`no proxy runs: as config.json and state.json have it`);
      const now = cli.now();
      for (const [index, place] of places.entries()) {
        const { colour, words } =
          place.problem === null
            ? describeStanding(place.standing, place.until_ms, now)
            : { words: t`passed over`, colour: "red" as const };
        out.line(`${String(index + 1).padStart(2)}  ${place.label}  ${out.paint(colour, words)}`);
        const model = place.upstream_model === null ? [] : [t`asked for ${place.upstream_model}`];
        const why = [
          place.problem === null
            ? tellEither(place.reason_text, place.reason)
            : tellEither(place.problem_text, place.problem),
          ...model,
        ].join(t`; `);
        for (const line of wrapWords(why, out.width - 4)) out.line(`    ${out.paint("dim", line)}`);
      }
      if (places.length > max_upstreams)
        out.note(t`One request is given to ${max_upstreams} of them at most.`);
      out.note("");
      out.note(t`Next: ch status`);
    },
  });
}

function resetCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "reset", description: "forget what is held against upstreams" },
    examples: [
      ["ch routing reset main#2", "one upstream is asked again at once"],
      ["ch routing reset --all --claude", "all of Claude Code's"],
    ],
    args: {
      name: { type: "positional", required: false, description: "NAME, a whole config, or NAME#N" },
      all: { type: "boolean", description: "every upstream of the service" },
      ...SERVICE_ARGS,
    },
    async run({ args }) {
      const config = await loadConfig(cli.paths.config);
      const service = chooseService(args, config);
      const flag = flagFor(service);
      if (args.name === undefined && args.all !== true) {
        throw new UserError(t`name an upstream or a config, or use --all`, {
          hint: `ch routing reset ${exampleTarget(config, service)}${flag}\nch routing reset --all${flag}`,
          exitCode: EXIT.usage,
        });
      }
      if (args.name !== undefined && args.all === true) {
        throw new UserError(t`--all means every upstream: there is no place for a name`, {
          hint: `ch routing reset ${args.name}${flag}`,
          exitCode: EXIT.usage,
        });
      }
      if (args.name !== undefined) checkTarget(config, service, args.name);
      const told = await resetRoute(service, args.name ?? null, cli);
      const what = args.name ?? t`every upstream of ${CLIENT_NAME[service]}`;
      const where = told === 0 ? t`no proxy runs; state.json was changed` : t`${told} running`;
      cli.out.line(t`${what}: nothing is held against it any more (${where})`);
      cli.out.note(t`Next: ch routing explain`);
    },
  });
}

/** Of the user's own: a second upstream where there is one, else a config. */
function exampleTarget(config: ParsedConfig, service: Service): string {
  const configs = [...config.services[service].configs.values()];
  const [first] = configs;
  const many = configs.find(({ entry }) => entry.upstreams.length > 1);
  return many === undefined ? (first?.name ?? "NAME") : `${many.name}#2`;
}

/** Throws UserError, with near names, for what does not exist. */
function checkTarget(config: ParsedConfig, service: Service, text: string): void {
  const { name, position } = findTarget(config, service, text);
  const count = config.services[service].configs.get(name)?.entry.upstreams.length ?? 0;
  if (position === null || position <= count) return;
  const ending = count === 1 ? "" : "s";
  throw new UserError(t`"${name}" has ${count} upstream${ending}, and no number ${position}`, {
    hint: `ch config show ${name}${flagFor(service)}`,
  });
}
