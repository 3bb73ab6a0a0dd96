// `ch completion`: scripts with which a shell completes our commands, made from the command table; and the names that
// they ask for while somebody types.
import { showHost } from "../../base/upstream.ts";
import { t } from "../language.ts";
import { SERVICES, type Service, mapServices } from "../../base/service.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { loadConfig } from "../../config/file.ts";
import { formatTarget } from "../../config/name.ts";
import { SERVICE_ARGS, readService, usageError } from "../args.ts";
import { type Cli, DEFAULT_COMMAND, defineCommand } from "../cli.ts";
import type { Place } from "../completion/table.ts";

const MOST_SESSIONS = 30;
const LONGEST_WORDS = 60;

const bashCommand = defineCommand({
  description: "print the script for bash",
  examples: [
    ["source <(ch completion bash)", "for this shell; add it to ~/.bashrc for every shell"],
    ["ch completion bash > ~/.local/share/bash-completion/completions/ch", "loaded on demand"],
  ],
  run: async (_args, cli) => printScript(cli, (await import("../completion/posix.ts")).renderBash),
});

const zshCommand = defineCommand({
  description: "print the script for zsh",
  examples: [
    ["source <(ch completion zsh)", "for this shell; add it to ~/.zshrc, after compinit, for every shell"],
    ["ch completion zsh > ~/.zfunc/_ch", "in a directory of your $fpath"],
  ],
  run: async (_args, cli) => printScript(cli, (await import("../completion/posix.ts")).renderZsh),
});

const fishCommand = defineCommand({
  description: "print the script for fish",
  examples: [
    ["ch completion fish | source", "for this shell"],
    ["ch completion fish > ~/.config/fish/completions/ch.fish", "for every shell"],
  ],
  run: async (_args, cli) => printScript(cli, (await import("../completion/fish.ts")).renderFish),
});

const powershellCommand = defineCommand({
  description: "print the script for PowerShell",
  examples: [
    ["ch completion powershell | Out-String | Invoke-Expression", "for this session of PowerShell"],
    ["ch completion powershell > ch.ps1", "in a file that your $PROFILE loads"],
  ],
  run: async (_args, cli) => printScript(cli, (await import("../completion/powershell.ts")).renderPowershell),
});

const namesCommand = defineCommand({
  description: "print the names that the scripts complete, one per line",
  examples: [
    ["ch completion names targets", "configs and upstreams"],
    ["ch completion names sessions --claude", "Claude Code's sessions of this project"],
  ],
  args: {
    kind: { type: "positional", required: true, description: "targets or sessions" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const service = readService(args);
    if (args.kind !== "targets" && args.kind !== "sessions") {
      throw usageError(t`choose targets or sessions`, "ch completion names targets");
    }
    const names =
      args.kind === "targets" ? await listTargets(cli, service) : await listSessions(cli, service);
    // A name that does not fit on a line of its own cannot be typed either.
    for (const [name, words] of names)
      if (oneLine(name) === name) cli.out.line(`${name}\t${oneLine(words).slice(0, LONGEST_WORDS)}`);
  },
});

export const command = defineCommand({
  description: "let your shell complete commands, flags and names",
  examples: [
    ["source <(ch completion bash)", "for this shell; add it to ~/.bashrc for every shell"],
    ["ch completion fish > ~/.config/fish/completions/ch.fish", "for every shell"],
  ],
  subCommands: {
    bash: bashCommand,
    zsh: zshCommand,
    fish: fishCommand,
    powershell: powershellCommand,
    names: namesCommand,
  },
});

/** Of all commands, which are loaded here and nowhere else. */
async function printScript(cli: Cli, render: (places: readonly Place[]) => string): Promise<void> {
  const { makePlaces } = await import("../completion/table.ts");
  const top = await Promise.all(
    Object.entries(cli.commands).map(async ([name, { summary, load }]) => ({
      name,
      summary,
      ...(await load()),
    })),
  );
  cli.out.line(render(makePlaces(top, DEFAULT_COMMAND)).trimEnd());
}

type Name = readonly [name: string, words: string];

async function listTargets(cli: Cli, service: Service | undefined): Promise<Name[]> {
  const { services } = await loadConfig(cli.paths.config);
  const wanted = service === undefined ? SERVICES : [service];
  return wanted.flatMap((one) => {
    const { configs, broken } = services[one];
    const usable = [...configs.values()].flatMap(({ name, alias, entry: { upstreams } }): Name[] => {
      const hosts = upstreams.map(({ base_url }) => showHost(base_url));
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
