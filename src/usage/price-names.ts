// The names under which a model may be listed, out of the name that a client or a relay gave it. A rule takes away or turns
// round only what changes no price: a snapshot's date, an effort, a context window, a channel. It never touches a version, or
// a word that makes another model of it ("-mini", "-fast", "-codex"), so that what is not listed as it stands is not found.
// Pure.
import { type Text, t } from "../base/text.ts";
import { PRICE_VENDORS, regionOf } from "./price-vendors.ts";

export interface Spelling {
  /** As `keyOf` writes it. */
  readonly key: string;
  /** Whose list the name says, if any. */
  readonly vendor: string | null;
  /** Where it says that the model runs. */
  readonly region?: string;
  /** What was done to the name to get here; empty for the name as it is. */
  readonly changes: readonly Text[];
}

/** How a name is looked up: lists differ in capitals and in how they write a version: "claude-opus-4.6", "claude-opus-4-6". */
export function keyOf(name: string): string {
  return name.trim().toLowerCase().replace(/[._]/g, "-");
}

interface Rule {
  readonly what: Text;
  readonly pattern: RegExp;
  readonly to: string;
  /** The models that have it. Default: all. */
  readonly of?: RegExp;
}

const OPENAI_OR_CLAUDE = /^(?:[a-z-]+-)?(?:gpt-\d|o\d|codex-|chatgpt-|claude-)/;
const CLAUDE = /(?:^|-)claude-/;
const EFFORTS = "none|minimal|low|medium|high|xhigh|max|ultra";

/** In brackets these would be no channel but another way to be served, at another price. */
const SERVED = "(?:fast|ultrafast|priority|flex|batch|free|turbo|mini|nano|lite|air|pro|highspeed|lightning)";

/** Each is tried on what the others made of the name, in this order. */
const RULES: readonly Rule[] = [
  {
    what: t`a channel in brackets`,
    pattern: new RegExp(
      String.raw`^(?!.${SERVED}[\])】）])(?:\[[^\]]*\]|【[^】]*】|\([^)]*\)|（[^）]*）)\s*-?`,
    ),
    to: "",
  },
  {
    what: t`a note in brackets`,
    pattern: new RegExp(String.raw`\s*-?(?:\[(?!${SERVED}\])[^\]]*\]|【(?!${SERVED}】)[^】]*】)$`),
    to: "",
  },
  {
    what: t`an effort in brackets`,
    pattern: new RegExp(String.raw`\s*\((?:${EFFORTS}|auto|-?\d+)\)$`),
    to: "",
  },
  { what: t`a context window`, pattern: /-(?:\[1m\]|1m)$/, to: "", of: CLAUDE },
  // "gpt-5.1-codex-max" is a model, and so would another "-codex-max" be.
  {
    what: t`an effort`,
    pattern: new RegExp(`-(?:${EFFORTS.replace("max|ultra", "(?<!-codex-)max|ultra")})$`),
    to: "",
    of: OPENAI_OR_CLAUDE,
  },
  {
    what: t`a thinking mode`,
    pattern: /(?:-(?:no|non)?-?think(?:ing)?(?:-\d+k?)?|:thinking)$/,
    to: "",
    of: CLAUDE,
  },
  { what: t`a version of Bedrock's`, pattern: /(?<=-\d[\w-]*)-v\d+(?::\d+(?::\w+)?)?$/, to: "", of: CLAUDE },
  {
    what: t`the date of a snapshot`,
    pattern: /[-@]20\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])$/,
    to: "",
  },
  {
    what: t`the date of a snapshot`,
    pattern: /-2\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/,
    to: "",
    of: /^doubao-/,
  },
  { what: t`"latest"`, pattern: /[-@:](?:latest|default)$/, to: "" },
  {
    what: t`the order of words`,
    // Not where more of a version follows: "claude-5-sonnet-5" is nothing that is known.
    pattern: /claude-(\d+(?:-\d{1,2})?)-(opus|sonnet|haiku|fable|mythos)(?=-(?!\d{1,2}(?!\d))|$)/,
    to: "claude-$2-$1",
  },
  {
    what: t`the order of words`,
    pattern: /claude-(opus|sonnet|haiku)-(3(?:-\d)?)(?=-(?!\d{1,2}(?!\d))|$)/,
    to: "claude-$2-$1",
  },
  {
    what: t`a version of ".0"`,
    pattern: /(claude-(?:opus|sonnet|haiku|fable|mythos)-\d)-0(?=-(?!\d{1,2}(?!\d))|$)/,
    to: "$1",
  },
  { what: t`Azure's spelling`, pattern: /^gpt-35-/, to: "gpt-3-5-" },
  { what: t`the owner of a fine-tuned model`, pattern: /^(ft:[^:]+):.*$/, to: "$1" },
];

