// The state of a switch: is the client switched, to which port, by whom, and does that one still run? And what its own file would be
// without our switch. Looks, and changes nothing; needs no lock, because every file is only ever replaced as a whole.
import { dirname } from "node:path";
import { type Text, t } from "../../base/text.ts";
import { UserError, onUserError } from "../../base/errors.ts";
import { isRunning } from "../../base/process-identity.ts";
import { realPath } from "../../base/files.ts";
import { inShell } from "../../base/shell.ts";
import { SERVICE_FACTS, type Service, readProxyAddress } from "../../base/service.ts";
import { readClientFile } from "./client-file.ts";
import { copyPathFor, findInterrupted } from "./in-place.ts";
import {
  type Journal,
  type Owner,
  findJournalPath,
  findLeftBehind,
  listJournals,
  readJournal,
} from "./journal.ts";
import type { SwitchTarget, Undone } from "../client.ts";
import { CLIENTS } from "../registry.ts";

export interface SwitchStatus {
  readonly file: string;
  readonly isOn: boolean;
  /** The port that the client's file names; null when it is off. */
  readonly port: number | null;
  /** The client token beside it. Never shown. */
  readonly clientToken: string | null;
  readonly keys: readonly Undone[];
  /** Null when it is off, or it is not known who switched it. */
  readonly owner: Owner | null;
  /** The proxy that switched it has died: `off` or the next `serve` puts that right. */
  readonly isOwnerDead: boolean;
  /** The file was being written when that was killed; the next to write it restores it first. */
  readonly isInterrupted: boolean;
  /** The client does not read its file as it is, or does not start with it: whatever it says, requests do not come here. */
  readonly isRefused: boolean;
  /** What only `switch off` ends, though the client's file as it is does not show it: what to say of it, and to type. */
  readonly unfinished: { readonly what: Text; readonly hint: Text | string } | null;
  /** The file cannot be read or edited, the client does not read it, or the journal cannot be used. */
  readonly problem: Text | string | null;
}

export async function readSwitchStatus(target: SwitchTarget): Promise<SwitchStatus> {
  const { file, isInterrupted, isUnread, journal, keys, problem, refusal } = await findSwitch(target);
  const isOn = keys.some(isStillOurs);
  const leftBehind = await findSwitchedLeftBehind(target, journal, file);
  const owner = isOn || leftBehind !== null ? (journal?.owner ?? null) : null;
  const off = `ch switch off --${target.service}`;
  const address = isOn ? addressIn(target, keys) : undefined;
  return {
    file,
    isOn,
    port: address?.port ?? (isOn ? (journal?.port ?? null) : null),
    clientToken: address?.clientToken ?? null,
    keys,
    owner,
    isOwnerDead: owner?.kind === "process" && !isRunning(owner),
    isInterrupted,
    isRefused: refusal !== null,
    unfinished:
      leftBehind !== null
        ? { what: t`${leftBehind}, which ${file} led to, still points at the proxy`, hint: off }
        : journal !== null && isUnread
          ? {
              what: t`${file} was switched, and cannot be restored as it is`,
              hint: t`correct it, then: ${off}`,
            }
          : null,
    problem: problem ?? refusal?.text ?? null,
  };
}

function isStillOurs({ kind }: Undone): boolean {
  return kind === "restored" || kind === "unknown";
}

/** What was switched in place of the client's file, where that is to be restored yet. */
async function findSwitchedLeftBehind(
  target: SwitchTarget,
  journal: Journal | null,
  file: string,
): Promise<string | null> {
  const left = findLeftBehind(journal, file);
  if (left === null) return null;
  const editor = await CLIENTS[target.service].createEditor({ ...target, file: left });
  try {
    const { text } = await readClientFile(editor);
    return editor.clean(text, journal?.changes ?? null).keys.some(isStillOurs) ? left : null;
  } catch (error) {
    if (error instanceof UserError) return left;
    throw error;
  }
}

/** What the journal knows, and the client's file without our switch. Never throws for what the files hold. */
async function findSwitch(target: SwitchTarget) {
  const editor = await CLIENTS[target.service].createEditor(target);
  const { file } = editor;
  const path = await findJournalPath(target.paths, target.service, file);
  const { journal, problem: damage } = await readJournal(path);
  let lost: Text | string | null = null;
  try {
    const interrupted = await findInterrupted(copyPathFor(path)).catch(
      // What our own directory keeps from us says nothing of the client's file.
      onUserError((error) => {
        lost = error.text;
        return null;
      }),
    );
    const text = interrupted === null ? (await readClientFile(editor)).text : interrupted.before;
    const clean = editor.clean(text, journal?.changes ?? null);
    const refusal = editor.findRefusal(text);
    const known = { file, journal, refusal, isUnread: false, ...clean };
    if (interrupted === null) return { ...known, problem: damage ?? lost, isInterrupted: false };
    const isHalf = t`writing ${file} was interrupted: ch doctor --fix restores it`;
    return { ...known, problem: isHalf, isInterrupted: true };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {
      file,
      journal,
      problem: error.text,
      refusal: null,
      isInterrupted: false,
      isUnread: true,
      text: "",
      keys: [],
    };
  }
}

function addressIn({ service }: SwitchTarget, keys: readonly Undone[]) {
  const values = keys.flatMap((key) => ("value" in key ? [key.value] : []));
  return values.map((value) => readProxyAddress(service, value)).find((address) => address !== undefined);
}

export interface OtherSwitch {
  readonly file: string;
  readonly port: number;
  /** What to type for it. */
  readonly command: string;
}

/** Switches of the client under other homes of it than this one. */
export async function listOtherSwitches(
  { paths, service }: SwitchTarget,
  file: string,
): Promise<OtherSwitch[]> {
  const { home } = SERVICE_FACTS[service];
  const others = (await listJournals(paths)).filter(
    (one) => one.service === service && realPath(one.file) !== realPath(file),
  );
  return others.map((one) => ({
    file: one.file,
    port: one.port,
    command: inShell().once(home.variable, dirname(one.file), `ch switch off --${service}`),
  }));
}

/** What a client was set up with, without our switch. */
export interface Unswitched {
  readonly service: Service;
  /** Undefined where nothing of ours is in the file, or what was there before is not known. */
  readonly text: string | undefined;
  /** A key of ours was known by its looks alone, and taken out as if nothing had been there before. */
  readonly isGuess: boolean;
  /** The port that the client is, or was last, switched to. */
  readonly port: number | undefined;
}

/** Where its file cannot be read, whoever reads it next says why. */
export async function readUnswitched(target: SwitchTarget): Promise<Unswitched> {
  const { journal, keys, text } = await findSwitch(target);
  return {
    service: target.service,
    text: keys.length === 0 ? undefined : text,
    isGuess: keys.some((key) => key.kind === "restored" && key.isGuess),
    port: journal?.port,
  };
}
