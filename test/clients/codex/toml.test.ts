import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UserError } from "../../../src/base/errors.ts";
import { type CodexRoute, editCodexToml } from "../../../src/clients/codex/toml.ts";
import { type CodexUndoOptions, undoCodexToml } from "../../../src/clients/codex/toml.ts";
import type { KeyChange } from "../../../src/clients/client.ts";
import { NASTY_TOML, REFUSED_TOML } from "./nasty-toml.ts";
import { readToml as read, someToml, withRoute } from "./toml-arbitrary.ts";

const ADDRESS = "http://127.0.0.1:3211/v1";
const OTHER_ADDRESS = "http://127.0.0.1:4000/v1";
const FULL = process.env["VERIFY"] === "full";
const RUNS = FULL ? 10_000 : 1500;
const TIMEOUT_MS = 60_000;
const FEWER_RUNS = FULL ? 3000 : 500;

const NO_JOURNAL: CodexUndoOptions = { changes: null, ownAddresses: [ADDRESS], keepsOwnTable: false };
const journal = (changes: readonly KeyChange[]): CodexUndoOptions => ({ ...NO_JOURNAL, changes });

describe("on, then off", () => {
  test(
    "gives the same bytes for any file",
    () => {
      fc.assert(
        fc.property(someToml, ({ text, route }) => {
          const edit = editCodexToml(text, route, ADDRESS);
          expect(undoCodexToml(edit.text, journal(edit.changes)).text).toBe(text);
        }),
        { numRuns: RUNS, seed: 1 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "changes only our keys in the eyes of a second parser",
    () => {
      fc.assert(
        fc.property(someToml, ({ text, route }) => {
          const after = read(editCodexToml(text, route, ADDRESS).text);
          expect(withRoute(read(text), route, ADDRESS)).toEqual(after);
        }),
        { numRuns: FEWER_RUNS, seed: 2 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "is the same after a second on, and with another port in between",
    () => {
      fc.assert(
        fc.property(someToml, ({ text, route }) => {
          const edit = editCodexToml(text, route, ADDRESS);
          const other = again(edit.text, route, { changes: edit.changes, address: OTHER_ADDRESS });
          expect(again(other.text, route, { changes: other.changes, address: ADDRESS })).toEqual(edit);
          expect(again(edit.text, route, { changes: edit.changes, address: ADDRESS })).toEqual(edit);
        }),
        { numRuns: FEWER_RUNS, seed: 3 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "needs no journal: the marks tell what stood there",
    () => {
      fc.assert(
        fc.property(someToml, ({ text, route }) => {
          const edit = editCodexToml(text, route, ADDRESS);
          const undo = undoCodexToml(edit.text, NO_JOURNAL);
          expect(read(undo.text)).toEqual(read(text));
          expect(undo.keys).toEqual(
            edit.changes.map(({ path }) =>
              expect.objectContaining({ kind: "restored", path, isGuess: false }),
            ),
          );
        }),
        { numRuns: FEWER_RUNS, seed: 4 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "keeps what was added to the file meanwhile",
    () => {
      const added = '\n[projects."/new"] # by Codex\ntrust_level = "trusted"\n';
      fc.assert(
        fc.property(someToml, ({ text, route }) => {
          const edit = editCodexToml(text, route, ADDRESS);
          const edited = edit.text + (edit.text.endsWith("\n") || edit.text === "" ? "" : "\n") + added;
          const undone = undoCodexToml(edited, journal(edit.changes)).text;
          expect(undone.endsWith(added)).toBe(true);
          expect(read(undone)).toEqual(read(`${text}\n${added}`));
        }),
        { numRuns: FEWER_RUNS, seed: 5 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "does nothing to a file that holds no switch",
    () => {
      fc.assert(
        fc.property(someToml, ({ text, route }) => {
          const { changes } = editCodexToml(text, route, ADDRESS);
          expect(undoCodexToml(text, journal(changes))).toEqual({ text, keys: [] });
          expect(undoCodexToml(text, NO_JOURNAL)).toEqual({ text, keys: [] });
        }),
        { numRuns: FEWER_RUNS, seed: 6 },
      );
    },
    TIMEOUT_MS,
  );

  test(
    "throws nothing but an explanation for any text",
    () => {
      const pieces = fc.constantFrom(
        'model_provider = "codex_proxy"',
        "[model_providers.r]",
        "base_url = ",
        JSON.stringify(ADDRESS),
        " # codex-helper: was ",
        " # codex-helper: added",
        '"x',
        "'",
        "\n",
        "\r\n",
        "\r",
        "[",
        "]",
        "{",
        "}",
        "=",
        "openai_base_url",
        "\u0000",
        "#",
      );
      const routes = fc.constantFrom<CodexRoute>(
        { kind: "openai" },
        { kind: "own" },
        { kind: "provider", id: "r" },
      );
      fc.assert(
        fc.property(fc.array(pieces, { maxLength: 8 }), routes, (parts, route) => {
          const text = parts.join("");
          for (const act of [
            () => editCodexToml(text, route, ADDRESS),
            () => undoCodexToml(text, NO_JOURNAL),
          ]) {
            try {
              act();
            } catch (error) {
              expect(error).toBeInstanceOf(UserError);
            }
          }
        }),
        { numRuns: RUNS, seed: 7 },
      );
    },
    TIMEOUT_MS,
  );
});

describe("nasty files", () => {
  for (const { name, text, route } of NASTY_TOML) {
    test(name, () => {
      const edit = editCodexToml(text, route, ADDRESS);
      expect(edit.text).toContain("# codex-helper: ");
      expect(withRoute(read(text), route, ADDRESS)).toEqual(read(edit.text));
      const undo = undoCodexToml(edit.text, journal(edit.changes));
      expect(undo.text).toBe(text);
      expect(undo.keys.map(({ kind }) => kind)).toEqual(edit.changes.map(() => "restored"));
      expect(undoCodexToml(text, journal(edit.changes))).toEqual({ text, keys: [] });
      expect(read(undoCodexToml(edit.text, NO_JOURNAL).text)).toEqual(read(text));
    });
  }

  for (const [name, text, route, reason] of REFUSED_TOML) {
    test(`refuses ${name}`, () => {
      const edit = (): unknown => editCodexToml(text, route, ADDRESS);
      expect(edit).toThrow(UserError);
      expect(edit).toThrow(reason);
    });
  }
});

describe("what a switch writes", () => {
  test("moves the URL of the user's own provider and says what it was", () => {
    const text = '[model_providers.r]\nname = "R"\nbase_url = "https://r.example/v1" # paid\n';
    const edit = editCodexToml(text, { kind: "provider", id: "r" }, ADDRESS);
    expect(edit.text).toBe(
      `[model_providers.r]\nname = "R"\nbase_url = "${ADDRESS}" # codex-helper: was "https://r.example/v1" # paid\n`,
    );
    expect(edit.changes).toEqual([
      {
        path: ["model_providers", "r", "base_url"],
        before: '"https://r.example/v1"',
        written: `"${ADDRESS}"`,
        value: ADDRESS,
      },
    ]);
  });

  test("adds openai_base_url below the last top-level key, in the file's own line breaks", () => {
    expect(editCodexToml('model = "a"\r\n\r\n[t]\r\n', { kind: "openai" }, ADDRESS).text).toBe(
      `model = "a"\r\nopenai_base_url = "${ADDRESS}" # codex-helper: added\r\n\r\n[t]\r\n`,
    );
  });

  test("keeps the quotes of the user's value", () => {
    expect(editCodexToml("openai_base_url = 'https://r.example'", { kind: "openai" }, ADDRESS).text).toBe(
      `openai_base_url = '${ADDRESS}' # codex-helper: was 'https://r.example'`,
    );
  });

  test("adds a provider of its own and chooses it", () => {
    expect(editCodexToml('model_provider = "r"\n', { kind: "own" }, ADDRESS).text).toBe(
      `model_provider = "codex_proxy" # codex-helper: was "r"

[model_providers.codex_proxy] # codex-helper: added
name = "codex-helper"
base_url = "${ADDRESS}"
wire_api = "responses"
`,
    );
  });

  test("changes nothing where the address stands already", () => {
    const text = `openai_base_url = "${ADDRESS}"\n`;
    expect(editCodexToml(text, { kind: "openai" }, ADDRESS)).toEqual({ text, changes: [] });
  });
});

describe("off", () => {
  const text = 'model = "a"\nopenai_base_url = "https://r.example"\n';
  const on = editCodexToml(text, { kind: "openai" }, ADDRESS);

  test("leaves a value that the user has set meanwhile, and takes the mark away", () => {
    const edited = on.text.replace(ADDRESS, "https://new.example");
    const path = ["openai_base_url"];
    const wanted = {
      text: 'model = "a"\nopenai_base_url = "https://new.example"\n',
      keys: [{ kind: "changed", path }],
    };
    expect(undoCodexToml(edited, journal(on.changes))).toMatchObject(wanted);
    expect(undoCodexToml(edited, NO_JOURNAL)).toMatchObject(wanted);
  });

  test("leaves a local address of the user's that stands before the mark, where the journal knows ours", () => {
    const edited = on.text.replace(ADDRESS, "http://127.0.0.1:8080/v1");
    expect(undoCodexToml(edited, journal(on.changes))).toEqual({
      text: 'model = "a"\nopenai_base_url = "http://127.0.0.1:8080/v1"\n',
      keys: [{ kind: "changed", path: ["openai_base_url"] }],
    });
    expect(undoCodexToml(edited, NO_JOURNAL).text).toBe(text);
  });

  test("puts back what an older switch left, where the journal is of a later one to another port", () => {
    const later = editCodexToml(text, { kind: "openai" }, OTHER_ADDRESS);
    expect(undoCodexToml(on.text, journal(later.changes)).text).toBe(text);
  });

  test("leaves a key removed that the user has removed meanwhile, and says so", () => {
    expect(undoCodexToml('model = "a"\n', journal(on.changes))).toEqual({
      text: 'model = "a"\n',
      keys: [{ kind: "gone", path: ["openai_base_url"] }],
    });
  });

  test("knows its value after the mark was removed", () => {
    const edited = on.text.replace(/ # codex-helper.*/, "");
    expect(undoCodexToml(edited, journal(on.changes)).text).toBe(text);
  });

  test("removes an address that can only be ours when neither journal nor mark is left, and calls it a guess", () => {
    const path = ["openai_base_url"];
    expect(undoCodexToml(`openai_base_url = "${ADDRESS}"\na = 1\n`, NO_JOURNAL)).toEqual({
      text: "a = 1\n",
      keys: [{ kind: "restored", path, isGuess: true, value: ADDRESS }],
    });
    const foreign = `openai_base_url = "${OTHER_ADDRESS}"\n`;
    expect(undoCodexToml(foreign, NO_JOURNAL)).toEqual({ text: foreign, keys: [] });
  });

  test("says so when it cannot know what a provider's URL was", () => {
    const lost = `[model_providers.r]\nbase_url = "${ADDRESS}"\n`;
    expect(undoCodexToml(lost, NO_JOURNAL)).toEqual({
      text: lost,
      keys: [{ kind: "unknown", path: ["model_providers", "r", "base_url"], value: ADDRESS }],
    });
  });

  test("puts a provider's URL back under the name the user has given it meanwhile", () => {
    const table = '[model_providers.r]\nname = "R"\nbase_url = "https://r.example/v1"\n';
    const edit = editCodexToml(table, { kind: "provider", id: "r" }, ADDRESS);
    const renamed = edit.text.replace("providers.r]", "providers.s]");
    expect(undoCodexToml(renamed, journal(edit.changes)).text).toBe(
      table.replace("providers.r]", "providers.s]"),
    );
  });

  test("leaves a provider of its own that the user has changed, and no longer chooses it", () => {
    const edit = editCodexToml("", { kind: "own" }, ADDRESS);
    const edited = `${edit.text}request_max_retries = 9\n`;
    const undo = undoCodexToml(edited, journal(edit.changes));
    expect(read(undo.text)).toMatchObject({ model_providers: { codex_proxy: { request_max_retries: 9 } } });
    expect(undo.text).not.toContain("model_provider =");
    expect(undo.keys).toContainEqual({ kind: "changed", path: ["model_providers", "codex_proxy"] });
  });

  test("leaves what the user has set meanwhile in a provider of theirs that has our name", () => {
    const table =
      'model_provider = "codex_proxy"\n[model_providers.codex_proxy]\nname = "codex-helper"\nbase_url = "http://127.0.0.1:3211"\nwire_api = "responses"\n';
    const edit = editCodexToml(table, { kind: "provider", id: "codex_proxy" }, ADDRESS);
    const unmarked = edit.text.replace(/ # codex-helper.*/, "");
    expect(undoCodexToml(unmarked, journal(edit.changes)).text).toBe(table);
    const edited = edit.text.replace(ADDRESS, "https://new.example");
    expect(undoCodexToml(edited, journal(edit.changes))).toEqual({
      text: table.replace("http://127.0.0.1:3211", "https://new.example"),
      keys: [{ kind: "changed", path: ["model_providers", "codex_proxy", "base_url"] }],
    });
  });

  test("leaves its provider's table while a session names it, and takes it up again", () => {
    const edit = editCodexToml("a = 1\n", { kind: "own" }, ADDRESS);
    const keeping = { ...journal(edit.changes), keepsOwnTable: true };
    const kept = undoCodexToml(edit.text, keeping);
    expect(Object.keys(read(kept.text))).toEqual(["a", "model_providers"]);
    expect(undoCodexToml(kept.text, { ...NO_JOURNAL, keepsOwnTable: true })).toEqual({
      text: kept.text,
      keys: [],
    });
    const second = editCodexToml(kept.text, { kind: "own" }, OTHER_ADDRESS);
    expect(read(second.text)).toMatchObject({
      model_providers: { codex_proxy: { base_url: OTHER_ADDRESS } },
    });
    expect(undoCodexToml(second.text, NO_JOURNAL).text).toBe("a = 1\n");
  });
});

function again(
  text: string,
  route: CodexRoute,
  { changes, address }: { readonly changes: readonly KeyChange[]; readonly address: string },
) {
  const clean = undoCodexToml(text, { ...journal(changes), keepsOwnTable: true }).text;
  const edit = editCodexToml(clean, route, address);
  // A table of our own that stood there already is not noted again.
  return {
    ...edit,
    changes: route.kind === "own" ? withTable(edit.changes, changes, address) : edit.changes,
  };
}

function withTable(
  changes: readonly KeyChange[],
  before: readonly KeyChange[],
  address: string,
): KeyChange[] {
  const table = before
    .filter(({ path }) => path.length === 2)
    .map((change) => ({
      ...change,
      value: address,
      written: change.written.replace(change.value, address),
    }));
  return [...table, ...changes.filter(({ path }) => path.length !== 2)];
}
