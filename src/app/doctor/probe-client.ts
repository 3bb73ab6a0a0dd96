// Proves that a client asks the address in its file: starts the real one with a copy of its file in a throw-away home, switched to a
// listener of ours that answers one request. Its own home stays as it is, no upstream is asked, and no key of the user's is copied.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Finding, fail, info, ok } from "../../base/check.ts";
import { errorText, onUserError } from "../../base/errors.ts";
import { PRIVATE_FILE } from "../../base/files.ts";
import { resolvePaths } from "../../base/paths.ts";
import { SERVICE_FACTS, type Service } from "../../base/service.ts";
import { startOf } from "../../base/start.ts";
import { type Text, t } from "../../base/text.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { exemptLoopback } from "../../clients/override.ts";
import { readClientFile } from "../../clients/switch/client-file.ts";
import { readUnswitched } from "../../clients/switch/status.ts";
import { switchOn } from "../../clients/switch/switch.ts";
import type { ExamineOptions } from "../../doctor/facts.ts";

const LIMIT_MS = 30_000;
/** The last of it may be on its way when the client ends. */
const LINGER_MS = 200;

/** Takes some seconds. Throws nothing for what the files hold. */
export async function probeClient(service: Service, options: ExamineOptions): Promise<Finding> {
  const id = "client-probe";
  const { command, name, packageName } = SERVICE_FACTS[service];
  const program = Bun.which(command, { PATH: options.env["PATH"] ?? "", cwd: options.cwd });
  if (program === null)
    return { id, ...info(t`${name} is not on PATH`, `npm install -g ${packageName}@latest`) };
  const home = mkdtempSync(join(tmpdir(), "codex-helper-probe-"));
  const { promise: gotRequest, resolve } = Promise.withResolvers<"here">();
  const listener = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      if (request.headers.get("upgrade") !== null) return new Response(null, { status: 426 });
      if (request.method === "POST") resolve("here");
      return Response.json({ error: { message: "a probe", type: "invalid_request_error" } }, { status: 400 });
    },
  });
  try {
    const why = await prepareHome(service, { ...options, home, port: listener.port ?? 0 });
    if (why !== null) return { id, ...fail(why, `ch switch on --${service}`) };
    const child = Bun.spawn({
      ...startOf([program, ...CLIENTS[service].probeArgs]),
      cwd: options.cwd,
      env: { ...options.env, ...exemptLoopback(options.env), [SERVICE_FACTS[service].home.variable]: home },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
    });
    const isOver = child.exited.then((code) => Bun.sleep(LINGER_MS).then(() => code));
    const outcome = await Promise.race([gotRequest, isOver]);
    child.kill("SIGKILL");
    await child.exited;
    if (outcome === "here") return { id, ...ok(t`${name} sends its requests to the address in its file`) };
    return {
      id,
      ...fail(t`${name} sends no request to the address in its file`, `ch switch status --${service}`),
    };
  } catch (error) {
    return { id, ...fail(t`${name} could not be tried: ${errorText(error)}`) };
  } finally {
    await listener.stop(true);
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface ProbeHome extends ExamineOptions {
  readonly home: string;
  readonly port: number;
}

/** The client's file as it is without our switch, switched to the listener; why it cannot be, or null. */
async function prepareHome(
  service: Service,
  { env, home, paths, port, systemDirectories }: ProbeHome,
): Promise<Text | string | null> {
  const systemDirectory = systemDirectories?.[service];
  const own = { ...env, [SERVICE_FACTS[service].home.variable]: home, CODEX_HELPER_HOME: join(home, "ch") };
  const target = { service, paths: resolvePaths(own), env: own, systemDirectory };
  const editor = await CLIENTS[service].createEditor({ service, paths, env, systemDirectory });
  const { file: copy } = await CLIENTS[service].createEditor(target);
  const { text } = await readUnswitched({ service, paths, env, systemDirectory });
  const clean = text ?? (await readClientFile(editor)).text;
  const refusal = editor.findRefusal(clean);
  if (refusal !== null) return refusal.text;
  mkdirSync(join(home, "ch"), { mode: 0o700 });
  writeFileSync(copy, clean, { mode: PRIVATE_FILE });
  for (const [name, content] of Object.entries(CLIENTS[service].probeFiles))
    writeFileSync(join(home, name), content, { mode: PRIVATE_FILE });
  return await switchOn(target, { port, prefersOwnProvider: false }, { kind: "user" }).then(
    () => null,
    onUserError((error) => t`${SERVICE_FACTS[service].name} was not tried: ${error.text}`),
  );
}
