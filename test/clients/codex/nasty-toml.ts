// Hand-written config.toml files that editors have broken before, each with the route a switch takes in it.
import type { CodexRoute } from "../../../src/clients/codex/toml.ts";

export interface NastyToml {
  readonly name: string;
  readonly text: string;
  readonly route: CodexRoute;
}

const openai: CodexRoute = { kind: "openai" };
const own: CodexRoute = { kind: "own" };
const provider = (id: string): CodexRoute => ({ kind: "provider", id });

const RELAY = `[model_providers.relay]
name = "Relay"
base_url = "https://relay.example/v1"
env_key = "RELAY_KEY"
`;

const TABLE: readonly (readonly [name: string, text: string, ...routes: CodexRoute[]])[] = [
  ["nothing at all", "", openai, own],
  ["a BOM and nothing else", "\ufeff", openai, own],
  ["a single line break", "\n", openai, own],
  ["a Windows line break and nothing else", "\r\n", openai, own],
  ["blanks without a line break", "   \t", openai, own],
  ["several empty lines", "\n\n\n", openai, own],
  ["a comment without a line break", "# mine", openai, own],
  ["a comment with one", "# mine\n", openai, own],
  ["one key without a line break", 'model = "gpt-6"', openai, own],
  ["one key with one", 'model = "gpt-6"\n', openai, own],
  ["a key between blank lines", '\n\nmodel = "gpt-6"\n\n\n', openai, own],
  ["a table without a line break", "[features]\nx = true", openai, own],
  ["only an empty header", "[features]", openai, own],
  ["a header with a comment", "[features] # why", openai, own],
  ["a comment above the first table", 'model = "a"\n\n# my features\n[features]\nx = true\n', openai, own],
  [
    "keys after comments that look like tables",
    '# [model_providers.x]\n# base_url = "y"\nmodel = "a"\n',
    openai,
    own,
  ],
  ["CRLF throughout", 'model = "a"\r\n\r\n[features]\r\nx = true\r\n', openai, own],
  ["CRLF without a final one", 'model = "a"\r\n[features]\r\nx = true', openai, own],
  ["mixed line breaks", 'model = "a"\nb = 1\r\n# c\n\r\n[features]\r\nx = true\n', openai, own],
  ["one LF among CRLF at the end", "a = 1\r\nb = 2\r\nc = 3\n", openai, own],
  ["BOM and CRLF", '\ufeffmodel = "a"\r\n', openai, own],
  ["a BOM before a table", "\ufeff[features]\nx = true\n", openai, own],
  ["a user's own openai_base_url", 'openai_base_url = "https://relay.example/v1"\n', openai],
  ["the same in single quotes with a comment", "openai_base_url='https://relay.example/v1'# mine\n", openai],
  ["the same over three lines", 'openai_base_url = """\nhttps://relay.example/v1"""\n', openai],
  ["the same in literal lines", "openai_base_url = '''https://relay.example/v1''' # x\r\n", openai],
  ["the same with a quoted key", '"openai_base_url" = "https://relay.example/v1"', openai],
  ["an escaped value", 'openai_base_url = "\\u0068ttps://relay.example/\\"v1\\\\"\n', openai],
  ["an empty value", "openai_base_url = \"\"\nmodel_provider = ''\n", openai, own],
  ["a value with a hash", 'openai_base_url = "https://relay.example/#v1" # "quoted" # twice\n', openai],
  [
    "the key inside a multi-line string",
    'notes = """\nopenai_base_url = "no"\n[x]\n"""\nmodel = "a"\n',
    openai,
    own,
  ],
  [
    "a header inside a literal string at the end",
    "a = '''\n[model_providers.relay]\nbase_url = 'x'\n'''",
    openai,
    own,
  ],
  [
    "a last top-level key over several lines",
    "list = [\n  1, # one\n  2,\n] # end\n[t]\na = 1\n",
    openai,
    own,
  ],
  ["model_provider set to the built-in one", 'model_provider = "openai" # default\n', openai, own],
  ["a relay in a table", `model_provider = "relay"\n${RELAY}`, provider("relay"), own],
  ["a relay in CRLF", `model_provider = "relay"\n${RELAY}`.replaceAll("\n", "\r\n"), provider("relay"), own],
  [
    "a relay with no final line break",
    `model_provider = "relay"\n${RELAY}`.trimEnd(),
    provider("relay"),
    own,
  ],
  [
    "a relay with its URL last",
    'model_provider = "r"\n[model_providers.r]\nname = "r"\nbase_url = "https://r.example"',
    provider("r"),
  ],
  [
    "a relay with a comment right behind its URL",
    'model_provider="r"\n[model_providers.r]\nbase_url="https://r.example"#c\nname="r"\n',
    provider("r"),
  ],
  [
    "a URL in single quotes",
    "[model_providers.r]\nname = 'r'\nbase_url = 'https://r.example'   # c\n",
    provider("r"),
  ],
  [
    "a URL in multi-line quotes",
    '[model_providers.r]\nname = "r"\nbase_url = """https://r.example"""\n',
    provider("r"),
  ],
  [
    "a URL folded over lines",
    '[model_providers.r]\nname = "r"\nbase_url = """\\\n   https://r.example\\\n   /v1"""\n',
    provider("r"),
  ],
  ["an empty URL", '[model_providers.r]\nname = "r"\nbase_url = ""\n', provider("r")],
  ["no URL", '[model_providers.r]\nname = "r"\n\n[other]\na = 1\n', provider("r")],
  ["no URL and indented keys", '[model_providers.r]\r\n\t name = "r"\r\n', provider("r")],
  ["no URL, header at the end of the file", "[model_providers.r]", provider("r")],
  [
    "an id with a dot",
    '[model_providers."x.y"]\nname = "n"\nbase_url = "https://r.example"\n',
    provider("x.y"),
  ],
  [
    "an id with a quote and a bracket",
    '[model_providers."a\\"]b"]\nname = "n"\nbase_url = "https://r.example"\n',
    provider('a"]b'),
  ],
  ["an empty id", '[model_providers.""]\nname = "n"\nbase_url = "https://r.example"\n', provider("")],
  [
    "an id in single quotes with blanks",
    "[ model_providers . 'my relay' ]\nname = 'n'\nbase_url = 'https://r.example'\n",
    provider("my relay"),
  ],
  [
    "an id that JavaScript knows",
    '[model_providers.__proto__]\nname = "n"\nbase_url = "https://r.example"\n',
    provider("__proto__"),
  ],
  [
    "another one",
    '[model_providers.constructor]\nname = "n"\nbase_url = "https://r.example"\n',
    provider("constructor"),
  ],
  [
    "dotted keys at the top",
    'model_providers.r.name = "r"\nmodel_providers.r.base_url = "https://r.example"\nmodel = "x"\n',
    provider("r"),
  ],
  [
    "dotted keys in [model_providers]",
    '[model_providers]\nr.name = "r"\nr.base_url = "https://r.example" # c\ns.name = "s"\n',
    provider("r"),
  ],
  [
    "dotted and quoted keys with blanks",
    '[model_providers]\nr . "name" = "r"\n"r" . base_url="https://r.example"\n',
    provider("r"),
  ],
  ["an inline table", 'model_providers.r = { name = "r", base_url = "https://r.example" }\n', provider("r")],
  [
    "an inline table in [model_providers]",
    '[model_providers]\nr = {name="r",base_url="https://r.example",env_key="K"} # c',
    provider("r"),
  ],
  [
    "everything inline",
    'model_providers = { r = { base_url = "https://r.example", name = "r" }, s = { name = "s", base_url = "http://127.0.0.1:8080/v1" } }\n',
    provider("r"),
  ],
  [
    "an inline table over lines with comments",
    '[model_providers]\nr = { # open\n  name = "r", # n\n  base_url = "https://r.example", # u\n} # close\nx = { name = "x" }\n',
    provider("r"),
  ],
  [
    "dotted keys in an inline table",
    'model_providers = { r.name = "r", r.base_url = "https://r.example", }',
    provider("r"),
  ],
  [
    "two providers with the same URL",
    `model_provider = "b"\n[model_providers.a]\nname = "a"\nbase_url = "https://r.example"\n[model_providers.b]\nname = "b"\nbase_url = "https://r.example"\n`,
    provider("b"),
    own,
  ],
  [
    "another provider on a local address",
    `${RELAY}[model_providers.local]\nname = "l"\nbase_url = "http://127.0.0.1:9/v1"\n`,
    provider("relay"),
    own,
  ],
  [
    "a user's own provider of our name",
    'model_provider = "codex_proxy"\n[model_providers.codex_proxy]\nname = "Mine"\nbase_url = "https://r.example/v1"\n',
    provider("codex_proxy"),
  ],
  [
    "the same without a URL",
    'model_provider = "codex_proxy"\n[model_providers.codex_proxy]\nname = "Mine"\n',
    provider("codex_proxy"),
  ],
  [
    "the same inline, beside another one",
    'model_provider = "codex_proxy"\nmodel_providers = { r = { base_url = "https://r.example" }, codex_proxy = { base_url = "https://s.example", name = "Mine" } }\n',
    provider("codex_proxy"),
  ],
  [
    "what another program of our name left, pointed at itself",
    'model_provider = "codex_proxy"\n\n[model_providers.codex_proxy]\nname = "codex-helper"\nbase_url = "http://127.0.0.1:3211"\nwire_api = "responses"\n',
    provider("codex_proxy"),
  ],
  [
    "sub-tables before their table",
    '[model_providers.r.http_headers]\na = "b"\n[model_providers.r]\nname = "r"\nbase_url = "https://r.example"\n',
    provider("r"),
  ],
  [
    "a table far from its sub-tables",
    '[model_providers.r]\nbase_url = "https://r.example"\nname = "r"\n[z]\n[model_providers.r.query_params]\nv = "1"\n',
    provider("r"),
  ],
  [
    "arrays of tables around",
    "[[hooks]]\na = 1\n[[hooks]]\na = 2\n[hooks.deep]\nb = 1\n" + RELAY,
    provider("relay"),
    own,
  ],
  [
    "a base_url of something else",
    'base_url = "x"\n[mcp_servers.a]\nbase_url = "y"\nopenai_base_url = "z"\nmodel_provider = "w"\n' + RELAY,
    provider("relay"),
    openai,
    own,
  ],
  [
    "integers of 64 bits, dates, inf and nan",
    "a = 9223372036854775807\nb = -9223372036854775808\nc = 1979-05-27T07:32:00.123-07:00\nd = 07:32\ne = inf\nf = -nan\ng = 0xDEAD_BEEF\nh = 1e-7\n",
    openai,
    own,
  ],
  ["escapes of TOML 1.1", 'a = "\\e[0m\\x41"\nb = 07:32\n', openai, own],
  [
    "unicode everywhere",
    '"ключ" = "值 🎉"\n# комментарий 🦀\n[projects."/home/ü/проект"]\ntrust_level = "trusted" # да\n',
    openai,
    own,
  ],
  ["trailing blanks on every line", 'model = "a"  \t\n  \n[t]   \na = 1\t\n  ', openai, own],
  ["deep indentation", '\t\tmodel = "a"\n\t[t]\n\t\ta = 1\n', openai, own],
  ["comments that speak of us", '# codex-helper: was "x"\nmodel = "a" # codex-helper\n', openai, own],
  [
    "what Codex itself writes",
    'model = "gpt-6"\nmodel_reasoning_effort = "high"\n\n[projects."/work/a"]\ntrust_level = "trusted"\n\n[mcp_servers.x]\ncommand = "npx"\nargs = ["-y", "x"]\n\n[mcp_servers.x.env]\nKEY = "v"\n\n[tui]\nstatus = true\n',
    openai,
    own,
  ],
  [
    "a quarter of a megabyte",
    `${RELAY}${Array.from({ length: 4000 }, (_, n) => `[projects."/home/someone/work/project-${n}"]\ntrust_level = "trusted"\n`).join("\n")}`,
    provider("relay"),
    openai,
    own,
  ],
  ["one very long string", `notes = "${"x".repeat(200_000)}"\n${RELAY}`, provider("relay")],
];

