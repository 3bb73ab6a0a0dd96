// From what was typed to the service, config and upstream that it means, with near names for what does not exist.
// Pure.
import { UserError } from "../../../base/errors.ts";
import { CLIENT_NAME, DEFAULT_SERVICE, SERVICES, type Service, flagFor } from "../../../base/service.ts";
import { t } from "../../language.ts";
import { type Target, parseTarget } from "../../../config/name.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import { type ServiceFlags, readService, usageError } from "../../args.ts";
import { similarNames } from "../../../base/similar-names.ts";

/** The service of a flag, else the default service. */
export function chooseService(args: ServiceFlags, config: ParsedConfig): Service {
  return readService(args) ?? config.defaultService ?? DEFAULT_SERVICE;
}

/** NAME or NAME#N of a config that exists. Throws UserError with near names. */
export function findTarget(config: ParsedConfig, service: Service, text: string): Target {
  const target = parseTarget(text);
  requireConfig(config, service, target.name);
  return target;
}

/** The name of a config that exists. NAME#N is refused. */
export function findName(config: ParsedConfig, service: Service, text: string): string {
  const name = parseName(text);
  requireConfig(config, service, name);
  return name;
}

/** A name without #N, of a config that exists or not. */
export function parseName(text: string): string {
  const { name, position } = parseTarget(text);
  if (position === null) return name;
  throw usageError(t`"${text}" is an upstream, but a config is needed here: ${name}`);
}

/** NAME#N of a config that exists. NAME alone is refused. */
export function findUpstream(
  config: ParsedConfig,
  service: Service,
  text: string,
): Target & { position: number } {
  const { name, position } = findTarget(config, service, text);
  if (position !== null) return { name, position };
  throw usageError(t`"${text}" is a config, but one of its upstreams is needed here: ${text}#1`);
}

function requireConfig(config: ParsedConfig, service: Service, name: string): void {
  const names = namesOf(config, service);
  if (names.includes(name)) return;
  const near = similarNames(name, names);
  const client = CLIENT_NAME[service];
  const meant = near.map((one) => t`"${one}"`).join(t` or `);
  const hints = [
    ...(near.length > 0 ? [t`did you mean ${meant}?`] : []),
    ...SERVICES.filter((other) => namesOf(config, other).includes(name)).map(
      (other) => t`${CLIENT_NAME[other]} has a config of that name: --${other}`,
    ),
    `ch config list${flagFor(service)}`,
  ];
  throw new UserError(t`${client} has no config "${name}"`, { hint: hints.join("\n") });
}

function namesOf(config: ParsedConfig, service: Service): string[] {
  const { configs, broken } = config.services[service];
  return [...new Set([...configs.keys(), ...broken.keys()])];
}
