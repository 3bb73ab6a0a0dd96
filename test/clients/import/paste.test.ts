import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { inEnglish } from "../../../src/base/text.ts";
import { authForKey, readKey, readPaste } from "../../../src/clients/import/paste.ts";

const KEY = "sk-0123456789abcdefghij";
const TOKEN = { auth_token: KEY };

/** What is pasted; address, credential and client that are found in it by someone who sets Codex up. */
const CASES: readonly (readonly [string, string, object | null, "codex" | "claude" | null])[] = [
  ["https://relay.example/v1", "https://relay.example/v1", null, null],
  ["  https://relay.example/v1/\n", "https://relay.example/v1", null, null],
  ["relay.example/v1", "https://relay.example/v1", null, null],
  ["http://127.0.0.1:4567/v1", "http://127.0.0.1:4567/v1", null, null],
  [`https://relay.example/v1 ${KEY}`, "https://relay.example/v1", TOKEN, null],
  // Addresses of a page and of an endpoint.
  ["https://relay.example/console", "https://relay.example", null, null],
  ["https://relay.example/v1/chat/completions", "https://relay.example/v1", null, "codex"],
  ["https://relay.example/v1/messages", "https://relay.example/v1", null, "claude"],
  // Shells.
  [
    `export OPENAI_BASE_URL="https://relay.example/v1" # theirs\nexport OPENAI_API_KEY='${KEY}'\n`,
    "https://relay.example/v1",
    TOKEN,
    "codex",
  ],
  [
    `export ANTHROPIC_BASE_URL=https://relay.example ANTHROPIC_AUTH_TOKEN=${KEY}`,
    "https://relay.example",
    TOKEN,
    "claude",
  ],
  [
    `export ANTHROPIC_BASE_URL=https://relay.example; export ANTHROPIC_API_KEY=${KEY};`,
    "https://relay.example",
    { api_key: KEY },
    "claude",
  ],
  [
    `set -gx OPENAI_BASE_URL https://relay.example/v1\nset -gx OPENAI_API_KEY ${KEY}`,
    "https://relay.example/v1",
    TOKEN,
    "codex",
  ],
  [
    `setx OPENAI_BASE_URL "https://relay.example/v1"\r\nsetx OPENAI_API_KEY "${KEY}"`,
    "https://relay.example/v1",
    TOKEN,
    "codex",
  ],
  [
    `$env:OPENAI_BASE_URL = "https://relay.example/v1"\n$env:OPENAI_API_KEY = "${KEY}"`,
    "https://relay.example/v1",
    TOKEN,
    "codex",
  ],
  [`OPENAI_API_BASE=https://relay.example/v1`, "https://relay.example/v1", null, "codex"],
  // A variable in place of the key, and words that stand for one.
  [
    "export OPENAI_BASE_URL=https://relay.example/v1\nexport OPENAI_API_KEY=$RELAY_KEY",
    "https://relay.example/v1",
    { auth_token_env: "RELAY_KEY" },
    "codex",
  ],
  [
    "export OPENAI_BASE_URL=https://relay.example/v1\nexport OPENAI_API_KEY=sk-xxxxxxxx",
    "https://relay.example/v1",
    null,
    "codex",
  ],
  [
    "export OPENAI_BASE_URL=https://relay.example/v1\nexport OPENAI_API_KEY=你的密钥",
    "https://relay.example/v1",
    null,
    "codex",
  ],
  [
    "export OPENAI_BASE_URL=https://relay.example/v1\nexport OPENAI_API_KEY=<your-api-key>",
    "https://relay.example/v1",
    null,
    "codex",
  ],
  // Both clients in one block: what is for the other is left alone.
  [
    `export ANTHROPIC_BASE_URL=https://a.example\nexport ANTHROPIC_AUTH_TOKEN=sk-other-0123456789\nexport OPENAI_BASE_URL=https://o.example/v1\nexport OPENAI_API_KEY=${KEY}`,
    "https://o.example/v1",
    TOKEN,
    null,
  ],
  // curl.
  [
    `curl https://relay.example/v1/chat/completions \\\n  -H "Content-Type: application/json" \\\n  -H "Authorization: Bearer ${KEY}" \\\n  -d '{"model":"gpt-5","messages":[{"role":"user","content":"key: hello"}]}'`,
    "https://relay.example/v1",
    TOKEN,
    "codex",
  ],
  [
    `curl -X POST "https://relay.example/v1/messages?beta=true" -H "x-api-key: $ANTHROPIC_API_KEY" -d '{}'`,
    "https://relay.example/v1",
    { api_key_env: "ANTHROPIC_API_KEY" },
    "claude",
  ],
  [
    `curl 'https://relay.example/v1/responses' --header 'authorization: bearer ${KEY}'`,
    "https://relay.example/v1",
    TOKEN,
    "codex",
  ],
  // Pieces of settings files.
  [
    `{"env":{"ANTHROPIC_BASE_URL":"https://relay.example","ANTHROPIC_AUTH_TOKEN":"${KEY}"}}`,
    "https://relay.example",
    TOKEN,
    "claude",
  ],
  [
    `[model_providers.packy]\nname = "packy"\nbase_url = "https://packy.example/v1"\nenv_key = "PACKY_KEY"`,
    "https://packy.example/v1",
    { auth_token_env: "PACKY_KEY" },
    "codex",
  ],
  // Prose.
  [`接口地址：https://relay.example/v1，密钥：${KEY}。`, "https://relay.example/v1", TOKEN, null],
  [`base url: https://relay.example/v1\napi key: ${KEY}`, "https://relay.example/v1", TOKEN, null],
  // Never into the address.
  ["https://user:pw@relay.example/v1?key=abc#top", "https://relay.example/v1", null, null],
];

