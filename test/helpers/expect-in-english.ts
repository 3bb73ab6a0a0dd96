// `expect` for values with texts in them: they are compared in English.
import { expect } from "bun:test";
import { textsInEnglish } from "./texts-in-english.ts";

export const expectInEnglish = <T>(value: T) => expect(textsInEnglish(value));
