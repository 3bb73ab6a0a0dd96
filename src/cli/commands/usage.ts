// `ch usage`: what the request log says. One file for each of its commands.
import { defineCommand } from "../cli.ts";
import { coverageCommand } from "./usage/coverage.ts";
import { exportCommand } from "./usage/export.ts";
import { findCommand } from "./usage/find.ts";
import { reportCommand } from "./usage/report.ts";
import { pricesCommand } from "./usage/prices.ts";
import { showCommand } from "./usage/show.ts";
import { overviewCommand, summaryCommand } from "./usage/summary.ts";
import { tailCommand } from "./usage/tail.ts";

export const command = defineCommand({
  description: "tokens, costs and outcomes of requests",
  examples: [
    ["ch usage summary --since 7d", "totals of the last week, by config"],
    ["ch usage tail --follow", "follow requests as they end"],
  ],
  default: "overview",
  subCommands: {
    overview: overviewCommand,
    summary: summaryCommand,
    tail: tailCommand,
    find: findCommand,
    show: showCommand,
    report: reportCommand,
    export: exportCommand,
    coverage: coverageCommand,
    prices: pricesCommand,
  },
});
