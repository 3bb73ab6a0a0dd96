// The README's picture of one run: CPU of a small request, as bars.
// Pure.
import type { Report } from "./report.ts";

const WORKLOAD = "JSON 2 KB c=16";
const SHOWN = ["nginx", "haproxy", "minimal Bun", "ch", "Portkey", "claude-code-router"];
const WIDTH = 720;
const LABEL_WIDTH = 160;
const LINE_HEIGHT = 28;
const TOP = 40;

/** An SVG that reads on light and dark pages. */
export function makePicture({ date, rows }: Report): string {
  const bars = SHOWN.flatMap((name) => {
    const row = rows.find(({ contender, workload }) => contender === name && workload === WORKLOAD);
    return row === undefined ? [] : [{ name, us: row.cpuUs }];
  });
  const longest = Math.max(1, ...bars.map(({ us }) => us));
  const height = TOP + bars.length * LINE_HEIGHT + 8;
  const lines = bars.map(({ name, us }, index) => {
    const y = TOP + index * LINE_HEIGHT;
    const length = Math.max(2, (us / longest) * (WIDTH - LABEL_WIDTH - 90));
    const color = name === "ch" ? "#2f81f7" : "#8b949e";
    return `  <text x="${LABEL_WIDTH - 8}" y="${y + 15}" text-anchor="end">${name}</text>
  <rect x="${LABEL_WIDTH}" y="${y + 3}" width="${length.toFixed(1)}" height="16" rx="2" fill="${color}"/>
  <text x="${(LABEL_WIDTH + length + 6).toFixed(1)}" y="${y + 15}">${Math.round(us)} µs</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#768390">
  <text x="8" y="20" font-weight="600">CPU time of the proxy for one small request, 16 at a time (${date})</text>
${lines.join("\n")}
</svg>
`;
}
