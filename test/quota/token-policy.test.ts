import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { refusalOf, registrableDomain } from "../../src/quota/token-policy.ts";

const upstream = "https://api.relay.example/v1";
const may = (url: string, parts: Partial<Parameters<typeof refusalOf>[0]> = {}): boolean =>
  refusalOf({ url, owner: "upstream", upstreamBaseUrl: upstream, domains: [], ...parts }) === null;

describe("an upstream's token may go", () => {
  const cases: readonly [url: string, parts: Partial<Parameters<typeof refusalOf>[0]>, isAllowed: boolean][] =
    [
      ["https://api.relay.example/api/usage/token/", {}, true],
      ["https://www.relay.example/panel", {}, true],
      ["https://relay.example:8443/panel", {}, true],
      ["https://relay.example.evil.test/panel", {}, false],
      ["https://evilrelay.example/panel", {}, false],
      ["https://evil.test/panel", {}, false],
      ["https://panel.test/usage", { domains: ["panel.test"] }, true],
      ["https://a.panel.test/usage", { domains: ["panel.test"] }, true],
      ["https://notpanel.test/usage", { domains: ["panel.test"] }, false],
      ["https://anything.test/usage", { domains: ["test"] }, false],
      ["https://anything.test/usage", { domains: ["*"] }, false],
      ["http://api.relay.example/usage", {}, false],
      ["http://api.relay.example/usage", { upstreamBaseUrl: "http://api.relay.example/v1" }, true],
      ["http://www.relay.example/usage", { upstreamBaseUrl: "http://api.relay.example/v1" }, false],
      ["http://relay.example/usage", { domains: ["relay.example"] }, false],
      ["https://user:word@api.relay.example/usage", {}, false],
      ["ftp://api.relay.example/usage", {}, false],
      ["not an address", {}, false],
      // Somebody else's machine on the same shared host, or under the same public suffix.
      ["https://evil.workers.dev/usage", { upstreamBaseUrl: "https://relay.workers.dev/v1" }, false],
      ["https://evil.co.uk/usage", { upstreamBaseUrl: "https://relay.co.uk/v1" }, false],
      ["https://evil.github.io/usage", { upstreamBaseUrl: "https://relay.github.io/v1" }, false],
      ["https://evil.pages.dev/usage", { upstreamBaseUrl: "https://relay.pages.dev/v1" }, false],
      ["https://evil.vercel.app/usage", { upstreamBaseUrl: "https://api.relay.vercel.app/v1" }, false],
      ["https://www.relay.pages.dev/usage", { upstreamBaseUrl: "https://api.relay.pages.dev/v1" }, true],
      ["https://evil.s3.amazonaws.com/x", { upstreamBaseUrl: "https://relay.s3.amazonaws.com/v1" }, false],
      ["https://evil.公司.cn/usage", { upstreamBaseUrl: "https://relay.公司.cn/v1" }, false],
      ["https://www.中转.公司.cn/usage", { upstreamBaseUrl: "https://api.中转.公司.cn/v1" }, true],
      ["https://relay.example./usage", {}, true],
      ["https://www.relay.co.uk/usage", { upstreamBaseUrl: "https://api.relay.co.uk/v1" }, true],
      ["https://co.yes.vg/api", { upstreamBaseUrl: "https://cotest.yes.vg/v1", domains: ["yes.vg"] }, true],
      // This machine and the network around it: only an upstream that is there itself.
      ["http://127.0.0.1:8080/usage", { upstreamBaseUrl: "http://127.0.0.1:8080/v1" }, true],
      ["http://127.0.0.1:9090/usage", { upstreamBaseUrl: "http://127.0.0.1:8080/v1" }, false],
      ["http://192.168.1.4/usage", {}, false],
      ["https://100.100.1.4/usage", { domains: ["100.100.1.4"] }, false],
      ["http://[::1]:9/usage", { upstreamBaseUrl: "http://[::1]:9/v1" }, true],
      ["https://[fd00::1]/usage", { domains: ["[fd00::1]"] }, false],
      ["https://10.0.0.1/usage", { domains: ["10.0.0.1"] }, false],
      ["https://169.254.169.254/latest", { domains: ["169.254.169.254"] }, false],
      ["https://[::ffff:7f00:1]/x", { domains: ["[::ffff:7f00:1]"] }, false],
      ["https://[64:ff9b::7f00:1]/x", { domains: ["[64:ff9b::7f00:1]"] }, false],
      ["https://[2002:7f00:1::]/x", { domains: ["[2002:7f00:1::]"] }, false],
      ["https://[2001:0:7f00::1]/x", { domains: ["[2001:0:7f00::1]"] }, false],
      ["https://[::]/x", { domains: ["[::]"] }, false],
      ["https://[fe90::1]/x", { domains: ["[fe90::1]"] }, false],
      ["https://0.0.0.0/x", { domains: ["0.0.0.0"] }, false],
      ["https://198.18.0.1/x", { domains: ["198.18.0.1"] }, false],
      ["https://240.0.0.1/x", { domains: ["240.0.0.1"] }, false],
      ["https://localhost./x", { domains: ["localhost."] }, false],
      ["https://a.localhost./x", { domains: ["a.localhost."] }, false],
      ["https://printer.local/x", { domains: ["printer.local"] }, false],
      ["https://metadata.google.internal/x", { domains: ["metadata.google.internal"] }, false],
      ["https://[2606:4700::1111]/x", { domains: ["[2606:4700::1111]"] }, true],
      ["https://100.128.0.1/x", { domains: ["100.128.0.1"] }, true],
      ["https://local.example/x", { domains: ["local.example"] }, true],
      ["https://2.relay.example/x", { upstreamBaseUrl: "https://1.1.1.1/v1" }, false],
      ["https://2.2.1.1/x", { upstreamBaseUrl: "https://1.1.1.1/v1" }, false],
      ["https://two.localhost/x", { upstreamBaseUrl: "https://one.localhost/v1" }, false],
    ];
  test.each(cases)("to %s %j: %p", (url, parts, isAllowed) => {
    expect(may(url, parts)).toBe(isAllowed);
  });

  test("and the token of a variable goes to its endpoint, by https", () => {
    expect(may("https://panel.test/usage", { owner: "endpoint" })).toBe(true);
    expect(may("http://panel.test/usage", { owner: "endpoint" })).toBe(false);
    expect(may("http://127.0.0.1/usage", { owner: "endpoint" })).toBe(false);
  });
});

test("a registrable domain is what one owner has, and null where that is in doubt", () => {
  const hosts = [
    "api.relay.example",
    "relay.example",
    "a.b.com.cn",
    "com.cn",
    "x.github.io",
    "github.io",
    "1.2.3.4",
  ];
  expect(hosts.map(registrableDomain)).toEqual([
    "relay.example",
    "relay.example",
    "b.com.cn",
    null,
    "x.github.io",
    null,
    null,
  ]);
  expect(["localhost", "[::1]", "::1", ""].map(registrableDomain)).toEqual([null, null, null, null]);
});

test("S11: whatever the two hosts, a token goes nowhere but to a host that shares two labels with its own", () => {
  const label = fc.constantFrom(
    "a",
    "b",
    "api",
    "relay",
    "com",
    "co",
    "uk",
    "cn",
    "dev",
    "workers",
    "io",
    "example",
  );
  const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(host, host, (own, other) => {
      const isAllowed = may(`https://${other}/usage`, { upstreamBaseUrl: `https://${own}/v1` });
      const last = (name: string): string => name.split(".").slice(-2).join(".");
      if (isAllowed) expect(own === other || last(own) === last(other)).toBe(true);
      if (own === other) expect(isAllowed).toBe(true);
    }),
  );
});
