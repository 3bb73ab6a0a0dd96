// Whether an answer names another model than was asked for. A snapshot's date, an alias, a vendor's prefix, a window, an effort or
// a map of the user's own make no other model; where the name that was asked for leaves the choice to the upstream, none does.
// Pure.
import { keyOf, listSpellings } from "./price-names.ts";
import type { LogRecord } from "../log/record.ts";

/** What stands before or behind a name beside what prices know, and changes no model. */
const ADDITIONS: readonly RegExp[] = [
  // https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html: "us.anthropic.claude-..."
  /^(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|amazon|meta|cohere|ai21|mistral|deepseek|openai|qwen)\./,
  // https://help.sap.com/docs/sap-ai-core: "anthropic--claude-4.5-sonnet"
  /^(?:anthropic|openai|google|amazon)--/,
  // https://openrouter.ai/docs/guides/routing/model-variants
  /:(?:free|nitro|floor|online|thinking|extended|exacto|beta)$/,
  // https://cloud.google.com/vertex-ai/generative-ai/docs/maas/use-open-models: "deepseek-v3.2-maas"
  /-maas$/,
  // https://developers.openai.com/api/docs/models and https://ai.google.dev/gemini-api/docs/models: "gpt-4-0613", "-preview-05-06", "-001"
  /-(?:(?:0[1-9]|1[0-2])[0-3]\d|(?:preview|exp)(?:-\d\d-\d\d|-\d\d-20\d\d)?|00\d)$/,
];

interface Choice {
  /** The name asked for. */
  readonly asked: RegExp;
  readonly served: RegExp;
}

/** Names that stand for whatever their vendor has behind them at the time. */
const CHOICES: readonly Choice[] = [
  // https://openrouter.ai/docs/guides/routing/routers/auto-router, https://docs.cursor.com/models
  { asked: /(?:^|\/)(?:auto|default|best|fusion|router)(?:[-/:]|$)/, served: /./ },
  // https://api-docs.deepseek.com/quick_start/pricing: both are modes of one model
  { asked: /(?:^|\/)deepseek-(?:chat|reasoner)$/, served: /deepseek/ },
  // https://www.kimi.com/code/docs/en/more/third-party-agents.html, https://platform.kimi.ai/docs
  { asked: /(?:^|\/)(?:kimi-for-coding|kimi-latest)/, served: /kimi|moonshot/ },
  // https://ai.google.dev/gemini-api/docs/models#model-versions: "latest" is moved to new versions
  { asked: /(?:^|\/)gemini-(?:pro|flash|flash-lite)-latest$/, served: /gemini/ },
  // https://code.claude.com/docs/en/model-config: aliases of the newest of a family
  { asked: /^(?:opus|sonnet|haiku|opusplan)$/, served: /claude/ },
];

/** Vendors that say that they answer other makers' names with models of their own. */
const OWN_MODELS: readonly { readonly hosts: RegExp; readonly served: RegExp }[] = [
  // https://docs.z.ai/scenario-example/develop-tools/claude
  { hosts: /(?:^|\.)(?:z\.ai|bigmodel\.cn)$/, served: /^glm/ },
  // https://api-docs.deepseek.com/guides/anthropic_api: "Model name mapping"
  { hosts: /(?:^|\.)deepseek\.com$/, served: /^deepseek/ },
  // https://platform.kimi.ai/docs/guide/agent-support
  { hosts: /(?:^|\.)(?:kimi\.(?:com|ai)|moonshot\.(?:ai|cn))$/, served: /^(?:kimi|moonshot)/ },
  // https://platform.minimax.io/docs/token-plan/claude-code
  { hosts: /(?:^|\.)minimaxi?\.(?:io|com)$/, served: /^minimax/ },
  // https://www.alibabacloud.com/help/en/model-studio/claude-code
  { hosts: /(?:^|\.)aliyuncs\.com$/, served: /^qw/ },
  // https://learn.microsoft.com/azure/ai-foundry/openai/how-to/create-resource: the name asked for is that of a deployment
  { hosts: /(?:^|\.)azure\.com$/, served: /./ },
];

/** Of other names it is not known what they stand for. */
const KNOWN =
  /(?:^|[^a-z])(?:claude|gpt|chatgpt|codex|o[1345]|gemini|gemma|grok|deepseek|kimi|moonshot|glm|qwen|qwq|minimax|doubao|llama|mistral|codestral|devstral|magistral|mimo|hunyuan|ernie|nova)(?:[^a-z]|$)/;
/** What relays write where they do not know. */
const NO_NAME = /^(?:model|unknown|default|auto|none|null|undefined|n\/a|-)$/;

/** What a line or one of its attempts says of models. */
export type ModelNames = Pick<
  LogRecord,
  "chain_model" | "model" | "served_model" | "upstream_base_url" | "upstream_model"
>;

/** The name that the upstream was asked for. */
export function askedModel({ chain_model, model, upstream_model }: ModelNames): string | undefined {
  return upstream_model ?? chain_model ?? model;
}

/** `other`: the answer names another model; null: it names none, or what was asked for is not the name of a model that is known. */
export function matchModel(names: ModelNames): "same" | "other" | null {
  const { chain_model, model, served_model: served, upstream_base_url: baseUrl } = names;
  const asked = askedModel(names);
  if (served === undefined || asked === undefined) return null;
  if (served === asked) return "same";
  const [from, to] = [asked.toLowerCase(), served.trim().toLowerCase()];
  if (NO_NAME.test(to)) return null;
  const keys = keysOf(served);
  const isNamed = [asked, chain_model, model].some(
    (name) => name !== undefined && keysOf(name).some((key) => keys.includes(key)),
  );
  if (isNamed || CHOICES.some((one) => one.asked.test(from) && one.served.test(to))) return "same";
  const host = URL.parse(baseUrl ?? "")?.hostname ?? "";
  if (OWN_MODELS.some((own) => own.hosts.test(host) && keys.some((key) => own.served.test(key))))
    return "same";
  return KNOWN.test(from) ? "other" : null;
}

function keysOf(name: string): readonly string[] {
  const bare = name.split("/").at(-1) ?? name;
  const stripped = ADDITIONS.reduce(
    (left, addition) => left.replace(addition, ""),
    bare.trim().toLowerCase(),
  );
  return [name, stripped].flatMap((one) => listSpellings(one).map(({ key }) => stripEnd(key)));
}

/** Once more: an effort or a window may have stood behind it. */
function stripEnd(key: string): string {
  return keyOf(ADDITIONS.reduce((left, addition) => left.replace(addition, ""), key));
}
