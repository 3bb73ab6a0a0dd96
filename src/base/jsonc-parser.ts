// The half of jsonc-parser that reads. Its main module brings the half that formats, which fills tables at each start.
// Pure.
export type { JSONPath, Node, ParseError, ParseErrorCode } from "jsonc-parser";
export { findNodeAtLocation, getNodeValue, parse, parseTree } from "jsonc-parser/lib/esm/impl/parser.js";
export { createScanner } from "jsonc-parser/lib/esm/impl/scanner.js";
