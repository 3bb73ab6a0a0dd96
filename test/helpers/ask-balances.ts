// Asks so many balances of one relay at once, in a process whose memory can be looked at: a proxy asks one for each upstream,
// of which a config has fewer.  bun ask-balances.ts ORIGIN COUNT
import { inEnglish } from "../../src/base/text.ts";
import type { Reading } from "../../src/quota/reading.ts";
import { createPoller } from "../../src/quota/poller.ts";
import { peakMb } from "./peak-memory.ts";

/** What it prints, as JSON. Memory at its peak, in MB. */
export interface AskedBalances {
  readonly before: number;
  readonly peak: number;
  readonly errors: readonly string[];
}

const [origin = "", count] = process.argv.slice(2);
const targets = Array.from({ length: Number(count) }, (_, index) => ({
  isWatched: false,
  lookup: {
    key: `relay@${index}|x`,
    source: "relay",
    intervalMs: 60_000,
    host: "relay",
    isAutomatic: false,
    method: "GET" as const,
    urls: [`${origin}/v1/usage`],
    siteUrl: null,
    token: "sk-bomb",
    headersWith: () => ({}),
    proxy: false as const,
    tlsCa: null,
    read: () => null,
  },
}));
const readings = new Map<string, Reading>();
const poller = createPoller({
  targets: () => targets,
  readings,
  onReading() {},
  sync() {},
  readKey: () => Promise.reject(new Error("no lookup has a command")),
  now: Date.now,
});
const before = peakMb("self");
await poller.refresh();
const errors = [...readings.values()].map(({ error }) => inEnglish(error ?? ""));
console.log(JSON.stringify({ before, peak: peakMb("self"), errors } satisfies AskedBalances));