describe("what was pasted", () => {
  test.each(CASES)("%j", (text, baseUrl, auth, service) => {
    expect(readPaste(text, "codex")).toMatchObject({ kind: "upstream", baseUrl, auth, service });
  });

  test("an address that was changed is said, and why", () => {
    const read = readPaste("https://relay.example/console", "codex");
    const note = read.kind === "upstream" && read.note !== null ? inEnglish(read.note) : "";
    expect(note).toBe(
      "the address ends in the path of a web page (/console), not of an API: https://relay.example is used",
    );
  });

  test("a link is left to those who read links", () => {
    const link = "ccswitch://v1/import?resource=provider&app=codex&name=x";
    expect(readPaste(`open ${link}`, "codex")).toEqual({ kind: "link", link });
  });

  test.each([
    [KEY, "there is a key in it, but no address"],
    ["hello", "there is no address in it"],
    ["ftp://relay.example", "there is no address in it"],
    ["http://127.0.0.1:3211/v1", "the address is the address of ch's own proxy"],
  ])("%s is refused, and not repeated", (text, why) => {
    const read = readPaste(text, "codex");
    expect(read.kind === "refused" ? inEnglish(read.why) : read).toBe(why);
  });

  test("whatever it is, it is read or refused, and an address in it can go into a config", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.constantFrom("export ", "KEY=", "https://", "\n", '"', "$X", "a.example/v1"),
          ),
        ),
        (parts) => {
          const read = readPaste(parts.join(""), "codex");
          if (read.kind === "upstream") expect(URL.canParse(read.baseUrl)).toBe(true);
        },
      ),
    );
  });
});

test.each([
  KEY,
  `export OPENAI_API_KEY="${KEY}"`,
  `OPENAI_API_KEY=${KEY};`,
  `"${KEY}"`,
  `Authorization: Bearer ${KEY}`,
  `x-api-key: ${KEY}`,
  `Bearer ${KEY}`,
])("%s is a key where one is asked for", (text) => {
  expect(readKey(text)).toBe(KEY);
});

test("a key that was typed alone goes into the header that the address takes", () => {
  const secret = { secret: KEY };
  expect(authForKey("claude", "https://api.anthropic.com", secret)).toEqual({ api_key: KEY });
  expect(authForKey("claude", "https://relay.example", secret)).toEqual({ auth_token: KEY });
  expect(authForKey("codex", "https://api.openai.com/v1", secret)).toEqual({ auth_token: KEY });
  const variable = { variable: "ANTHROPIC_API_KEY" };
  expect(authForKey("claude", "https://api.anthropic.com", variable)).toEqual({
    api_key_env: "ANTHROPIC_API_KEY",
  });
});
