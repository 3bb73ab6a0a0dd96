// The rows of FAULTS "config.json" that show in the text alone; each title begins with its row.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UserError } from "../../src/base/errors.ts";
import { inEnglish } from "../../src/base/text.ts";
import { keepUsable, parseConfig } from "../../src/config/parse.ts";

const FILE = "config.json";
const parse = (value: unknown) =>
  parseConfig(typeof value === "string" ? value : JSON.stringify(value), FILE);
const upstream = (parts: object = {}) => ({ base_url: "https://relay.example/v1", ...parts });
const withUpstreams = (upstreams: unknown) => ({ codex: { configs: { main: { upstreams } } } });
const withUpstream = (parts: object) => parse(withUpstreams([upstream(parts)]));
const errorOf = (text: unknown): string => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("it was accepted");
};
const brokenOf = (value: unknown): string =>
  [...parse(value).services.codex.broken.values()].map(inEnglish).join("\n");

const FOUNDING_COMMON = `{
"version": 1,
"codex": {
"active": "codex-main",
"configs": {
"codex-main": {
"name": "codex-main",
"alias": null,
"upstreams": [
{
"base_url": "https://codex-api.packycode.com/v1",
"auth": { "auth_token": "sk-packy-..." },
"tags": { "provider_id": "packycode", "source": "codex-config" }
},
{
"base_url": "https://co.yes.vg/v1",
"auth": { "auth_token": "cr-..." },
"tags": { "provider_id": "yes", "source": "codex-config" }
}
]
}
}
},
"claude": { "active": null, "configs": {} },
"default_service": null
}`;
const FOUNDING_BRIEF = `{
"codex": {
"active": "openai-main",
"configs": {
"openai-main": {
"name": "openai-main",
"alias": "Main OpenAI quota",
"upstreams": [
{
"base_url": "https://api.openai.com/v1",
"auth": {
"auth_token": "sk-...",
"api_key": null
},
"tags": {
"source": "codex-config",
"provider_id": "openai"
}
}
]
}
}
}
}`;

describe("the founding document's samples load as they are", () => {
  test("two upstreams in one config, an empty claude section, null for the default service", () => {
    const config = parse(FOUNDING_COMMON);
    expect(config.services.codex.active).toBe("codex-main");
    expect(config.services.codex.configs.get("codex-main")?.entry.upstreams).toHaveLength(2);
    expect(config.services.codex.broken.size).toBe(0);
    expect(config.services.claude).toEqual({
      active: null,
      configs: new Map(),
      broken: new Map(),
      mistyped: null,
    });
    expect(config.defaultService).toBeNull();
  });

  test("no version, no claude section, a null api_key", () => {
    const config = parse(FOUNDING_BRIEF);
    const named = config.services.codex.configs.get("openai-main");
    expect(named?.alias).toBe("Main OpenAI quota");
    expect(named?.entry.upstreams[0]?.auth?.auth_token).toBe("sk-...");
    expect(config.isReadOnly).toBe(false);
  });
});

