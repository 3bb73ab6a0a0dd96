// The table of checks: what each looks at, when it speaks, and what to type then. Facts come in, findings go out.
// Pure.
import { CLIENT_NAME, type Service } from "../base/service.ts";

export type Status = "ok" | "info" | "warn" | "fail";

export interface Finding {
  readonly id: string;
  readonly status: Status;
  readonly message: string;
  /** A command to type, or one short instruction. */
  readonly hint?: string;
}

export interface ServiceFacts {
  readonly service: Service;
  /** Null when requests can be served; else why not, and what to type. */
  readonly routeProblem: { readonly message: string; readonly hint: string } | null;
  /** Nothing of this service is configured: it is not in use here. */
  readonly isUnused: boolean;
  readonly upstreams: readonly {
    readonly label: string;
    /** Why it cannot be asked, or null. */
    readonly unusable: string | null;
    readonly hasLiteralKey: boolean;
  }[];
  readonly switch: {
    readonly file: string;
    readonly isOn: boolean;
    readonly port: number | null;
    readonly isOwnerDead: boolean;
    readonly problem: string | null;
  };
  /** Does anything listen on the port that the client is pointed at? */
  readonly isProxyThere: boolean;
  /** What goes past the proxy although the client's file points at it. */
  readonly overrides: readonly { readonly where: string; readonly what: string; readonly hint: string }[];
}

export interface DoctorFacts {
  readonly services: readonly ServiceFacts[];
  readonly config: {
    readonly path: string;
    readonly isMissing: boolean;
    readonly problem: string | null;
    readonly warnings: readonly string[];
  };
  readonly filter: { readonly path: string; readonly problem: string | null };
  /** Our files and directories that others may read. */
  readonly openFiles: readonly string[];
  /** Files of the older program of the same name, left where they are. */
  readonly predecessorFiles: readonly string[];
}

export interface Check {
  readonly id: string;
  /** What is looked at: for the documentation. */
  readonly about: string;
  /** `ch doctor --fix` can put it right without losing anything. */
  readonly isFixable: boolean;
  /** One finding for each thing looked at; none where there is nothing to look at. */
  readonly run: (facts: DoctorFacts) => readonly Omit<Finding, "id">[];
}

const FIX = "ch doctor --fix";
const flagOf = (service: Service): string => (service === "claude" ? " --claude" : " --codex");

export const CHECKS: readonly Check[] = [
  {
    id: "config-file",
    about: "config.json can be read, and nothing in it is odd",
    isFixable: false,
    run: ({ config }) => {
      if (config.problem !== null)
        return [{ status: "fail", message: config.problem, hint: "ch config edit" }];
      if (config.isMissing) return [{ status: "ok", message: "there is no config.json yet" }];
      if (config.warnings.length === 0) return [{ status: "ok", message: `${config.path} is in order` }];
      return config.warnings.map((message) => ({ status: "warn", message, hint: "ch config edit" }));
    },
  },
  {
    id: "filter-file",
    about: "filter.json, if there is one, can be read: a broken one refuses requests",
    isFixable: false,
    run: ({ filter }) =>
      filter.problem === null
        ? [{ status: "ok", message: "redaction rules are in order, or there are none" }]
        : [{ status: "fail", message: filter.problem, hint: "ch filter check" }],
  },
  {
    id: "route",
    about: "each service in use has an upstream to ask",
    isFixable: false,
    run: ({ services }) =>
      services.map(({ isUnused, routeProblem, service, upstreams }) => {
        if (routeProblem === null)
          return {
            status: "ok",
            message: `${CLIENT_NAME[service]}: ${upstreams.length} upstream${upstreams.length === 1 ? "" : "s"}`,
          };
        if (isUnused)
          return {
            status: "info",
            message: `${CLIENT_NAME[service]} is not set up here`,
            hint: routeProblem.hint,
          };
        return { status: "fail", ...routeProblem };
      }),
  },
  {
    id: "credentials",
    about: "each upstream's key is there, and rather named than written down",
    isFixable: false,
    run: ({ services }) =>
      services.flatMap(({ service, upstreams }) =>
        upstreams.flatMap(({ hasLiteralKey, label, unusable }): Omit<Finding, "id">[] => {
          if (unusable !== null)
            return [
              {
                status: "fail",
                message: `${label}: ${unusable}`,
                hint: `ch config show ${label}${flagOf(service)}`,
              },
            ];
          if (!hasLiteralKey) return [{ status: "ok", message: `${label}: the key is there` }];
          return [
            {
              status: "info",
              message: `${label}: the key stands in config.json`,
              hint: "name a variable instead: auth_token_env",
            },
          ];
        }),
      ),
  },
  {
    id: "switch",
    about: "no client is left pointed at a proxy that is gone",
    isFixable: true,
    run: ({ services }) =>
      services.map(({ isProxyThere, service, switch: { file, isOn, isOwnerDead, port, problem } }) => {
        const client = CLIENT_NAME[service];
        if (problem !== null)
          return { status: "warn", message: problem, hint: `ch switch status${flagOf(service)}` };
        if (!isOn) return { status: "ok", message: `${client} is not switched` };
        if (isOwnerDead)
          return {
            status: "fail",
            message: `${client} is pointed at port ${port}, and the proxy that did it is gone (${file})`,
            hint: FIX,
          };
        if (!isProxyThere) {
          return {
            status: "fail",
            message: `${client} is pointed at port ${port}, where no proxy answers (${file})`,
            hint: `ch serve${flagOf(service)} --port ${port}, or: ch switch off${flagOf(service)}`,
          };
        }
        return { status: "ok", message: `${client} is pointed at the proxy on port ${port}` };
      }),
  },
  {
    id: "overrides",
    about: "nothing goes past the proxy: managed files, profiles, project settings, outbound proxies",
    isFixable: false,
    run: ({ services }) =>
      services.flatMap(({ overrides, service }): Omit<Finding, "id">[] => {
        if (overrides.length === 0)
          return [{ status: "ok", message: `${CLIENT_NAME[service]}: nothing goes past the proxy` }];
        return overrides.map(({ hint, what, where }) => ({
          status: "warn",
          message: `${where} ${what}`,
          hint,
        }));
      }),
  },
  {
    id: "file-modes",
    about: "our files can be read by their owner alone",
    isFixable: true,
    run: ({ openFiles }) =>
      openFiles.length === 0
        ? [{ status: "ok", message: "only you can read our files" }]
        : openFiles.map((path) => ({ status: "warn", message: `others may read ${path}`, hint: FIX })),
  },
  {
    id: "predecessor",
    about: "files of the older program of the same name, which are never touched",
    isFixable: false,
    run: ({ predecessorFiles }) =>
      predecessorFiles.map((path) => ({
        status: "info",
        message: `${path} belongs to the older codex-helper and is left alone`,
      })),
  },
];

/** All findings, in the order of the table. */
export function runChecks(facts: DoctorFacts): Finding[] {
  return CHECKS.flatMap(({ id, run }) => run(facts).map((finding) => ({ id, ...finding })));
}
