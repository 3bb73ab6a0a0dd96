// The Model Context Protocol over lines of JSON-RPC, as a server of tools: one message in, what to answer out. Of both eras: the
// handshake of 2025-11-25 and before, and the self-contained requests of 2026-07-28. Why not the SDK: docs/decisions/mcp.md.
// Pure, but for the tools that it is given.
import { type JsonRecord, isRecord } from "../../base/json-value.ts";
import { VERSION } from "../../base/version.ts";

export interface ToolAnswer {
  /** For the model. */
  readonly text: string;
  /** The same as data. */
  readonly data: JsonRecord;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Of its arguments. */
  readonly properties: Readonly<Record<string, Argument>>;
  /** Rejects with words for the model. */
  readonly call: (args: Readonly<Record<string, string>>, client: string) => Promise<ToolAnswer>;
}

interface Argument {
  readonly type: "string";
  readonly description: string;
  readonly enum?: readonly string[];
}

type Id = string | number;
type Message = Readonly<Record<string, unknown>>;

const MODERN = ["2026-07-28"];
/** The newest first. */
const WITH_HANDSHAKE = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
const META = "io.modelcontextprotocol/";
const SERVER = { name: "codex-helper", title: "codex-helper", version: VERSION };
const INSTRUCTIONS =
  "Asks the local proxy that carries this session's requests: what is left of its quotas, which upstream a request would go to and why, and what was spent. Reads only.";
const MOST_IN_BATCH = 50;
/** The tools are always the same. */
const CACHE = { ttlMs: 3_600_000, cacheScope: "public" };

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;
const INTERNAL_ERROR = -32_603;
const UNSUPPORTED_VERSION = -32_022;

class ProtocolError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: object,
  ) {
    super(message);
  }
}

