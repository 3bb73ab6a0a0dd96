// `ch completion`: scripts with which a shell completes our commands, made from the command table; and the names that
// they ask for while somebody types.
import { t } from "../language.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { SERVICES, type Service, mapServices } from "../../base/service.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { loadConfig } from "../../config/file.ts";
import { formatTarget } from "../../config/name.ts";
import { SERVICE_ARGS, readService } from "../args.ts";
import { type Cli, type Command, DEFAULT_COMMAND, defineCommand } from "../cli.ts";
import type { Place } from "../completion/table.ts";

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "completion", description: "let your shell complete commands, flags and names" },
    examples: [
      ["source <(ch completion bash)", "for this shell; add it to ~/.bashrc for every shell"],
      ["ch completion fish > ~/.config/fish/completions/ch.fish", "for every shell"],
    ],
    subCommands: {
      bash: shellCommand(cli, {
        name: "bash",
        description: "print the script for bash",
        examples: [
          ["source <(ch completion bash)", "for this shell; add it to ~/.bashrc for every shell"],
          ["ch completion bash > ~/.local/share/bash-completion/completions/ch", "loaded on demand"],
        ],
        render: async (places) => (await import("../completion/posix.ts")).renderBash(places),
      }),
      zsh: shellCommand(cli, {
        name: "zsh",
        description: "print the script for zsh",
        examples: [
          [
            "source <(ch completion zsh)",
            "for this shell; add it to ~/.zshrc, after compinit, for every shell",
          ],
          ["ch completion zsh > ~/.zfunc/_ch", "in a directory of your $fpath"],
        ],
        render: async (places) => (await import("../completion/posix.ts")).renderZsh(places),
      }),
      fish: shellCommand(cli, {
        name: "fish",
        description: "print the script for fish",
        examples: [
          ["ch completion fish | source", "for this shell"],
          ["ch completion fish > ~/.config/fish/completions/ch.fish", "for every shell"],
        ],
        render: async (places) => (await import("../completion/fish.ts")).renderFish(places),
      }),
      powershell: shellCommand(cli, {
        name: "powershell",
        description: "print the script for PowerShell",
        examples: [
          ["ch completion powershell | Out-String | Invoke-Expression", "for this session of PowerShell"],
          ["ch completion powershell > ch.ps1", "in a file that your $PROFILE loads"],
        ],
        render: async (places) => (await import("../completion/powershell.ts")).renderPowershell(places),
      }),
      names: namesCommand(cli),
    },
  });
}

interface Shell {
  readonly name: string;
  readonly description: string;
  readonly examples: readonly (readonly [string, string])[];
  readonly render: (places: readonly Place[]) => Promise<string>;
}

function shellCommand(cli: Cli, { name, description, examples, render }: Shell): Command {
  return defineCommand({
    meta: { name, description },
    examples,
    async run() {
      cli.out.line((await render(await loadPlaces(cli))).trimEnd());
    },
  });
}

/** All commands, which are loaded here and nowhere else. */
async function loadPlaces(cli: Cli): Promise<Place[]> {
  const { makePlaces } = await import("../completion/table.ts");
  const top = await Promise.all(
    Object.entries(cli.commands).map(async ([name, { summary, load }]) => {
      const { createCommand: create } = await load();
      return { name, summary, command: create(cli) };
    }),
  );
  return makePlaces(top, DEFAULT_COMMAND);
}

const MOST_SESSIONS = 30;
const LONGEST_WORDS = 60;

function namesCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "names", description: "print the names that the scripts complete, one per line" },
    examples: [
      ["ch completion names targets", "configs and upstreams"],
      ["ch completion names sessions --claude", "Claude Code's sessions of this project"],
    ],
    args: {
      kind: { type: "positional", required: true, description: "targets or sessions" },
      ...SERVICE_ARGS,
    },
    async run({ args }) {
      const service = readService(args);
      if (args.kind !== "targets" && args.kind !== "sessions") {
        throw new UserError(t`choose targets or sessions`, {
          hint: "ch completion names targets",
          exitCode: EXIT.usage,
        });
      }
      const names =
        args.kind === "targets" ? await listTargets(cli, service) : await listSessions(cli, service);
      // A name that does not fit on a line of its own cannot be typed either.
      for (const [name, words] of names)
        if (oneLine(name) === name) cli.out.line(`${name}\t${oneLine(words).slice(0, LONGEST_WORDS)}`);
    },
  });
}

type Name = readonly [name: string, words: string];

async function listTargets(cli: Cli, service: Service | undefined): Promise<Name[]> {
  const { services } = await loadConfig(cli.paths.config);
  const wanted = service === undefined ? SERVICES : [service];
  return wanted.flatMap((one) => {
    const { configs, broken } = services[one];
    const usable = [...configs.values()].flatMap(({ name, alias, entry: { upstreams } }): Name[] => {
      const hosts = upstreams.map(({ base_url }) => new URL(base_url).host);
      const single = upstreams.length === 1 ? [] : hosts;
      return [
        [name, alias ?? hosts.join(", ")],
        ...single.map((host, index): Name => [formatTarget(name, index + 1), host]),
      ];
    });
    return [...usable, ...[...broken.keys()].map((name): Name => [name, ""])];
  });
}

async function listSessions(cli: Cli, service: Service | undefined): Promise<Name[]> {
  const [{ findSessions }, { readFacts }, { makeQuery }] = await Promise.all([
    import("../../sessions/find.ts"),
    import("../../sessions/facts.ts"),
    import("./session/query.ts"),
  ]);
  const found = findSessions(
    await makeQuery(cli, {
      ...mapServices((one) => one.service === service),
      "all-services": service === undefined,
    }),
  );
  return [...found.take(MOST_SESSIONS)].flatMap((session): Name[] => {
    const { id } = session.file;
    if (id === null) return [];
    const { title, firstPrompt } = readFacts(session);
    return [[id, title ?? firstPrompt ?? ""]];
  });
}
