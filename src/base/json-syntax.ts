// What is wrong with a text that is not JSON, in the words of a person instead of the parser's names.
// Pure.
import { type ParseErrorCode, printParseErrorCode } from "jsonc-parser";
import { kept, translate } from "./language.ts";

export function describeJsonError(code: ParseErrorCode): string {
  return translate(WORDS[printParseErrorCode(code)] ?? kept`this is not JSON`);
}

const WORDS: Readonly<Record<string, string>> = {
  InvalidSymbol: kept`this is not JSON`,
  InvalidNumberFormat: kept`this is not a number`,
  PropertyNameExpected: kept`a key in double quotes is expected`,
  ValueExpected: kept`a value is expected`,
  ColonExpected: kept`a ":" is expected`,
  CommaExpected: kept`a "," is expected`,
  CloseBraceExpected: kept`a "}" is missing`,
  CloseBracketExpected: kept`a "]" is missing`,
  EndOfFileExpected: kept`something follows after the end of the value`,
  UnexpectedEndOfComment: kept`a comment is not closed`,
  UnexpectedEndOfString: kept`a string is not closed`,
  InvalidUnicode: kept`a \\u escape is wrong`,
  InvalidEscapeCharacter: kept`an escape in a string is wrong`,
  InvalidCharacter: kept`a control character stands in a string`,
};