describe("unknown keys", () => {
  const keysIn = (value: unknown): readonly string[] => parse(value).unknownKeys.map(inEnglish);

  test.each([
    ["the file", { routng: {} }, 'unknown key "routng" (did you mean "routing"?)'],
    ["a group of settings", { routing: { opensecs: 1 } }, '"opensecs" (did you mean "open_secs"?)'],
    ["timeouts", { timeouts: { idle: 1 } }, '"idle" (did you mean "idle_secs"?)'],
    ["limits", { limits: { memory: 1 } }, '"memory" (did you mean "memory_mib"?)'],
    ["a service", { codex: { actve: "x" } }, '"actve" (did you mean "active"?)'],
    [
      "a config",
      { codex: { configs: { main: { upstreams: [upstream()], allias: "M" } } } },
      '"allias" (did you mean "alias"?)',
    ],
    ["an upstream", withUpstreams([upstream({ atuh: {} })]), '"atuh" (did you mean "auth"?)'],
    ["its auth", withUpstreams([upstream({ auth: { token: "x" } })]), '"token" (did you mean "auth_token"'],
    [
      "its timeouts",
      withUpstreams([upstream({ timeouts: { connect: 1 } })]),
      '(did you mean "connect_secs"?)',
    ],
    [
      "a rule",
      withUpstreams([upstream({ on_error: [{ match: "x", verdict: "next", untill: "1h" }] })]),
      '"untill" (did you mean "until"?)',
    ],
    ["budgets", withUpstreams([upstream({ budget_usd: { dya: 1 } })]), '"dya" (did you mean "day"?)'],
    [
      "one of several forms",
      withUpstreams([upstream({ budget: { usd: 1, perr: "day" } })]),
      '"perr" (did you mean "per"?)',
    ],
    [
      "a list of them",
      withUpstreams([upstream({ budget: [{ usd: 1, perr: "day" }] })]),
      '"perr" (did you mean "per"?)',
    ],
    ["a wrong place", withUpstreams([upstream({ auth_token: "x" })]), 'here (it belongs in "auth")'],
    ["nothing near", { colour: "red" }, 'unknown key "colour"'],
  ])("of %s are named with the near one", (_where, value, says) => {
    const [first, ...others] = keysIn(value);
    expect(first).toContain(says);
    expect(first).toStartWith("config.json line 1: ");
    expect(others).toEqual([]);
    expect(parse(value).warnings.map(inEnglish)).toContain(first ?? "");
  });

  test("have the line of the key, not of its value", () => {
    const text =
      '// mine\n{\n  "codex": {\n    "configs": {\n      "main": {\n        "upstraems":\n          []\n} } } }';
    expect(keysIn(text)).toEqual(['config.json line 6: unknown key "upstraems" (did you mean "upstreams"?)']);
  });

  test("in the place of what is needed are what is wrong, said once", () => {
    const misspelt = { codex: { configs: { main: { upstraems: [upstream()] } } } };
    const says = 'config.json line 1: unknown key "upstraems" (did you mean "upstreams"?)';
    expect(brokenOf(misspelt)).toBe(says);
    expect(parse(misspelt).warnings.map(inEnglish)).toEqual([says]);
    expect(brokenOf(withUpstreams([{ baseurl: "https://relay.example" }]))).toContain(
      '(did you mean "base_url"?)',
    );
    for (const text of [{ codex: { confgs: {} } }, { cdoex: { configs: {} } }]) {
      const { mistyped } = parse(text).services.codex;
      expect(mistyped === null ? "" : inEnglish(mistyped)).toContain("did you mean");
    }
  });

  test("are none where any key may be, in notes, and in a newer format", () => {
    const free = upstream({ tags: { anything: 1 }, models: { any: "x" }, headers: { "X-Any": "x" } });
    expect(keysIn({ $schema: "x", "//": "note", _note: 1, ...withUpstreams([free]) })).toEqual([]);
    expect(keysIn({ version: 2, brand_new: true })).toEqual([]);
  });

  test("of any value are found without an error", () => {
    fc.assert(fc.property(fc.object(), (value) => parseOrNull(value) !== undefined));
  });
});

const parseOrNull = (value: unknown): object | null => {
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
};

test("null means absent, for every top-level key and every key of an upstream", () => {
  const keys = [
    "version",
    "codex",
    "claude",
    "default_service",
    "routing",
    "timeouts",
    "privacy",
    "hooks",
    "limits",
  ];
  expect(parse(Object.fromEntries(keys.map((key) => [key, null]))).warnings).toEqual([]);
  const nulls = [
    "auth",
    "tags",
    "enabled",
    "disabled_until",
    "models",
    "headers",
    "query",
    "proxy",
    "timeouts",
  ];
  const more = ["on_status", "on_error", "cost_multiplier", "budget_usd", "privacy"];
  const config = withUpstream(Object.fromEntries([...nulls, ...more].map((key) => [key, null])));
  expect(config.services.codex.configs.size).toBe(1);
});

describe("missing / empty / whitespace", () => {
  test.each(["", " \n\t", "\ufeff", "// nothing yet\n", "/* nothing */"])(
    "%j counts as no file and says so",
    (text) => {
      const config = parse(text);
      expect(config.services.codex.configs.size).toBe(0);
      expect(config.warnings.map(inEnglish)).toEqual(["config.json is empty"]);
    },
  );
});

test("comments, trailing commas, BOM, CRLF are accepted", () => {
  const text =
    '\ufeff// mine\r\n{ "codex": { "configs": { /* one */ "main": {\r\n"upstreams": [{ "base_url": "https://a.example", },],\r\n}, }, }, }\r\n';
  expect([...parse(text).services.codex.configs.keys()]).toEqual(["main"]);
});

