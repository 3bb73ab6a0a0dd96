// jsonc-parser has types for its main module only.
declare module "jsonc-parser/lib/esm/impl/parser.js" {
  export { findNodeAtLocation, getNodeValue, parse, parseTree } from "jsonc-parser";
}
declare module "jsonc-parser/lib/esm/impl/scanner.js" {
  export { createScanner } from "jsonc-parser";
}
