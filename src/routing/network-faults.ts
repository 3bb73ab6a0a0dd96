// What a failed connection is, by the code that the system, Bun or OpenSSL has for it: one table for the log, every screen, answers
// to clients, `doctor` and what is said of balances.
// Pure.

export interface NetworkFault {
  readonly id: string;
  readonly codes: RegExp;
  /** Of an upstream, which is named before it. */
  readonly words: string;
}

/** Not of any system: what refused http takes a TLS handshake, and what took none answers http. */
export const HTTPS_PORT = "HTTPS_PORT";
export const HTTP_PORT = "HTTP_PORT";

/** The first that matches counts. https://docs.openssl.org/master/man1/openssl-verification-options/ and BoringSSL's names. */
export const NETWORK_FAULTS: readonly NetworkFault[] = [
  { id: "dns", codes: /^(?:ENOTFOUND|EAI_|ENODATA|DNS)/, words: "DNS lookup failed" },
  {
    id: "connection-refused",
    codes: /^(?:ECONNREFUSED|ConnectionRefused|FailedToOpenSocket)$/,
    words: "refused the connection",
  },
  { id: "no-route", codes: /^(?:ENET|EHOST)(?:UNREACH|DOWN)$/, words: "no route to it" },
  { id: "connect-timeout", codes: /^(?:ETIMEDOUT|ConnectionTimeout)$/, words: "connection timed out" },
  {
    id: "not-tls",
    codes: /^HTTP_PORT$|WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL/,
    words: "no TLS on this port: https to an http port",
  },
  { id: "needs-tls", codes: /^HTTPS_PORT$/, words: "TLS on this port: http to an https port" },
  { id: "certificate-expired", codes: /CERT_HAS_EXPIRED/, words: "its certificate has expired" },
  {
    id: "certificate-early",
    codes: /CERT_NOT_YET_VALID/,
    words: "its certificate is not valid yet by this machine's clock",
  },
  {
    id: "certificate-name",
    codes: /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    words: "its certificate is for another name",
  },
  {
    id: "certificate-authority",
    codes: /SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(?:GET|VERIFY)|CERT_UNTRUSTED|INVALID_CA/,
    words: "its certificate is from an unknown authority",
  },
  { id: "certificate-revoked", codes: /CERT_REVOKED/, words: "its certificate was revoked" },
  { id: "tls", codes: /^(?:EPROTO$|ERR_SSL_)|_ALERT_/, words: "the TLS handshake failed" },
  {
    id: "certificate",
    codes: /CERT|UNABLE_TO_DE|INVALID_PURPOSE|PATH_LENGTH/,
    words: "certificate refused",
  },
  {
    id: "not-http",
    codes: /^(?:Malformed_HTTP_Response|HPE_|InvalidHTTPResponse)/,
    words: "its answer is not HTTP",
  },
  { id: "headers-too-large", codes: /HeadersTooLarge|HEADER_OVERFLOW/, words: "its headers are too large" },
  {
    id: "broken-connection",
    codes: /^(?:ECONNRESET|ECONNABORTED|ECONNCLOSED|ConnectionClosed|EPIPE|UND_ERR_SOCKET)$/,
    words: "connection lost",
  },
];

/** Null for a code that is none of a connection, or not known. */
export function findNetworkFault(code: string): NetworkFault | null {
  return NETWORK_FAULTS.find(({ codes }) => codes.test(code)) ?? null;
}

/** It is refused here, as it is now. */
export function isOfCertificate(code: string): boolean {
  return findNetworkFault(code)?.id.startsWith("certificate") === true;
}
