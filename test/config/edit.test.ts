import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findNodeAtLocation, parseTree } from "jsonc-parser";
import { UserError } from "../../src/base/errors.ts";
import {
  type Plan,
  editConfig,
  planAdd,
  planAppend,
  planDisable,
  planEnable,
  planMove,
  planRemove,
  planRename,
  planSetActive,
  planSetDefaultService,
} from "../../src/config/edit.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { listComments, writeJsonc } from "./jsonc-text.ts";

const upstream = (host: string) => ({ base_url: `https://${host}.example/v1` });
const add = (name: string, options: { isReplacing?: boolean; host?: string } = {}): Plan =>
  planAdd({
    service: "codex",
    name,
    alias: undefined,
    upstreams: [upstream(options.host ?? name)],
    isReplacing: options.isReplacing ?? false,
  });
const edit = (text: string, ...plans: Plan[]): string =>
  plans.reduce((before, plan) => editConfig(before, "config.json", plan), text);
const refusal = (text: string, plan: Plan): string => {
  try {
    edit(text, plan);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("it was carried out");
};
const hosts = (text: string, name: string): string[] =>
  (parseConfig(text, "config.json").services.codex.configs.get(name)?.entry.upstreams ?? []).map(
    ({ base_url }) => base_url.replace(/https:\/\/(.*)\.example.*/, "$1"),
  );
const activeOf = (text: string) => parseConfig(text, "config.json").services.codex.active;

const TWO = `{
  // my relays
  "version": 1,
  "codex": {
    "active": "main", // for now
    "configs": {
      "main": {
        "name": "main",
        "upstreams": [
          { "base_url": "https://a.example/v1" }, // fast
          { "base_url": "https://b.example/v1", "enabled": false, "weight": 3 },
          { "base_url": "https://c.example/v1" },
        ]
      },
      "other": { "upstreams": [{ "base_url": "https://o.example" }] }
    }
  },
  "mine": { "kept": [1, 2] }
}
`;

test("a new file is written as a person would write it", () => {
  const plan = planAdd({
    service: "codex",
    name: "main",
    alias: "Main relay",
    upstreams: [{ ...upstream("a"), auth: { auth_token_env: "KEY" } }],
    isReplacing: false,
  });
  expect(edit("", plan)).toBe(`{
  "version": 1,
  "codex": {
    "active": "main",
    "configs": {
      "main": {
        "alias": "Main relay",
        "upstreams": [
          {
            "base_url": "https://a.example/v1",
            "auth": {
              "auth_token_env": "KEY"
            }
          }
        ]
      }
    }
  }
}
`);
});

describe("add", () => {
  test("the first config of a service becomes active, later ones change nothing else", () => {
    const first = edit("{}", add("a"));
    expect(activeOf(first)).toBe("a");
    expect(activeOf(edit(first, add("b")))).toBe("a");
    expect(activeOf(edit(TWO, add("b")))).toBe("main");
  });

  test("a name that is taken is refused, unless it is to be replaced", () => {
    expect(refusal(TWO, add("other"))).toBe('the config "other" already exists');
    expect(hosts(edit(TWO, add("other", { isReplacing: true, host: "new" })), "other")).toEqual(["new"]);
    expect(activeOf(edit(TWO, add("main", { isReplacing: true })))).toBe("main");
  });

  test.each(["__proto__", "a b", "", "../x"])("%j is refused as a name", (name) => {
    expect(refusal(TWO, add(name))).toContain("cannot name a config");
  });

  test("what could not be used is refused", () => {
    expect(refusal(TWO, add("new", { host: "a b" }))).toContain("base_url: contains a blank");
  });
});

describe("append", () => {
  test("adds backups to the end", () => {
    expect(hosts(edit(TWO, planAppend("codex", "other", [upstream("x"), upstream("y")])), "other")).toEqual([
      "o",
      "x",
      "y",
    ]);
  });

  test("needs a config, and at most 64 upstreams", () => {
    expect(refusal(TWO, planAppend("codex", "gone", [upstream("x")]))).toBe(
      'there is no config "gone" for Codex',
    );
    const many = Array.from({ length: 64 }, (_, index) => upstream(`u${index}`));
    expect(refusal(TWO, planAppend("codex", "other", many))).toContain("must contain at most 64");
  });
});

describe("remove", () => {
  test("an upstream", () => {
    expect(hosts(edit(TWO, planRemove("codex", { name: "main", position: 2 })), "main")).toEqual(["a", "c"]);
    expect(refusal(TWO, planRemove("codex", { name: "main", position: 4 }))).toBe(
      '"main" has 3 upstreams; there is no number 4',
    );
    expect(refusal(TWO, planRemove("codex", { name: "other", position: 1 }))).toBe(
      "other#1 is the only upstream of its config",
    );
  });

  test("a config; the active one leaves none active", () => {
    const rest = edit(TWO, planRemove("codex", { name: "main", position: null }));
    expect(hosts(rest, "main")).toEqual([]);
    expect(activeOf(rest)).toBeNull();
    expect(activeOf(edit(TWO, planRemove("codex", { name: "other", position: null })))).toBe("main");
    expect(refusal(TWO, planRemove("claude", { name: "main", position: null }))).toBe(
      'there is no config "main" for Claude Code',
    );
  });

  test("a broken config can be removed, and stands in the way of no other edit", () => {
    const broken = TWO.replace('"https://o.example"', '"o.example"');
    expect(parseConfig(edit(broken, add("third")), "f").services.codex.broken.size).toBe(1);
    expect(
      parseConfig(edit(broken, planRemove("codex", { name: "other", position: null })), "f").services.codex
        .broken.size,
    ).toBe(0);
    expect(refusal(broken, planAppend("codex", "other", [upstream("x")]))).toContain(
      "must begin with https://",
    );
  });
});

test("rename keeps place, activity and the inner name in step", () => {
  const renamed = edit(TWO, planRename("codex", "main", "primary"));
  const { configs, active } = parseConfig(renamed, "f").services.codex;
  expect([...configs.keys()]).toEqual(["primary", "other"]);
  expect(active).toBe("primary");
  expect(configs.get("primary")?.entry.name).toBe("primary");
  expect(refusal(TWO, planRename("codex", "main", "other"))).toBe('the config "other" already exists');
  expect(refusal(TWO, planRename("codex", "gone", "x"))).toBe('there is no config "gone" for Codex');
  expect(refusal(TWO, planRename("codex", "main", "a#2"))).toContain("cannot name a config");
  expect(refusal(TWO, planRename("codex", "main", "main"))).toBe('it is already named "main"');
});

test("move changes the order and takes comments along", () => {
  const moved = edit(TWO, planMove("codex", { name: "main", position: 3 }, 1));
  expect(hosts(moved, "main")).toEqual(["c", "a", "b"]);
  expect(moved).toContain('"https://a.example/v1" }, // fast\n');
  expect(refusal(TWO, planMove("codex", { name: "main", position: 1 }, 4))).toBe(
    '"main" has no position 4: the last one is 3',
  );
});

describe("enable and disable", () => {
  const state = (text: string) =>
    (parseConfig(text, "f").services.codex.configs.get("main")?.entry.upstreams ?? []).map(
      (entry) => entry.disabled_until ?? entry.enabled ?? null,
    );
  const UNTIL = "2026-12-01T09:00:00+01:00";

  test("one upstream, or all of a config", () => {
    expect(state(edit(TWO, planDisable("codex", { name: "main", position: 1 }, null)))).toEqual([
      false,
      false,
      null,
    ]);
    expect(state(edit(TWO, planDisable("codex", { name: "main", position: null }, null)))).toEqual([
      false,
      false,
      false,
    ]);
    expect(state(edit(TWO, planEnable("codex", { name: "main", position: null })))).toEqual([
      null,
      true,
      null,
    ]);
  });

  test("until a time, which ends with the next word about it", () => {
    const until = edit(TWO, planDisable("codex", { name: "main", position: 2 }, UNTIL));
    expect(state(until)).toEqual([null, UNTIL, null]);
    expect(state(edit(until, planEnable("codex", { name: "main", position: 2 })))).toEqual([
      null,
      true,
      null,
    ]);
    expect(state(edit(until, planDisable("codex", { name: "main", position: 2 }, null)))).toEqual([
      null,
      false,
      null,
    ]);
  });

  test("what holds already changes no byte", () => {
    expect(edit(TWO, planDisable("codex", { name: "main", position: 2 }, null))).toBe(TWO);
    expect(edit(TWO, planEnable("codex", { name: "other", position: null }))).toBe(TWO);
  });
});

test("set-active and the default service", () => {
  expect(edit(TWO, planSetActive("codex", "other"))).toBe(
    TWO.replace('"active": "main"', '"active": "other"'),
  );
  expect(edit(TWO, planSetActive("codex", "main"))).toBe(TWO);
  expect(refusal(TWO, planSetActive("codex", "gone"))).toBe('there is no config "gone" for Codex');
  expect(parseConfig(edit(TWO, planSetDefaultService("claude")), "f").defaultService).toBe("claude");
  expect(edit('{"default_service":null}', planSetDefaultService("claude"))).toBe(
    '{"default_service":"claude"}',
  );
});

test("comments, trailing commas, BOM, CRLF are kept on edit", () => {
  const text = `\ufeff${TWO.replaceAll("\n", "\r\n")}`;
  const result = edit(text, planSetActive("codex", "other"), add("third"));
  expect(result).toStartWith("\ufeff{\r\n  // my relays\r\n");
  expect(result.replaceAll("\r\n", "")).not.toContain("\n");
  expect(listComments(result)).toEqual(listComments(text));
});

test("a newer version is not changed, nor is a file that does not parse", () => {
  expect(refusal('{"version": 2}', add("a"))).toContain("written by a newer version");
  expect(refusal('{"codex": {', add("a"))).toBe('config.json:1:12: missing "}"');
});

test("each edit of any file keeps all other values and all comments", () => {
  const url = fc.integer({ min: 0, max: 999 }).map((number) => upstream(`u${number}`));
  const config = fc.record(
    {
      alias: fc.option(fc.constantFrom("x", "主")),
      note: fc.jsonValue({ maxDepth: 1 }),
      upstreams: fc.array(url, { minLength: 2, maxLength: 4 }),
    },
    { requiredKeys: ["upstreams"] },
  );
  const file = fc.record(
    {
      version: fc.constant(1),
      mine: fc.jsonValue({ maxDepth: 2 }),
      codex: fc.record(
        { configs: fc.record({ a: config, b: config }), active: fc.constant("b") },
        { requiredKeys: ["configs"] },
      ),
      claude: fc.constantFrom(null, {}, { configs: null }),
      default_service: fc.constantFrom(null, "codex"),
    },
    { requiredKeys: ["codex"] },
  );
  const inA = ["codex", "configs", "a", "upstreams", 1];
  const plan = fc.constantFrom<{ one: Plan; touched: string[]; lost?: (string | number)[] }>(
    { one: add("new"), touched: ["new", "active"] },
    { one: planAppend("codex", "a", [upstream("x")]), touched: ["a"] },
    { one: planRemove("codex", { name: "a", position: 2 }), touched: ["a"], lost: inA },
    { one: planMove("codex", { name: "a", position: 2 }, 1), touched: ["a"] },
    { one: planDisable("codex", { name: "a", position: null }, null), touched: ["a"] },
    { one: planRename("codex", "a", "new"), touched: ["a", "new"] },
    { one: planSetActive("codex", "a"), touched: ["active"] },
    { one: planSetDefaultService("claude"), touched: ["default_service"] },
  );
  const without = (text: string, keys: readonly string[]): unknown =>
    JSON.parse(JSON.stringify(Bun.JSONC.parse(text)), (key: string, value: unknown) =>
      keys.includes(key) ? undefined : value,
    );
  fc.assert(
    fc.property(
      file,
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }),
      plan,
      (value, seed, { one, touched, lost }) => {
        const text = writeJsonc(value, seed);
        const result = edit(text, one);
        expect(without(result, touched)).toEqual(without(text, touched));
        const root = parseTree(text, [], { allowTrailingComma: true });
        const gone = lost === undefined || root === undefined ? undefined : findNodeAtLocation(root, lost);
        const [start, length] = [gone?.offset ?? 0, gone?.length ?? 0];
        const kept = [...listComments(text.slice(0, start)), ...listComments(text.slice(start + length))];
        expect(listComments(result).toSorted()).toEqual(kept.toSorted());
      },
    ),
    { numRuns: 200 },
  );
});
