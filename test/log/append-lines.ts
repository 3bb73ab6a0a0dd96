// A process that appends to a log until it is done or killed: path, how many lines, longest error, maxBytes.
import { inEnglish } from "../../src/base/text.ts";
import { createLogWriter } from "../../src/log/writer.ts";
import { makeEntry } from "./make-entry.ts";

const [path = "", count = "0", longest = "0", maxBytes = "50000000"] = process.argv.slice(2);
const log = createLogWriter(path, {
  onTrouble: (words) => {
    throw new Error(inEnglish(words));
  },
  maxBytes: Number(maxBytes),
});
for (let index = 0; index < Number(count); index += 1) {
  const model = "x".repeat((index * 7919) % Number(longest));
  log.append(makeEntry({ id: `${process.pid}-${index}`, model }));
  if (index === 0) console.log("started");
}
log.close();
