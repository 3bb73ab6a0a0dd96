import { describe, expect, test } from "bun:test";
import { createAnswerReader } from "../../src/usage/answer-reader.ts";
import { cut } from "./scripted-stream.ts";
import { VENDOR_SHAPES, type VendorShape } from "./vendor-shapes.ts";
import { VENDOR_SPELLINGS } from "./vendor-spellings.ts";

function textOf({ document, events }: VendorShape): string {
  if (events === undefined) return JSON.stringify(document);
  return events
    .map((event) => {
      if (typeof event === "string") return `data: ${event}\n\n`;
      const type =
        typeof event === "object" && event !== null && "type" in event
          ? `event: ${String(event.type)}\n`
          : "";
      return `${type}data: ${JSON.stringify(event)}\n\n`;
    })
    .join("");
}

describe("usage as vendors state it", () => {
  for (const shape of [...VENDOR_SHAPES, ...VENDOR_SPELLINGS]) {
    test(`${shape.api}: ${shape.title}`, () => {
      for (const sizes of [[1 << 20], [1400], [7]]) {
        const reader = createAnswerReader(shape.api);
        for (const chunk of cut(textOf(shape), sizes)) reader.feed(chunk);
        const { usage = null } = reader.facts();
        expect(usage === null ? null : JSON.parse(JSON.stringify(usage))).toEqual(shape.usage);
      }
    });
  }
});
