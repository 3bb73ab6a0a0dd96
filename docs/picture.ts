// Draws what a program printed at a terminal as an SVG. Knows the colours that our screens use, and nothing of cursors.
// The pictures in the readmes are made with it by test/cli/demo-pictures.ts.

const CELL = { width: 8.4, height: 19 };
const MARGIN = 20;
const PALETTE: Readonly<Record<number, string>> = {
  31: "#ff7b72",
  32: "#7ee787",
  33: "#e3b341",
  34: "#79c0ff",
  35: "#d2a8ff",
  36: "#76e3ea",
};
const DIM = "#8b949e";
const PLAIN = "#e6edf3";

interface Style {
  readonly colour: string;
  readonly isBold: boolean;
}

const START: Style = { colour: PLAIN, isBold: false };

/** After one SGR code. Unknown ones change nothing. */
function apply(style: Style, code: number): Style {
  if (code === 0) return START;
  if (code === 1) return { ...style, isBold: true };
  if (code === 22) return { colour: style.colour === DIM ? PLAIN : style.colour, isBold: false };
  if (code === 2) return { ...style, colour: DIM };
  if (code === 39) return { ...style, colour: PLAIN };
  return { ...style, colour: PALETTE[code] ?? style.colour };
}

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** One line as text elements, each at its own column: fonts differ in width. */
function drawLine(line: string, row: number): string {
  const y = MARGIN + (row + 1) * CELL.height - 5;
  let style = START;
  let column = 0;
  let drawn = "";
  for (const [n, piece] of line.split("\u001b[").entries()) {
    const end = n === 0 ? 0 : piece.indexOf("m") + 1;
    if (n > 0)
      style = piece
        .slice(0, end - 1)
        .split(";")
        .map(Number)
        .reduce(apply, style);
    const text = piece.slice(end);
    for (const [word] of text.matchAll(/\S+(?: \S+)*/g)) {
      const at = column + Bun.stringWidth(text.slice(0, text.indexOf(word)));
      const width = Bun.stringWidth(word) * CELL.width;
      const weight = style.isBold ? ' font-weight="bold"' : "";
      drawn += `<text x="${(MARGIN + at * CELL.width).toFixed(1)}" y="${y}" textLength="${width.toFixed(1)}" fill="${style.colour}"${weight}>${escapeXml(word)}</text>\n`;
    }
    column += Bun.stringWidth(text);
  }
  return drawn;
}

/** The command line, and below it what it printed. */
export function drawTerminal(command: string, output: string): string {
  const lines = [`\u001b[2m$\u001b[22m \u001b[1m${command}\u001b[22m`, ...output.trimEnd().split("\n")];
  const columns = Math.max(64, ...lines.map((line) => Bun.stringWidth(line)));
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = Math.ceil(lines.length * CELL.height + 2 * MARGIN);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escapeXml(command)}</title>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', monospace" font-size="14" xml:space="preserve">
${lines.map(drawLine).join("")}</g>
</svg>
`;
}
