import { expect, test } from "bun:test";
import fc from "fast-check";
import { inEnglish } from "../../src/base/text.ts";
import { chooseOutboundProxy } from "../../src/config/outbound-proxy.ts";

const P = "http://proxy.example:8080";
const choose = (url: string, env: Record<string, string>, own?: string | false): string => {
  const chosen = chooseOutboundProxy(url, own, env);
  if (chosen.kind === "proxy") return `${chosen.source} ${chosen.url}`;
  return chosen.kind === "direct" ? "direct" : inEnglish(chosen.problem);
};

test.each<[string, Record<string, string>, string]>([
  ["https://a.example", {}, "direct"],
  ["https://a.example", { HTTPS_PROXY: P }, `HTTPS_PROXY ${P}`],
  ["https://a.example", { https_proxy: P, HTTPS_PROXY: "http://other" }, `https_proxy ${P}`],
  ["https://a.example", { HTTPS_PROXY: " " }, "direct"],
  ["https://a.example", { HTTP_PROXY: P }, "direct"],
  ["http://a.example", { HTTP_PROXY: P }, `HTTP_PROXY ${P}`],
  ["http://a.example", { HTTPS_PROXY: P }, "direct"],
  ["https://a.example", { ALL_PROXY: P }, `ALL_PROXY ${P}`],
  ["https://a.example", { all_proxy: "http://other", HTTPS_PROXY: P }, `HTTPS_PROXY ${P}`],
  ["https://a.example", { HTTPS_PROXY: "proxy.example:8080" }, `HTTPS_PROXY ${P}`],
  ["https://a.example", { HTTPS_PROXY: "http://u:p@proxy.example" }, "HTTPS_PROXY http://u:p@proxy.example"],
  [
    "https://a.example",
    { HTTPS_PROXY: "socks5h://x:1" },
    "HTTPS_PROXY is a SOCKS proxy, and only http and https proxies are supported",
  ],
  [
    "https://a.example",
    { HTTPS_PROXY: "ftp://x" },
    "HTTPS_PROXY is not the address of an http or https proxy",
  ],
  ["https://a.example", { HTTPS_PROXY: "http://" }, "HTTPS_PROXY is not the address of a proxy"],
])("%s with %j", (url, env, expected) => {
  expect(choose(url, env)).toBe(expected);
});

test.each([
  "http://127.0.0.1:9",
  "http://127.8.9.1:9",
  "http://localhost:9",
  "https://x.localhost",
  "http://[::1]:9",
  "http://[::ffff:127.0.0.1]:9",
])("%s is this machine: no variable applies", (url) => {
  expect(choose(url, { HTTP_PROXY: P, HTTPS_PROXY: P, ALL_PROXY: "socks5://x" })).toBe("direct");
});

