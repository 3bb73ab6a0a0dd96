// Shows what the program makes of the streams it was started with: `table`, `confirm`, `words`, `long`, `flood`,
// `width`, `nowhere`.
import { createData } from "../../src/cli/output.ts";
import { ClosedPipe, openTerminal } from "../../src/cli/terminal.ts";
import { createWords } from "../../src/cli/words.ts";

const terminal = openTerminal(process.env);
const data = createData(terminal);
const words = createWords(terminal);

switch (process.argv[2] ?? "") {
  case "table":
    data.table(["NAME", "WHAT"], [["main", "x".repeat(60)]]);
    data.line(data.paint("red", "red"));
    break;
  case "width":
    data.line(String(data.width));
    break;
  case "nowhere":
    data.line(`${String(terminal.stderr.leadsNowhere)} ${String(words.surface.leadsNowhere)}`);
    break;
  case "confirm":
    data.line(`answer: ${await words.confirm("Go on?")}`);
    break;
  case "words":
    words.note("note \u001b]0;title\u0007end");
    words.warn("warned");
    words.error("failed", "one thing\nanother");
    for (let count = 0; count < 10; count += 1) words.note("again");
    data.line("worked to the end");
    break;
  case "long":
    words.error(
      "no upstream of main can be used now, in /a/path/that/is/longer/than/the/terminal",
      "ch status",
    );
    break;
  case "flood":
    try {
      for (;;) data.line("x".repeat(1000));
    } catch (error) {
      words.note(error instanceof ClosedPipe ? "closed" : "other");
    }
    break;
  default:
    throw new Error("which?");
}
