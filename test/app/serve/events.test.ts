import { expect, test } from "bun:test";
import { tellSample } from "../../../src/app/serve/events.ts";
import { EVENT_KINDS } from "../../../src/config/notify.ts";

/** In every event, and in a sample alone. */
const HEAD = ["event", "timestamp_ms", "service", "sample"];

test("docs/failover.md has a row for each event, with the fields that a command gets", async () => {
  const text = await Bun.file(`${import.meta.dir}/../../../docs/failover.md`).text();
  const section = text.slice(text.indexOf("## Notifications"));
  const rows = [...section.matchAll(/^\| `([a-z-]+)` +\| (.+?) +\|$/gm)].slice(1);
  const documented = rows.map(([, kind = "", cell = ""]): [string, string[]] => {
    const [fields = ""] = cell.replaceAll(/\(.*?\)/g, "").split(":");
    const names = [...fields.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
    return [kind, names.filter((name) => !HEAD.includes(name)).toSorted()];
  });
  const made = EVENT_KINDS.map((kind): [string, string[]] => {
    const names = Object.keys(tellSample(kind, 0).json);
    return [kind, names.filter((name) => !HEAD.includes(name)).toSorted()];
  });
  expect(Object.fromEntries(made)).toEqual(Object.fromEntries(documented));
});