/** What a longer chain of rules would come to is no name of a model any more. */
const MOST_SPELLINGS = 64;

/** The most exact first. */
export function listSpellings(model: string): readonly Spelling[] {
  const found = new Map<string, Spelling>();
  const queue: Spelling[] = readPlaces(model.slice(0, LONGEST_NAME).trim().toLowerCase());
  for (let at = 0; at < queue.length && found.size < MOST_SPELLINGS; at += 1) {
    const one = queue[at];
    if (one === undefined || one.key === "" || found.has(`${one.vendor} ${one.key}`)) continue;
    found.set(`${one.vendor} ${one.key}`, one);
    for (const { what, pattern, to, of } of RULES) {
      if (of !== undefined && !of.test(one.key)) continue;
      const key = one.key.replace(pattern, to);
      if (key !== one.key) queue.push({ ...one, key, changes: [...one.changes, what] });
    }
  }
  return [...found.values()];
}

const LONGEST_NAME = 300;
/** Bedrock names the maker, and before it where its profile routes to. */
const BEDROCK =
  /^(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|amazon|meta|cohere|ai21|mistral|deepseek|openai|qwen)\.(?=[a-z])/;
const VERTEX = /(?:^|\/)(?:locations\/([a-z0-9-]+)\/)?publishers\/[a-z0-9-]+\/models\/([^/]+)$/;
const ARN = /^arn:aws[\w-]*:bedrock:([a-z0-9-]*):[^/]*\/(.+)$/;

/** The name whole, and what of it names the model, with the vendor that stands before it. */
function readPlaces(name: string): Spelling[] {
  const [, region = "", profile] = ARN.exec(name) ?? [];
  if (profile !== undefined) return inRegion({ key: keyOf(profile), vendor: "bedrock", changes: [] }, region);
  const [, location = "", published] = VERTEX.exec(name) ?? [];
  if (published !== undefined)
    return [{ key: keyOf(published), vendor: "vertex", region: regionOf(location), changes: [] }];
  const whole: Spelling = { key: keyOf(name), vendor: vendorOfId(name), changes: [] };
  const parts = name.split("/");
  const bare = parts.at(-1) ?? name;
  if (parts.length === 1) return [whole, ...readPrefix(bare, null)];
  const vendors = parts.slice(0, -1).map(vendorOfMaker);
  const last = vendors.findLastIndex((one) => one !== null);
  const vendor = vendors[last] ?? null;
  const changes = [t`what stands before the slash`];
  const from = (index: number, of: string | null): Spelling[] =>
    index < 0 || index >= parts.length - 1
      ? []
      : [{ key: keyOf(parts.slice(index).join("/")), vendor: of, changes }];
  return [
    whole,
    // "azure/eu/gpt-5": the region is a part of the name there. "openrouter/openai/gpt-5": so is the maker.
    ...from(last + 1, vendor),
    ...(last > 0 ? from(last, vendors[last - 1] ?? null) : []),
    { key: keyOf(bare), vendor: vendorOfId(bare) ?? vendor, changes },
    ...readPrefix(bare, vendor),
  ];
}

/** "azure-gpt-5". */
function readPrefix(name: string, vendor: string | null): Spelling[] {
  return PRICE_VENDORS.flatMap(({ id, prefixes = [] }) =>
    prefixes
      .filter((prefix) => name.startsWith(`${prefix}-`) || name.startsWith(`${prefix}_`))
      .map((prefix) => ({
        key: keyOf(name.slice(prefix.length + 1)),
        vendor: vendor ?? id,
        changes: [t`the vendor before its name`],
      })),
  );
}

function vendorOfId(name: string): string | null {
  if (BEDROCK.test(name)) return "bedrock";
  return /^claude-[\w.-]+@/.test(name) ? "vertex" : null;
}

function vendorOfMaker(maker: string): string | null {
  return PRICE_VENDORS.find(({ makers }) => makers?.includes(maker))?.id ?? null;
}

/** Of some regions Bedrock has prices of their own. */
export function inRegion(spelling: Spelling, region: string): Spelling[] {
  return region === "" ? [spelling] : [{ ...spelling, key: `${region}/${spelling.key}` }, spelling];
}
