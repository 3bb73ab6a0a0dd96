// A client's own file as it would be without our switch, for those who ask what the client was set up with. Only reads.
import { UserError } from "../../base/errors.ts";
import { readClientFile } from "./client-file.ts";
import { changesOf, findJournalPath, readJournal } from "./journal.ts";
import type { Service } from "../../base/service.ts";
import { CLIENTS } from "../registry.ts";
import type { SwitchTarget } from "../client.ts";

export interface Unswitched {
  readonly service: Service;
  /** Undefined where nothing of ours is in the file, or nobody can tell what stood there before. */
  readonly text: string | undefined;
  /** The port that the client is, or was last, switched to. */
  readonly port: number | undefined;
}

/** Never throws for what the files hold: whoever reads them next says what is wrong. */
export async function readUnswitched(target: SwitchTarget): Promise<Unswitched> {
  const editor = await CLIENTS[target.service].createEditor(target);
  const { service } = target;
  const found = await readJournal(await findJournalPath(target.paths, target.service, editor.file));
  const port = found.kind === "found" ? found.journal.port : undefined;
  try {
    const { text: present } = await readClientFile(editor.file);
    const { text, keys } = editor.clean(present, changesOf(found));
    return { text: keys.length === 0 ? undefined : text, port, service };
  } catch (error) {
    if (error instanceof UserError) return { text: undefined, port, service };
    throw error;
  }
}
