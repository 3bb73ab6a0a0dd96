// A port on loopback: bound at once, so that clients can connect and nobody else takes it, and answered from when the rest of the
// program is loaded. A request that comes before that waits.
import { UserError, errorCode } from "../base/errors.ts";
import { t } from "../base/text.ts";

export type Door = ReturnType<typeof openDoor>;

interface Answers {
  readonly answer: (request: Request) => Promise<Response>;
  /** Of what `answer` threw. */
  readonly fail: (error: unknown) => Response;
}

/** There is no way to listen beyond loopback. */
const LOOPBACK = "127.0.0.1";
/** Above our own body limit, so that it is we who answer 413. */
const BUN_BODY_LIMIT = 2 ** 30;

/** `port` 0 is any free one. Throws UserError when it is in use. */
export function openDoor(port: number) {
  const loaded = Promise.withResolvers<Answers>();
  let answer: Answers["answer"] = async (request) => (await loaded.promise).answer(request);
  let fail: Answers["fail"] = (error) => {
    throw error;
  };
  const server = bind({
    hostname: LOOPBACK,
    port,
    development: false,
    // Without this a second process would bind the same port and share the requests.
    reusePort: false,
    // Streams may be silent for minutes; the proxy has its own idle timers.
    idleTimeout: 0,
    maxRequestBodySize: BUN_BODY_LIMIT,
    fetch: (request) => answer(request),
    error: (error) => fail(error),
  });
  return {
    server,
    port: server.port ?? port,
    /** From now on requests are answered, those that wait first. */
    answerWith(answers: Answers): void {
      ({ answer, fail } = answers);
      loaded.resolve(answers);
    },
    /** Nothing will answer: those that wait are cut. */
    close: (): Promise<void> => server.stop(true),
  };
}

function bind(options: Bun.Serve.Options<undefined> & { readonly port: number }): Bun.Server<undefined> {
  try {
    return Bun.serve(options);
  } catch (error) {
    const { port } = options;
    if (errorCode(error) !== "EADDRINUSE" && errorCode(error) !== "EACCES") throw error;
    const message =
      errorCode(error) === "EACCES"
        ? t`no permission to use port ${port} on ${LOOPBACK}`
        : t`port ${port} on ${LOOPBACK} is in use by another program`;
    throw new UserError(message, { cause: error });
  }
}
