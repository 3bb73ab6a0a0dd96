import { expect, test } from "bun:test";
import * as z from "zod/mini";
import { listSettings } from "../../src/config/effective-settings.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { configFileSchema } from "../../src/config/schema.ts";
import { resolveSettings } from "../../src/config/settings.ts";

const GROUPS = ["routing", "timeouts", "limits", "privacy"] as const;

test("every setting that config.json knows is listed, and no other", () => {
  const known = GROUPS.flatMap((group) =>
    Object.keys(configFileSchema.shape[group].def.innerType.def.innerType.def.getter().shape).map(
      (key) => `${group}.${key}`,
    ),
  );
  expect(listSettings({ shell: {} }).map(({ name }) => name)).toEqual(known);
});

test("the defaults are those that the schema's descriptions name", () => {
  for (const { name, value } of listSettings({ shell: {} })) {
    const [group = "", key = ""] = name.split(".");
    const shape = configFileSchema.shape[group as "routing"].def.innerType.def.innerType.def.getter().shape;
    const words = z.globalRegistry.get(shape[key as "jitter"])?.description ?? "";
    expect({ name, words }).toEqual({ name, words: expect.stringContaining(`Default ${String(value)}`) });
  }
});

test("what the file sets is shown as such, in the value that is in force", () => {
  const text =
    '{"routing":{"open_secs":5,"ambiguous":"never"},"limits":{"max_body_mib":8},"timeouts":{"idle_secs":60}}';
  const parsed = parseConfig(text, "config.json");
  const set = listSettings(parsed).filter(({ source }) => source === "config.json");
  expect(set).toEqual([
    { name: "routing.open_secs", value: 5, source: "config.json", default: 10 },
    { name: "routing.ambiguous", value: "never", source: "config.json", default: "failover" },
    { name: "timeouts.idle_secs", value: 60, source: "config.json", default: 300 },
    { name: "limits.max_body_mib", value: 8, source: "config.json", default: 64 },
  ]);
  expect(resolveSettings(parsed)).toMatchObject({ routing: { openMs: 5000 }, maxBodyBytes: 8 * 2 ** 20 });
});