describe("trailing junk, two documents, torn tail: an error with line and column", () => {
  test.each([
    ['{"version": 1}\n}', "config.json:2:1: unexpected text after the value"],
    ['{"version": 1}\n{"version": 1}', "config.json:2:1: unexpected text after the value"],
    ['{"version": 1} junk', "config.json:1:16: this is not JSON"],
    ['{\n  "codex": {\n', 'config.json:3:1: missing "}"'],
    ['{\n  "codex": { "active": "ma', "config.json:2:24: unterminated string"],
    ['{"version": 1,, }', "config.json:1:15: expected a key in double quotes"],
    ["{'version': 1}", "config.json:1:2: ' instead of \""],
    ['{"version": 1 /* tail', "config.json:1:15: unterminated comment"],
    ["\ufeff\r\n\r\n{,}", "config.json:3:2: expected a value"],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  test("nesting without end is an error, not a crash", () => {
    expect(errorOf("[".repeat(100_000))).toBe("config.json:1:65: nested deeper than 64 levels");
    expect(errorOf(`{"a":"\\"", "b": // "\n${'{"x":'.repeat(50_000)}"`)).toContain(
      "nested deeper than 64 levels",
    );
  });
});

test("duplicate keys: the error names the key and its place", () => {
  expect(errorOf('{\n "codex": {"active": null,\n  "active": "a"} }')).toBe(
    'config.json:3:3: duplicate key "active"',
  );
});

describe("unknown keys, newer version", () => {
  test("unknown keys anywhere are no error", () => {
    const config = withUpstream({ weight: 3, auth: { note: "x" }, timeouts: { other: 1 } });
    expect(config.services.codex.broken.size).toBe(0);
    expect(config.warnings).toEqual(config.unknownKeys);
    expect(config.unknownKeys).toHaveLength(3);
  });

  test("a newer version is read, and never to be written", () => {
    const config = parse({ ...withUpstreams([upstream()]), version: 2 });
    expect(config.isReadOnly).toBe(true);
    expect(config.services.codex.configs.size).toBe(1);
    expect(config.warnings.map(inEnglish).join()).toContain("version 2, newer than this program supports");
  });
});

test("`active` names a missing config: a warning", () => {
  const config = parse({ codex: { active: "gone", configs: { main: { upstreams: [upstream()] } } } });
  expect(config.warnings.map(inEnglish)).toEqual(['codex.active is "gone", but there is no such config']);
});

describe("`upstreams` empty, not an array, > 64: an error at that path, other configs stay usable", () => {
  test.each([
    ["empty", [], "must contain at least 1"],
    ["text", "https://relay.example", "must be a list"],
    ["absent", undefined, "is missing"],
    ["65 of them", Array.from({ length: 65 }, () => upstream()), "must contain at most 64"],
    ["one that is no object", [upstream(), 5], "[1]: must be an object"],
    ["one without base_url", [{}], "[0].base_url: is missing"],
  ])("%s", (_, upstreams, words) => {
    const { codex } = parse({
      codex: { configs: { good: { upstreams: [upstream()] }, bad: { upstreams } } },
    }).services;
    expect([...codex.configs.keys()]).toEqual(["good"]);
    expect(inEnglish(codex.broken.get("bad") ?? "")).toMatch(
      /^config\.json:1:\d+: codex\.configs\.bad\.upstreams/,
    );
    expect(inEnglish(codex.broken.get("bad") ?? "")).toEndWith(words);
  });
});

describe("base_url: refused in words, only a trailing slash is normalised", () => {
  test.each([
    ["", "is empty"],
    [" https://a.example", "contains a blank or a control character"],
    ["https://a .example", "contains a blank or a control character"],
    ["https://a.example\u0000", "contains a blank or a control character"],
    ["a.example/v1", "must begin with https://"],
    ["file:///etc/passwd", "must be an https or http address"],
    ["data://x", "must be an https or http address"],
    ["https://user:pw@a.example", "must not contain a user name or password: put the key into `auth`"],
    ["https://@a.example", "must not contain a user name or password: put the key into `auth`"],
    ["https://a.example/v1?key=1", "must not contain a query: put it into `query`"],
    ["https://a.example/v1?", "must not contain a query: put it into `query`"],
    ["https://a.example/v1#x", "must not contain a fragment"],
    ["https://a.example:0/v1", "has port 0, where nothing can listen"],
    ["https://a.example/v1/v1", "ends in /v1 twice"],
    ["https://a.example/v1/v1/", "ends in /v1 twice"],
    ["https://a.example/x/../v1", "has an empty or dotted segment in its path"],
    ["https://a.example/%2e%2e/v1", "has an empty or dotted segment in its path"],
    ["https://a.example//v1", "has an empty or dotted segment in its path"],
    ["https://a.example/%2f%2fb.example", "has an empty or dotted segment in its path"],
    ["https://a.example/..;/v1", "has an empty or dotted segment in its path"],
    ["https://a.example/%252e%252e/v1", "has an empty or dotted segment in its path"],
    ["https://a.example/v1/%0d%0aX:y", "has an empty or dotted segment in its path"],
    ["https:///b.example/v1", "is not a valid address"],
    ["https://a.example%2eb.example/v1", "is not a valid address"],
    ["https://a.example\\v1", "contains a backslash"],
    ["https：//a.example", "contains a character outside ASCII (a full-width colon or slash?)"],
    ["https://ａ.example", "contains a character outside ASCII (a full-width colon or slash?)"],
    ["https://", "is not a valid address"],
    ["http://127.0.0.1:3211/v1", "is the address of ch's own proxy"],
    ["http://localhost:3210", "is the address of ch's own proxy"],
    ["http://[::1]:3211", "is the address of ch's own proxy"],
  ])("%j", (base_url, words) => {
    expect(brokenOf(withUpstreams([{ base_url }]))).toMatch(
      /^config\.json:1:\d+: codex\.configs\.main\.upstreams\[0\]\.base_url: /,
    );
    expect(brokenOf(withUpstreams([{ base_url }]))).toEndWith(words);
  });

  test("the error does not repeat the address, which may hold a secret", () => {
    expect(brokenOf(withUpstreams([{ base_url: "https://u:hunter2@a.example?key=hunter2" }]))).not.toContain(
      "hunter2",
    );
  });

  test("plain http beyond this network is warned about", () => {
    expect(withUpstream({ base_url: "http://relay.example" }).warnings.map(inEnglish).join()).toContain(
      "sent unencrypted",
    );
    for (const base_url of ["http://127.0.0.1:8080", "http://192.168.1.5/v1", "http://nas:8080"])
      expect(withUpstream({ base_url }).warnings).toEqual([]);
  });
});

describe("token: trimmed with a warning, refused where a header cannot carry it", () => {
  test.each([
    [{ auth_token: "" }, "auth_token: is empty and counts as not set"],
    [{ api_key: " sk-real-key-0000\n" }, "api_key: has surrounding blanks, which are ignored"],
    [{ auth_token: "sk-..." }, "auth_token: looks like a placeholder"],
    [{ auth_token: "sk-xxxxxxxx" }, "auth_token: looks like a placeholder"],
    [{ auth_token: "<your key>" }, "auth_token: looks like a placeholder"],
    [
      { auth_token: "t-1234567890abcdef", api_key: "k-1234567890abcdef" },
      "api_key: is not used because auth_token is set",
    ],
    [{ auth_token: "t-1234567890abcdef", client: true }, "client: is not used because auth_token is set"],
  ])("%j is warned about", (auth, words) => {
    const config = withUpstream({ auth });
    expect(config.services.codex.broken.size).toBe(0);
    expect(config.warnings).toHaveLength(1);
    expect(config.warnings.map(inEnglish)[0]).toEndWith(`codex.configs.main.upstreams[0].auth.${words}`);
  });

  test.each([
    [{ auth_token: "sk-\u0007bell" }, "auth_token: contains a character that is not allowed in a header"],
    [{ auth_token: "sk-a\nb" }, "auth_token: contains a character that is not allowed in a header"],
    [{ api_key: "sk-“quoted”" }, "api_key: contains a character that is not allowed in a header"],
    [{ auth_token_env: "sk-0000 oops" }, "auth_token_env: is not the name of a variable"],
    [{ auth_token: 5 }, "auth_token: must be text in double quotes"],
  ])("%j is refused, without repeating it", (auth, words) => {
    const message = brokenOf(withUpstreams([upstream({ auth })]));
    expect(message).toEndWith(`codex.configs.main.upstreams[0].auth.${words}`);
    expect(message).not.toContain("sk-");
  });

  test("the client's own login goes to the vendor or to where it was imported from, and nowhere else", () => {
    const client = (base_url: string, tags = {}) =>
      withUpstream({ base_url, tags, auth: { client: true } }).services.codex.broken.size === 0;
    expect(client("https://api.openai.com/v1")).toBe(true);
    expect(client("https://chatgpt.com/backend-api/codex")).toBe(true);
    expect(client("http://api.openai.com/v1")).toBe(false);
    expect(client("https://api.openai.com:8443/v1")).toBe(false);
    expect(client("https://api.anthropic.com")).toBe(false);
    expect(client("https://relay.example/v1")).toBe(false);
    expect(client("https://relay.example/v1", { imported_origin: "https://relay.example" })).toBe(true);
    expect(client("https://relay.example/v1", { imported_origin: "https://other.example" })).toBe(false);
  });
});

describe("names", () => {
  const names = (...given: string[]) =>
    parse(
      `{"codex":{"configs":{${given.map((name) => `${JSON.stringify(name)}:{"upstreams":[{"base_url":"https://a.example"}]}`).join()}}}}`,
    );

  test("the same upstream twice: a warning", () => {
    const { warnings } = parse(
      withUpstreams([upstream(), upstream({ base_url: "https://relay.example/v1/" })]),
    );
    expect(warnings.map(inEnglish).join()).toEndWith("upstreams[1]: is the same upstream as number 1");
  });

  test("names that differ only in case: a warning", () => {
    expect(names("Main", "main").warnings.map(inEnglish)).toEqual([
      'codex: the names "Main" and "main" differ only in case',
    ]);
  });

  test("an inner name that differs is ignored with a warning", () => {
    const config = parse({ codex: { configs: { main: { name: "other", upstreams: [upstream()] } } } });
    expect([...config.services.codex.configs.keys()]).toEqual(["main"]);
    expect(config.warnings.map(inEnglish).join()).toContain(
      "codex.configs.main.name: differs from the key and is ignored",
    );
  });

  test.each(["__proto__", "../x", "🚀", "", "a b", "a#2", "x".repeat(65)])(
    "%j cannot name a config",
    (name) => {
      const { codex } = names("ok", name).services;
      expect([...codex.configs.keys()]).toEqual(["ok"]);
      expect(inEnglish(codex.broken.get(name) ?? "")).toContain("cannot name a config");
    },
  );

  test.each(["main", "主力", "a.b_c-1", "constructor", "toString", "7", "x".repeat(64)])("%j can", (name) => {
    expect([...names(name).services.codex.configs.keys()]).toEqual([name]);
  });

  test("300 characters are refused without being repeated whole", () => {
    expect([...names("y".repeat(300)).services.codex.broken.values()].map(inEnglish)[0]?.length).toBeLessThan(
      200,
    );
  });

  test("a key __proto__ changes no object", () => {
    const config = parse(
      '{"__proto__":{"version":9,"polluted":1},"codex":{"__proto__":{"active":"x"},"active":null}}',
    );
    expect(config.isReadOnly).toBe(false);
    expect(config.services.codex.active).toBeNull();
    expect("polluted" in config.shell).toBe(false);
    expect("polluted" in {}).toBe(false);
  });

  test("configs keep the order of the file, numbers too", () => {
    expect([...names("b", "10", "a", "2").services.codex.configs.keys()]).toEqual(["b", "10", "a", "2"]);
  });
});

describe("numbers as strings, negative, NaN, 1e999: refused with the path and without the value", () => {
  test.each([
    [
      '{"routing":{"failure_threshold":"3"}}',
      "config.json:1:33: routing.failure_threshold: must be a number",
    ],
    [
      '{"routing":{"failure_threshold":1.5}}',
      "config.json:1:33: routing.failure_threshold: must be a whole number",
    ],
    [
      '{"routing":{"failure_threshold":-1}}',
      "config.json:1:33: routing.failure_threshold: must be at least 1",
    ],
    [
      '{"routing":{"ambiguous":"maybe"}}',
      'config.json:1:25: routing.ambiguous: must be "failover" or "never"',
    ],
    ['{"routing":{"open_secs":NaN}}', "config.json:1:25: this is not JSON"],
    ['{"timeouts":{"idle_secs":1e999}}', "config.json:1:26: timeouts.idle_secs: is too large"],
    ['{"timeouts":{"idle_secs":0}}', "config.json:1:26: timeouts.idle_secs: must be at least 1"],
    [
      '{"timeouts":{"idle_secs":"a","connect_secs":"b"}}',
      "config.json:1:45: timeouts.connect_secs: must be a number (and 1 more)",
    ],
    ['{"version":"1"}', "config.json:1:12: version: must be a number"],
    ['{"default_service":"gemini"}', 'config.json:1:20: default_service: must be "codex" or "claude"'],
    [
      '{"privacy":{"strip_workspaces":"no"}}',
      "config.json:1:32: privacy.strip_workspaces: must be true or false",
    ],
    ["[]", "config.json:1:1: the file: must be an object"],
  ])("%s", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  test("in an upstream they break that config only", () => {
    expect(brokenOf(withUpstreams([upstream({ cost_multiplier: "2" })]))).toContain(
      "codex.configs.main.upstreams[0].cost_multiplier: ",
    );
  });
});

describe("what an upstream may add to its requests", () => {
  test.each([
    [{ headers: { host: "x" } }, "headers.host: is not an allowed name"],
    [{ headers: { "Content-Length": "1" } }, "headers.Content-Length: is not an allowed name"],
    [{ headers: { "a b": "x" } }, "headers.a b: is not an allowed name"],
    [{ headers: { a: "x\r\ny" } }, "headers.a: contains a character that is not allowed"],
    [{ models: { "*": "" } }, "models.*: must not be empty"],
    [{ on_error: [{ verdict: "next" }] }, "on_error[0].match: is missing"],
    [{ on_error: [{ match: "", verdict: "next" }] }, "on_error[0].match: must not be empty"],
    [
      { on_error: [{ match: "x", verdict: "money" }] },
      'on_error[0].verdict: must be "next" or "terminal" or "exhausted" or "auth-dead" or "cooldown" or "model"',
    ],
    ...["soon", "25:00 UTC", "09:00", "09:00 Nowhere/Land", "1h 30m"].map((until): [object, string] => [
      { on_error: [{ match: "x", verdict: "exhausted", until }] },
      'on_error[0].until: must be a duration such as 2h30m, or a time of day such as "00:00 +08:00"',
    ]),
    [{ on_status: { "99": "next" } }, "on_status.99: is not an allowed name"],
    [
      { on_status: { "500": "ignore" } },
      'on_status.500: must be "next" or "terminal" or "exhausted" or "auth-dead" or "cooldown"',
    ],
    [
      { proxy: "socks5://127.0.0.1:1080" },
      "proxy: is a SOCKS proxy, and only http and https proxies are supported",
    ],
    [{ proxy: true }, "proxy: must be text in double quotes, or false"],
    [{ disabled_until: "tomorrow" }, "disabled_until: must be a time such as 2026-12-01T09:00:00+01:00"],
    [{ budget_usd: { day: 0 } }, "budget_usd.day: must be more than 0"],
  ])("%j is refused", (parts, place) => {
    expect(brokenOf(withUpstreams([upstream(parts)]))).toEndWith(`upstreams[0].${place}`);
  });
});

test("a config that an edit broke stays as it last could be used", () => {
  const good = parse(withUpstreams([upstream()]));
  const edited = parse({
    codex: { active: "main", configs: { main: { upstreams: [] }, other: { upstreams: [upstream()] } } },
  });
  const { codex } = keepUsable(edited, good).services;
  expect(codex.configs.get("main")).toEqual(good.services.codex.configs.get("main"));
  expect([...codex.configs.keys()]).toEqual(["other", "main"]);
  expect(codex.broken.has("main")).toBe(true);
});

test("garbage is read or refused with a UserError, and nothing else happens", () => {
  const fragment = fc.oneof(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "//",
      "/*",
      "*/",
      "\n",
      "\\",
      "1e9",
      '"codex"',
      '"configs"',
      '"__proto__"',
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  const text = fc.oneof(
    fc.array(fragment, { maxLength: 30 }).map((parts) => parts.join("")),
    fc.json(),
  );
  const near = fc.jsonValue().map((value) =>
    JSON.stringify({
      version: 1,
      codex: { configs: { a: value, b: { upstreams: [value] } } },
      routing: value,
    }),
  );
  fc.assert(
    fc.property(fc.oneof(text, near), (input) => {
      try {
        parseConfig(input, FILE);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { numRuns: 500 },
  );
});