export const NASTY_TOML: readonly NastyToml[] = TABLE.flatMap(([name, text, ...routes]) =>
  routes.map((route) => ({ name: `${name} (${route.kind})`, text, route })),
);

/** Files that must be left alone, and a word of the reason. */
export const REFUSED_TOML: readonly (readonly [
  name: string,
  text: string,
  route: CodexRoute,
  reason: RegExp,
])[] = [
  ["a bare carriage return", "a = 1\rb = 2\n", openai, /line 1: a carriage return/],
  ["a bare carriage return in a string", "a = '''\r'''\n", openai, /carriage return/],
  ["a NUL", 'a = "x\u0000"\n', openai, /NUL/],
  ["a key without a value", "a = \n", openai, /line 2, column 1/],
  ["a text that is no TOML", "{not toml", openai, /line 1/],
  ["an open string", '[t]\na = "x\n', openai, /line 2/],
  ["a key twice", "a = 1\na = 2\n", openai, /line 2/],
  ["a table twice", "[t]\n[t]\n", openai, /line 2/],
  ["more than 512 KB", `a = "${"x".repeat(530_000)}"\n`, openai, /512 KB/],
  ["openai_base_url that is a number", "openai_base_url = 1\n", openai, /must be a string/],
  ["model_provider that is a list", 'model_provider = ["a"]\n', own, /must be a string/],
  ["a base_url that is a table", "[model_providers.r.base_url]\na = 1\n", provider("r"), /no safe place/],
  ["a base_url that is a number", "[model_providers.r]\nbase_url = 1\n", provider("r"), /must be a string/],
  [
    "an inline provider without a URL",
    'model_providers.r = { name = "r" }\n',
    provider("r"),
    /no safe place/,
  ],
  [
    "a provider of dotted keys without a URL",
    'model_providers.r.name = "r"\n',
    provider("r"),
    /no safe place/,
  ],
  ["a provider that is not there", RELAY, provider("other"), /no safe place/],
  [
    "a foreign provider of our name",
    '[model_providers.codex_proxy]\nname = "mine"\n',
    own,
    /was not written by ch/,
  ],
  [
    "a foreign inline provider of our name",
    'model_providers.codex_proxy = { name = "mine" }\n',
    own,
    /was not written by ch/,
  ],
  ["providers in an inline table", 'model_providers = { r = { name = "r" } }\n', own, /inline table/],
];
