// The text of one event of a stream: where one ends, the data that it holds, and the same event with other data.
// Pure.

/** The end of an event; global. https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
export const BOUNDARY = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/g;
const ENDS = ["\n\n", "\r\n\r\n", "\r\r"];
const DATA_LINE = /(?:^\uFEFF?|[\n\r])data(?:: ?|(?=[\n\r]|$))([^\n\r]*)/g;

export function endsWithEvent(latin1: string): boolean {
  return ENDS.some((end) => latin1.endsWith(end));
}

/** Where the last event ends that ends before a place, in the usual way, with two line feeds; 0 where there is none. */
export function lastEventEnd(latin1: string, before: number): number {
  const at = before < 2 ? -1 : latin1.lastIndexOf("\n\n", before - 2);
  return at < 0 ? 0 : at + 2;
}

export function dataOf(event: string): string {
  DATA_LINE.lastIndex = 0;
  let data = DATA_LINE.exec(event)?.[1];
  if (data === undefined) return "";
  for (let more = DATA_LINE.exec(event); more !== null; more = DATA_LINE.exec(event)) data += `\n${more[1]}`;
  return data;
}

/** The event with other data, in one line. */
export function withData(event: string, data: string): Uint8Array {
  let isWritten = false;
  const lines = event.split(/(?<=\r\n|\n|\r(?!\n))/).flatMap((line) => {
    const prefix = /^\uFEFF?data(?:: ?|(?=[\r\n]|$))/.exec(line)?.[0];
    if (prefix === undefined) return [line];
    if (isWritten) return [];
    isWritten = true;
    return [prefix + data + (/[\r\n]+$/.exec(line)?.[0] ?? "")];
  });
  return Buffer.from(lines.join(""));
}
