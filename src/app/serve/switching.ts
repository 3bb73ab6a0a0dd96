// Points the clients of a running proxy at it, and restores them: what `serve` switches, `serve` undoes.
// The rules of a switch are in clients/; this only says for whom and when.
import type { Env } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { inEnglish, joinTexts, t } from "../../base/text.ts";
import type { Paths } from "../../base/paths.ts";
import { identifyProcess } from "../../base/process-identity.ts";
import { CLIENT_NAME, type Service } from "../../base/service.ts";
import { type SwitchTarget, showKey } from "../../clients/client.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { readClientFile } from "../../clients/switch/client-file.ts";
import type { Owner } from "../../clients/switch/journal.ts";
import {
  type SwitchedOff,
  type SwitchedOn,
  runInstead,
  switchOff,
  switchOn,
} from "../../clients/switch/switch.ts";

export interface SwitchingOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly proxies: readonly { readonly service: Service; readonly port: number }[];
  readonly prefersOwnProvider: boolean;
  /** What the proxies ask their clients for, if they do. */
  readonly clientToken?: string | null;
  /** The switch is to outlive this process: it then belongs to the user, as if typed by hand. */
  readonly keepsSwitched: boolean;
  /** Also where the client would not read its file. */
  readonly isForced?: boolean;
}

export interface Switched {
  readonly service: Service;
  readonly on: SwitchedOn;
}

export type Switching = Awaited<ReturnType<typeof switchClients>>;

/** Switches all or none. Throws UserError with every file as it was, and both ways out named. */
export async function switchClients(options: SwitchingOptions) {
  const { clientToken = null, isForced = false, paths, env, keepsSwitched, proxies } = options;
  const self = identifyProcess(process.pid) ?? { pid: process.pid, started: null };
  const owner: Owner = keepsSwitched ? { kind: "user" } : { kind: "process", ...self };
  const switched: Switched[] = [];
  /**
   * Restores every client that this process still holds; one that cannot be restored does not keep the others from it.
   * Safe to call again; throws nothing.
   */
  const restore = async () => {
    const done: SwitchedOff[] = [];
    const failed: { service: Service; error: unknown }[] = [];
    for (const { service, on } of switched.splice(0)) {
      try {
        const result = await switchOff({ service, paths, env }, owner, on);
        if (result !== null) done.push(result);
      } catch (error) {
        failed.push({ service, error });
      }
    }
    return { done, failed };
  };
  let failed: Service | undefined;
  try {
    for (const { service, port } of proxies) {
      failed = service;
      const goal = { port, prefersOwnProvider: options.prefersOwnProvider, clientToken, isForced };
      const on = await switchOn({ service, paths, env }, goal, owner);
      switched.push({ service, on });
    }
  } catch (error) {
    const [stuck] = (await restore()).failed;
    if (stuck !== undefined) throw stuck.error;
    if (!(error instanceof UserError) || failed === undefined) throw error;
    const said = error.hintText ?? "";
    const ways = [runInstead(failed), t`only the proxy: ch serve --${failed} --no-switch`];
    const others = ways.filter((way) => !inEnglish(said).includes(inEnglish(way)));
    throw new UserError(t`${CLIENT_NAME[failed]} was not pointed at the proxy: ${error.text}`, {
      hint: joinTexts([...(said === "" ? [] : [said]), ...others], "\n"),
      cause: error,
    });
  }
  return { switched: [...switched], restore };
}

/** What a switch would set, and in which file; writes nothing. Throws UserError where the client cannot be switched. */
export async function previewSwitch(
  target: SwitchTarget,
  port: number,
): Promise<{ file: string; keys: string[] }> {
  const editor = await CLIENTS[target.service].createEditor(target);
  const { text } = await readClientFile(editor);
  const clean = editor.clean(text, null).text;
  const refusal = editor.findRefusal(clean);
  if (refusal !== null) throw refusal;
  const { changes } = await editor.edit(clean, { port, prefersOwnProvider: false });
  return { file: editor.file, keys: changes.map(({ path }) => showKey(path)) };
}
