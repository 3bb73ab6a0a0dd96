import { expect, test } from "bun:test";
import { createClientSecrets } from "../../src/app/client-secrets.ts";
import { createLiveConfig } from "../../src/app/live-config.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

test("a client's file caught half-written gives the last whole key, not half of one", () => {
  using home = makeTempHome();
  home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-whole-key" });
  const secrets = createClientSecrets(home.paths, Date.now);
  expect(secrets.read("codex", "OPENAI_API_KEY")).toBe("sk-whole-key");
  home.write(".codex/auth.json", '{"OPENAI_API_KEY": "sk-who');
  expect(secrets.read("codex", "OPENAI_API_KEY")).toBe("sk-whole-key");
  home.write(".codex/auth.json", { OPENAI_API_KEY: "sk-next-key" });
  expect(secrets.read("codex", "OPENAI_API_KEY")).toBe("sk-next-key");
});

test("a key that changes is seen though the clock was set back", () => {
  using home = makeTempHome();
  const upstream = { base_url: "https://relay.example/v1", auth: { auth_token_env: "RELAY_KEY" } };
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [upstream] } } } });
  home.write(".codex/auth.json", { RELAY_KEY: "sk-old" });
  let time = Date.now();
  const live = createLiveConfig({ paths: home.paths, env: home.env, now: () => time });
  const secret = () => {
    const state = live.routeOf("codex").state();
    return state.kind === "ready" ? state.route.upstreams[0]?.credential : state;
  };
  expect(secret()).toMatchObject({ secret: "sk-old" });
  home.write(".codex/auth.json", { RELAY_KEY: "sk-new" });
  time -= 3_600_000;
  expect(secret()).toMatchObject({ secret: "sk-new" });
});
