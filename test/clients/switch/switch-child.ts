// A process that switches a client once, for tests that end it on the way. Arguments: home, service, "on" or "off" (of a status
// line: "install" or "uninstall"), port, how often. Prints the message of an expected failure and ends with 1. SWITCH_AS makes it another user's, who then owns
// nothing of it: "UID:GID:GROUP,GROUP".
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { resolvePaths } from "../../../src/base/paths.ts";
import { installStatusLine, uninstallStatusLine } from "../../../src/clients/switch/status-line.ts";
import { switchOff, switchOn } from "../../../src/clients/switch/switch.ts";
import type { SwitchTarget } from "../../../src/clients/client.ts";

const [uid, gid, groups] = process.env["SWITCH_AS"]?.split(":") ?? [];
if (uid !== undefined && gid !== undefined && groups !== undefined) {
  process.setgroups?.(groups.split(",").map(Number));
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
}

const [home = "", service, action, port = "3211", times = "1"] = process.argv.slice(2);
const env = { HOME: home, USERPROFILE: home };
const target: SwitchTarget = {
  service: service === "claude" ? "claude" : "codex",
  paths: resolvePaths(env),
  env,
  systemDirectory: join(home, "etc"),
};
const on = () => switchOn(target, { port: Number(port), prefersOwnProvider: false }, { kind: "user" });

try {
  for (let time = 0; time < Number(times); time += 1) {
    if (action === "install") await installStatusLine(target, { program: ["/opt/ch"], isThere: () => true });
    else if (action === "uninstall") await uninstallStatusLine(target);
    else {
      if (action !== "off") await on();
      if (action !== "on") await switchOff(target);
    }
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.log(error.message);
  process.exitCode = 1;
}
