// `ch session show`: a conversation, readable.
import { JSON_ARG } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { PLACE_ARGS } from "./place-args.ts";

export function showCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "show", description: "read a session, without its tools' output" },
    examples: [
      ["ch session show", "the last one of this project"],
      ["ch session show 0199a2f4", "the one whose id begins so"],
    ],
    args: {
      id: { type: "positional", required: false, description: "its id, or the beginning of it" },
      pager: { type: "boolean", default: true, negativeDescription: "print all of it at once" },
      ...PLACE_ARGS,
      ...JSON_ARG,
    },
    async run({ args }) {
      const [{ findMeant }, { page }, { renderTranscript }, { readTranscript }] = await Promise.all([
        import("./meant-session.ts"),
        import("./pager.ts"),
        import("./transcript-text.ts"),
        import("../../../sessions/transcript.ts"),
      ]);
      const facts = await findMeant(cli, args);
      if (args.json === true) {
        const { exportJson } = await import("./transcript-export.ts");
        return exportJson(cli, facts);
      }
      await page(cli, renderTranscript(cli, facts, readTranscript(cli.paths, facts)), args.pager);
    },
  });
}
