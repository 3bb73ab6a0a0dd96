import { expect, test } from "bun:test";
import { readShim } from "../../../src/app/launch/run-client.ts";

const AT = "C:\\Users\\ann\\AppData\\Roaming\\npm\\codex.cmd";
const FOLDER = "C:\\Users\\ann\\AppData\\Roaming\\npm";
/** As npm writes it. */
const npm = (target: string, prog: string): string => `@ECHO off\r
GOTO start\r
:find_dp0\r
SET dp0=%~dp0\r
EXIT /b\r
:start\r
SETLOCAL\r
CALL :find_dp0\r
\r
IF EXIST "%dp0%\\node.exe" (\r
  SET "_prog=%dp0%\\node.exe"\r
) ELSE (\r
  SET "_prog=node"\r
  SET PATHEXT=%PATHEXT:;.JS;=;%\r
)\r
\r
endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & ${prog}  "%dp0%\\${target}" %*\r
`;

test.each([
  [
    "npm, a script",
    npm("node_modules\\@openai\\codex\\bin\\codex.js", '"%_prog%"'),
    ["node", `${FOLDER}\\node_modules\\@openai\\codex\\bin\\codex.js`],
  ],
  [
    "npm, a program",
    '@"%~dp0node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe" %*\r\n',
    [`${FOLDER}\\node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe`],
  ],
  [
    "pnpm",
    '@SETLOCAL\r\n@IF EXIST "%~dp0\\node.exe" (\r\n  "%~dp0\\node.exe"  "%~dp0\\..\\lib\\codex.mjs" %*\r\n) ELSE (\r\n  node  "%~dp0\\..\\lib\\codex.mjs" %*\r\n)\r\n',
    ["node", "C:\\Users\\ann\\AppData\\Roaming\\lib\\codex.mjs"],
  ],
  [
    "npm, a script with options of its own",
    npm(
      "node_modules\\tool\\index.mjs",
      '"%_prog%" --no-warnings=ExperimentalWarning --max-old-space-size=4096',
    ),
    [
      "node",
      "--no-warnings=ExperimentalWarning",
      "--max-old-space-size=4096",
      `${FOLDER}\\node_modules\\tool\\index.mjs`,
    ],
  ],
  [
    "Yarn",
    '@IF EXIST "%~dp0\\node.exe" (\r\n  "%~dp0\\node.exe" --x "%~dp0\\tool.cjs" %*\r\n)\r\n',
    ["node", "--x", `${FOLDER}\\tool.cjs`],
  ],
  ["somebody's own", "@echo off\r\nset X=1\r\npython codex.py %*\r\n", null],
  ["nothing", "", null],
])("the script of %s", (_, text, words) => {
  expect(readShim(AT, text)).toEqual(words);
});
