// The shape of config.json with all that a file may hold: for editors, for paths that somebody types, and for what is built here.
// Pure.
import { makeConfigFile, makeNamedConfig } from "./schema.ts";

const everything = () => true;

export const configFileSchema = makeConfigFile(everything);
export const namedConfigSchema = makeNamedConfig(everything);
