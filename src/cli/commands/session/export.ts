// `ch session export`: a whole conversation with its tools, as a document or as data.
import { SERVICE_ARGS } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";

export function exportCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "export", description: "write a session out whole, as Markdown or JSON" },
    examples: [
      ["ch session export 0199a2f4 > session.md", "a document, tools folded"],
      ["ch session export 0199a2f4 --format json", "everything, for scripts"],
    ],
    args: {
      id: { type: "positional", required: false, description: "its id, or the beginning of it" },
      format: {
        type: "enum",
        options: ["markdown", "json"],
        default: "markdown",
        valueHint: "FORMAT",
        description: "markdown or json",
      },
      ...SERVICE_ARGS,
    },
    async run({ args }) {
      const [{ findMeant }, { exportJson, exportMarkdown }] = await Promise.all([
        import("./meant-session.ts"),
        import("./transcript-export.ts"),
      ]);
      const facts = await findMeant(cli, args);
      if (args.format === "json") exportJson(cli, facts);
      else exportMarkdown(cli, facts);
    },
  });
}
