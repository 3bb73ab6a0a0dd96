import { describe, expect, test } from "bun:test";
import { t } from "../../src/base/text.ts";
import { expectInEnglish } from "../helpers/expect-in-english.ts";
import type { VendorName } from "../../src/quota/vendors.ts";
import { type LookupInput, chooseLookup } from "../../src/quota/lookup.ts";
import { parseProviders } from "../../src/quota/providers.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const NOW = Date.UTC(2026, 10, 23);
const bearer = { kind: "bearer", secret: "sk-upstream" } as const;

interface Case extends Partial<Pick<LookupInput, "env" | "vendorAt">> {
  readonly baseUrl?: string;
  readonly provider: Readonly<Record<string, unknown>>;
}

function choose({
  baseUrl = "https://api.relay.example/v1",
  env = {},
  provider,
  vendorAt = () => null,
}: Case) {
  const { providers } = parseProviders(JSON.stringify({ providers: [{ id: "p", ...provider }] }), "file");
  const upstream = makeUpstream({ baseUrl, credential: bearer });
  const choice = chooseLookup({ upstream, providers, env, vendorAt, now: NOW });
  if (choice.kind === "lookup") {
    const { headersWith, token, urls } = choice.lookup;
    return { urls, headers: typeof token === "string" ? headersWith(token) : token };
  }
  return choice.kind === "refused" ? choice.why : choice.kind;
}

describe("an upstream's balance is asked for", () => {
  const own = { authorization: "Bearer sk-upstream" };
  const domains = ["relay.example"];

  test("where its provider says, with its own token", () => {
    const endpoint = "https://www.relay.example/info";
    expect(choose({ provider: { kind: "budget_http_json", domains, endpoint } })).toEqual({
      urls: [endpoint],
      headers: own,
    });
    expect(choose({ provider: { kind: "yescode_profile", domains, endpoint } })).toEqual({
      urls: [endpoint],
      headers: { "x-api-key": "sk-upstream" },
    });
  });

  test("at the relay's own address for a kind that has one", () => {
    const root = "https://api.relay.example";
    const urlsOf = (kind: string, more: object = {}) => choose({ provider: { kind, domains, ...more } });
    expect(urlsOf("newapi_token")).toEqual({ urls: [`${root}/api/usage/token/`], headers: own });
    expect(urlsOf("sub2api_usage")).toEqual({ urls: [`${root}/v1/usage`], headers: own });
    const billing = [
      `${root}/v1/dashboard/billing/subscription`,
      `${root}/v1/dashboard/billing/usage?start_date=2026-08-16&end_date=2026-11-24`,
    ];
    expect(urlsOf("json_path", { preset: "openai_billing" })).toEqual({ urls: billing, headers: own });
    const auto = { kind: "auto", domains: ["*"] };
    expect(choose({ provider: auto, vendorAt: () => "openai_billing" })).toEqual({
      urls: billing,
      headers: own,
    });
    expect(choose({ provider: auto })).toBe("none");
  });

  test("at a vendor that is known by its host, without waiting for an answer of it", () => {
    const auto = { kind: "auto", domains: ["*"] };
    expect(choose({ provider: auto, baseUrl: "https://openrouter.ai/api/v1" })).toEqual({
      urls: ["https://openrouter.ai/api/v1/key"],
      headers: own,
    });
    expect(choose({ provider: auto, baseUrl: "https://api.openai.com/v1" })).toBe("none");
  });

  test("with a variable's token where one is named, and with no other", () => {
    const endpoint = "https://panel.example/info";
    const provider = { kind: "budget_http_json", domains, endpoint, token_env: "PANEL" };
    const headers = { authorization: "Bearer panel-token" };
    expect(choose({ provider, env: { PANEL: " panel-token " } })).toEqual({ urls: [endpoint], headers });
    for (const env of [{}, { PANEL: " " }]) {
      expectInEnglish(choose({ provider, env })).toBe("the variable PANEL is not set");
    }
    expectInEnglish(
      choose({ provider: { ...provider, kind: "newapi_token", endpoint: null }, env: { PANEL: "x" } }),
    ).toBe("token_env needs an endpoint");
    expectInEnglish(choose({ provider, env: { PANEL: "a\nb" } })).toBe(
      "the token contains a character that is not allowed",
    );
  });

  test("a running proxy says that it is the one without the variable", () => {
    const text = `{"providers":[{"id":"p","kind":"auto","domains":["*"],"token_env":"PANEL"}]}`;
    const { providers } = parseProviders(text, "file");
    const vendorAt = (): VendorName => "newapi_token";
    const holder = () => t`the running ch (pid 7)`;
    const choice = chooseLookup({
      providers,
      env: {},
      holder,
      vendorAt,
      now: NOW,
      upstream: makeUpstream({}),
    });
    expectInEnglish(choice.kind === "refused" ? choice.why : choice.kind).toBe(
      "PANEL is not set in the running ch (pid 7): export it there and restart",
    );
  });

  test("by nobody for another domain, or without a token", () => {
    expect(choose({ provider: { kind: "newapi_token", domains: ["other.example"] } })).toBe("none");
    expect(choose({ provider: { kind: "newapi_token" } })).toBe("none");
    const { providers } = parseProviders('{"providers":[{"id":"p","kind":"auto","domains":["*"]}]}', "file");
    const input = { providers, env: {}, vendorAt: (): VendorName => "newapi_token", now: NOW };
    const credentials = [{ kind: "client" }, { kind: "none" }, { kind: "unusable", why: t`x` }] as const;
    for (const credential of credentials) {
      expect(chooseLookup({ ...input, upstream: makeUpstream({ credential }) })).toEqual({ kind: "none" });
    }
  });
});