export function createMcpServer(tools: readonly Tool[]) {
  /** As the client of a handshake names itself. */
  let client = "";

  const describeTools = () =>
    tools.map(({ description, name, properties, title }) => ({
      name,
      title,
      description,
      inputSchema: { type: "object", properties, additionalProperties: false },
      annotations: {
        title,
        readOnlyHint: true,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    }));

  const callTool = async (params: Message, asker: string): Promise<JsonRecord> => {
    const tool = tools.find(({ name }) => name === params["name"]);
    if (tool === undefined) throw new ProtocolError(INVALID_PARAMS, "Unknown tool");
    try {
      const { data, text } = await tool.call(readArguments(tool, params["arguments"]), asker);
      return { content: [{ type: "text", text }], structuredContent: data, isError: false };
    } catch (error) {
      // The model can do something about it.
      const text = error instanceof Error ? error.message : String(error);
      return { content: [{ type: "text", text }], isError: true };
    }
  };

  const METHODS: Readonly<
    Record<string, (params: Message, asker: string) => JsonRecord | Promise<JsonRecord>>
  > = {
    initialize({ clientInfo, protocolVersion }) {
      client = nameOf(clientInfo);
      const known = WITH_HANDSHAKE.find((one) => one === protocolVersion);
      return {
        protocolVersion: known ?? WITH_HANDSHAKE[0],
        capabilities: { tools: { listChanged: false } },
        serverInfo: SERVER,
        instructions: INSTRUCTIONS,
      };
    },
    "server/discover": () => ({
      supportedVersions: [...MODERN, ...WITH_HANDSHAKE],
      capabilities: { tools: {} },
      instructions: INSTRUCTIONS,
      ...CACHE,
    }),
    ping: () => ({}),
    "tools/list": () => ({ tools: describeTools() }),
    "tools/call": callTool,
  };

  const run = async (method: string, params: Message): Promise<JsonRecord> => {
    const meta = isRecord(params["_meta"]) ? params["_meta"] : {};
    const asked = meta[`${META}protocolVersion`];
    const isModern = asked !== undefined;
    if (isModern && !MODERN.some((one) => one === asked))
      throw new ProtocolError(UNSUPPORTED_VERSION, "Unsupported protocol version", {
        supported: [...MODERN, ...WITH_HANDSHAKE],
        requested: asked,
      });
    const work = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
    if (work === undefined) throw new ProtocolError(METHOD_NOT_FOUND, "Method not found");
    const result = await work(params, isModern ? nameOf(meta[`${META}clientInfo`]) : client);
    if (!isModern && method !== "server/discover") return result;
    return {
      resultType: "complete",
      ...result,
      ...(method === "tools/list" ? CACHE : {}),
      _meta: { [`${META}serverInfo`]: SERVER },
    };
  };

  /** Null for what is not answered: notifications, and answers to nothing. */
  const take = async (message: unknown): Promise<JsonRecord | null> => {
    if (!isRecord(message)) return refuse(null, new ProtocolError(INVALID_REQUEST, "Invalid request"));
    const { id, method, params } = message;
    if (id === undefined && typeof method === "string") return null;
    if (method === undefined && ("result" in message || "error" in message)) return null;
    if (!isId(id) || typeof method !== "string" || message["jsonrpc"] !== "2.0")
      return refuse(isId(id) ? id : null, new ProtocolError(INVALID_REQUEST, "Invalid request"));
    try {
      if (params !== undefined && !isRecord(params))
        throw new ProtocolError(INVALID_PARAMS, "Params must be an object");
      return { jsonrpc: "2.0", id, result: await run(method, params ?? {}) };
    } catch (error) {
      if (error instanceof ProtocolError) return refuse(id, error);
      return refuse(id, new ProtocolError(INTERNAL_ERROR, "Internal error"));
    }
  };

  return {
    /** One line of input; what to write for it as one line, or null. Never rejects. */
    async answer(line: string): Promise<string | null> {
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        return JSON.stringify(refuse(null, new ProtocolError(PARSE_ERROR, "Parse error")));
      }
      if (!Array.isArray(message)) {
        const answered = await take(message);
        return answered === null ? null : JSON.stringify(answered);
      }
      // Only the revision 2025-03-26 has them.
      if (message.length === 0 || message.length > MOST_IN_BATCH)
        return JSON.stringify(refuse(null, new ProtocolError(INVALID_REQUEST, "Invalid batch")));
      const answers: JsonRecord[] = [];
      for (const one of message as readonly unknown[]) {
        const answered = await take(one);
        if (answered !== null) answers.push(answered);
      }
      return answers.length === 0 ? null : JSON.stringify(answers);
    },
    /** For a line that is longer than any message may be. */
    refuseLong: (): string =>
      JSON.stringify(refuse(null, new ProtocolError(INVALID_REQUEST, "The message is too long"))),
  };
}

function refuse(id: Id | null, { code, data, message }: ProtocolError): JsonRecord {
  return { jsonrpc: "2.0", id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

const isId = (id: unknown): id is Id =>
  typeof id === "string" || (typeof id === "number" && Number.isFinite(id));

function nameOf(info: unknown): string {
  return isRecord(info) && typeof info["name"] === "string" ? info["name"] : "";
}

function readArguments({ properties }: Tool, given: unknown = {}): Readonly<Record<string, string>> {
  const args = given ?? {};
  if (!isRecord(args)) throw new Error("The arguments must be an object.");
  for (const [name, value] of Object.entries(args)) {
    const argument = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (argument === undefined)
      throw new Error(`There is no such argument; there are: ${Object.keys(properties).join(", ")}.`);
    if (typeof value !== "string" || value.length > MOST_CHARS)
      throw new Error(`The argument ${name} must be a short text.`);
    if (argument.enum !== undefined && !argument.enum.includes(value))
      throw new Error(`The argument ${name} must be one of: ${argument.enum.join(", ")}.`);
  }
  return args as Readonly<Record<string, string>>;
}

const MOST_CHARS = 500;
