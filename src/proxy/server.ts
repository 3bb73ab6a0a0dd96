// Binds the loopback port and hands every request to the handler. Answers nothing by itself but its own failures.
import { UserError, errorCode } from "../base/errors.ts";
import { t } from "../base/language.ts";
import type { Service } from "../base/service.ts";
import { makeErrorResponse } from "./local-error.ts";

export interface ServerOptions {
  readonly service: Service;
  /** 0 asks the system for a free port. */
  readonly port: number;
  readonly handle: (request: Request) => Promise<Response>;
  /** Told about anything that `handle` threw: a bug of ours. */
  readonly onBug: (error: unknown) => void;
}

export interface ProxyServer {
  readonly port: number;
  /** Takes no new connections, lets open exchanges finish for at most `graceMs`, then cuts them. */
  stop(graceMs: number): Promise<void>;
}

/** There is no way to listen beyond loopback. */
const LOOPBACK = "127.0.0.1";
/** Above our own body limit, so that it is we who answer 413. */
const BUN_BODY_LIMIT = 2 ** 30;

/** Throws UserError when the port is taken. Nothing is switched or changed by starting a server. */
export function startServer(options: ServerOptions): ProxyServer {
  const server = bind(options);
  return {
    port: server.port ?? options.port,
    async stop(graceMs) {
      const drained = server.stop();
      const timer = setTimeout(() => void server.stop(true), graceMs);
      await drained;
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

function bind(options: ServerOptions): Bun.Server<undefined> {
  const fail = (error: unknown): Response => {
    options.onBug(error);
    return makeErrorResponse(options.service, {
      status: 500,
      message: "codex-helper failed on this request",
    });
  };
  try {
    return Bun.serve({
      hostname: LOOPBACK,
      port: options.port,
      development: false,
      // Without this a second process would bind the same port and share the requests.
      reusePort: false,
      // Streams may be silent for minutes; the proxy has its own idle timers.
      idleTimeout: 0,
      maxRequestBodySize: BUN_BODY_LIMIT,
      fetch: (request) => options.handle(request).catch(fail),
      error: fail,
    });
  } catch (error) {
    if (errorCode(error) !== "EADDRINUSE" && errorCode(error) !== "EACCES") throw error;
    const { port } = options;
    const message =
      errorCode(error) === "EACCES"
        ? t`port ${port} on ${LOOPBACK} may not be used by this user`
        : t`port ${port} on ${LOOPBACK} is taken by another program`;
    throw new UserError(message, { cause: error });
  }
}