test.each<[string, string, boolean]>([
  ["https://a.example", "*", true],
  ["https://a.example", "a.example", true],
  ["https://a.example", "A.Example", true],
  ["https://a.example", ".example", true],
  ["https://a.example", "*.example", true],
  ["https://sub.a.example", "a.example", true],
  ["https://nota.example", "a.example", false],
  ["https://a.example.com", "a.example", false],
  ["https://a.example", "x, ,b.example a.example", true],
  ["https://a.example", "a.example:443", true],
  ["https://a.example:8443", "a.example:443", false],
  ["https://a.example:8443", "a.example:8443", true],
  ["http://a.example", "a.example:80", true],
  ["https://192.168.1.9", "192.168.1.9", true],
  ["https://192.168.1.99", "192.168.1.9", false],
  ["https://[fd00::1]", "fd00::1", true],
  ["https://[fd00::1]:8443", "[fd00::1]:8443", true],
  ["https://[fd00::1]:8443", "[fd00::1]:1", false],
  ["https://a.example", "", false],
  ["https://a.example", "b.example;a.example", true],
  ["https://a.example", "b.example ;\ta.example; c", true],
  ["https://a.example.", "a.example", true],
  ["https://a.example", "a.example.", true],
  ["https://a.example", "*.a.example:443", true],
  ["https://a.example", "*a.example", true],
  ["https://10.1.2.3", "10.0.0.0/8", true],
  ["https://11.1.2.3", "10.0.0.0/8", false],
  ["https://10.1.2.3", "10.1.2.0/24", true],
  ["https://10.1.3.3", "10.1.2.0/24", false],
  ["https://10.1.3.3", "10.1.2.0/23", true],
  ["https://10.1.2.3", "10.1.2.3/32", true],
  ["https://10.1.2.3", "0.0.0.0/0", true],
  ["https://10.1.2.3", "10.0.0.0/33", false],
  ["https://10.1.2.3", "10.0.0.0/", false],
  ["https://10.1.2.3", "10/8", false],
  ["https://10.1.2.3", "::/0", false],
  ["https://relay.10.0.0.1.example", "10.0.0.0/8", false],
  ["https://[fd00:1::5]", "fd00::/8", true],
  ["https://[fd00:1::5]", "[fd00::]/8", true],
  ["https://[fe80::1]", "fd00::/8", false],
  ["https://[fd00::1]", "FD00:0:0::0001", true],
  ["https://[::ffff:10.1.2.3]", "10.0.0.0/8", true],
  ["https://10.1.2.3", "::ffff:10.1.2.3", true],
  ["https://192.168.1.9", "1.9", false],
  ["https://192.168.1.9", "192.168.1.9:443", true],
  ["https://192.168.1.9", "192.168.1.9:80", false],
  ["https://intranet", "<local>", true],
  ["https://intranet.example", "<local>", false],
  ["https://10.1.2.3", "<local>", false],
  ["https://[fd00::1]", "<LOCAL>", false],
])("%s with NO_PROXY %j: direct is %p", (url, exceptions, isDirect) => {
  const expected = isDirect ? "direct" : `https_proxy ${P}`;
  const env = { https_proxy: P, HTTP_PROXY: P };
  expect(choose(url, { ...env, NO_PROXY: exceptions })).toBe(expected);
  expect(choose(url, { ...env, no_proxy: exceptions, NO_PROXY: "other.example" })).toBe(
    exceptions === "" ? choose(url, { ...env, NO_PROXY: "other.example" }) : expected,
  );
});

test("the upstream's own word wins over every variable", () => {
  const env = { HTTPS_PROXY: "http://other", NO_PROXY: "*" };
  expect(choose("https://a.example", env, P)).toBe(`proxy ${P}`);
  expect(choose("https://a.example", { HTTPS_PROXY: P }, false)).toBe("direct");
  expect(choose("https://a.example", {}, "socks4://x")).toBe(
    "proxy is a SOCKS proxy, and only http and https proxies are supported",
  );
});

test("a range of NO_PROXY holds exactly the addresses that begin with its bits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 32 }), uint32, uint32, (size, base, other) => {
      // Half of the time an address inside.
      const inside =
        ((base >>> (32 - size)) * 2 ** (32 - size) + (size === 0 ? other : other % 2 ** (32 - size))) >>> 0;
      for (const address of [other, size === 32 ? base : inside]) {
        const isSame = toBits(address).slice(0, size) === toBits(base).slice(0, size);
        const chosen = choose(`https://${toText(address)}`, {
          HTTPS_PROXY: P,
          NO_PROXY: `${toText(base)}/${size}`,
        });
        if (toText(address).startsWith("127.") || address === 0) continue;
        expect(chosen).toBe(isSame ? "direct" : `HTTPS_PROXY ${P}`);
      }
    }),
  );
});

test("no text in NO_PROXY throws, and one that names other hosts changes nothing", () => {
  const part = fc.constantFrom(
    "x.example",
    "*.y",
    ".z",
    "[::1]",
    "[",
    "/",
    "/8",
    "::/129",
    ":",
    ":80",
    "a:b:c:d",
    "1.2.3.4/99",
    "999.1.1.1",
    "<>",
    "*x",
    "%",
  );
  fc.assert(
    fc.property(fc.array(part), fc.constantFrom(",", ";", " ", "\t", " , "), (parts, separator) => {
      const exceptions = parts.join(separator);
      expect(choose("https://a.example", { HTTPS_PROXY: P, NO_PROXY: exceptions })).toBe(`HTTPS_PROXY ${P}`);
      const more = [...parts, "a.example"].join(separator);
      expect(choose("https://a.example", { HTTPS_PROXY: P, NO_PROXY: more })).toBe("direct");
    }),
  );
});

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const toBits = (address: number): string => address.toString(2).padStart(32, "0");
const toText = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
