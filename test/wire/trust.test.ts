// Whom the program trusts: the compiled way of reading each variable is Bun's own, so it is tried in a process of its own.
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTrust } from "../../src/base/trust.ts";
import { inEnglish } from "../../src/base/text.ts";
import { GOOD } from "../helpers/answers.ts";
import {
  EXPIRED_CERTIFICATE,
  GOOD_CERTIFICATE,
  TEST_KEY,
  WRONG_NAME_CERTIFICATE,
} from "../helpers/certificates.ts";
import { startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const TURN = { model: "gpt-5", stream: true, store: false, input: [] };
const tls = { key: TEST_KEY, cert: GOOD_CERTIFICATE };

test.each<[string, (file: string, directory: string) => Record<string, string>, number]>([
  ["no variable", () => ({}), 503],
  ["SSL_CERT_FILE", (file) => ({ SSL_CERT_FILE: file }), 200],
  ["SSL_CERT_DIR", (_file, directory) => ({ SSL_CERT_DIR: directory }), 200],
  ["NODE_EXTRA_CA_CERTS", (file) => ({ NODE_EXTRA_CA_CERTS: file }), 200],
  ["CODEX_CA_CERTIFICATE", (file) => ({ CODEX_CA_CERTIFICATE: file }), 503],
])("with %s, an upstream of an authority of one's own", async (_name, make, expected) => {
  await using upstream = await startFakeUpstream(() => GOOD.responses({ text: "trusted" }), { tls });
  using home = makeTempHome();
  const file = home.write("authorities/ca.pem", GOOD_CERTIFICATE);
  // Its name is the hash of the certificate's subject, as `openssl x509 -subject_hash` prints it.
  home.write("authorities/88d0bdcb.0", GOOD_CERTIFICATE);
  const upstreams = [{ base_url: upstream.baseUrl.replace("http:", "https:") }];
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  const port = freePort();
  const env = make(file, join(home.path, "authorities"));
  await using cli = startCli(["serve", "--no-switch", "--port", `${port}`], { home, env });
  await cli.waitFor(/Ctrl\+C/);
  const answer = await sendRaw(port, { method: "POST", path: "/v1/responses", body: JSON.stringify(TURN) });
  if (expected === 200) expect(answer.text()).toContain("trusted");
  expect(answer.status === 200).toBe(expected === 200);
});

test("an upstream's tls_ca is all it is trusted by, and is read anew when it changes", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses({ text: "trusted" }), { tls });
  using home = makeTempHome();
  const file = home.write("ca.pem", `# the company's\n${EXPIRED_CERTIFICATE}\n${GOOD_CERTIFICATE}`);
  await using proxy = startTestProxy({
    upstreams: [{ baseUrl: upstream.baseUrl.replace("http:", "https:"), tlsCa: file }],
    routing: { lastUsableOpenMs: 0, lastUsableOpenMaxMs: 0 },
  });
  expect(await (await proxy.ask("/v1/responses", TURN)).text()).toContain("trusted");
  writeFileSync(file, "no certificate");
  const refused = await proxy.ask("/v1/responses", TURN);
  expect(await refused.text()).toContain(`tls_ca: ${file}: it has no certificate in PEM form`);
  expect(upstream.requests).toHaveLength(1);
});

test.each([
  ["", "it has no certificate in PEM form"],
  [TEST_KEY, "it has no certificate in PEM form"],
  ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "its certificate 1 cannot be read"],
  [
    `${WRONG_NAME_CERTIFICATE}-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----`,
    "its certificate 2 cannot be read",
  ],
])("a file of authorities that holds %j cannot be used", (text, why) => {
  using home = makeTempHome();
  const file = home.write("ca.pem", text);
  const trust = createTrust(Date.now)(file);
  expect(trust.kind === "unusable" && inEnglish(trust.why)).toBe(`tls_ca: ${file}: ${why}`);
});
