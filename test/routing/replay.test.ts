import { describe, expect, test } from "bun:test";
import { endpointOf } from "../../src/proxy/endpoints.ts";
import { mayRepeat } from "../../src/routing/classify.ts";

function may(
  retryClass: "A" | "B" | "C" | "D",
  parts: {
    method?: string;
    path?: string;
    store?: boolean;
    background?: boolean;
    ambiguous?: "failover" | "never";
  } = {},
) {
  const {
    method = "POST",
    path = "/v1/responses",
    store = false,
    background = false,
    ambiguous = "failover",
  } = parts;
  const isRepeatable = endpointOf(method, path).keeps !== "something";
  return mayRepeat(retryClass, { isRepeatable, facts: { store, background }, settings: { ambiguous } });
}

/** The classes that may be repeated, as a word. */
function classes(parts: Parameters<typeof may>[1]): string {
  return (["A", "B", "C", "D"] as const).filter((retryClass) => may(retryClass, parts)).join("");
}

describe("what may be sent to another upstream after a failure", () => {
  test("answers that leave nothing behind: everything but what the client has seen", () => {
    for (const path of [
      "/v1/responses",
      "/responses",
      "/v1/responses/compact",
      "/v1/chat/completions",
      "/v1/messages",
      "/v1/messages/count_tokens",
      "/v1/responses/input_tokens",
      "/v1/embeddings",
      "/v1/completions",
      "/v1/moderations",
      "/v1/alpha/search",
      "/v1/images/generations",
      "/v1/images/edits",
      "/v1/audio/speech",
      "/v1/audio/transcriptions",
    ])
      expect({ path, classes: classes({ path }) }).toEqual({ path, classes: "ABC" });
  });

  test("an answer that the upstream keeps: only what it did not begin", () => {
    expect(classes({ store: true })).toBe("AB");
  });

  test("work in the background, files, batches, cancellations, anything unknown: only what it did not begin", () => {
    expect(classes({ background: true })).toBe("AB");
    for (const path of [
      "/v1/files",
      "/v1/batches",
      "/v1/uploads",
      "/v1/fine_tuning/jobs",
      "/v1/responses/r_1/cancel",
      "/v1/audio/voices",
      "/v2/new",
    ])
      expect({ path, classes: classes({ path }) }).toEqual({ path, classes: "AB" });
    expect(classes({ method: "DELETE", path: "/v1/responses/r_1" })).toBe("AB");
    expect(classes({ method: "PUT" })).toBe("AB");
  });

  test("reading: everything", () => {
    expect(classes({ method: "GET", path: "/v1/models" })).toBe("ABC");
    expect(classes({ method: "HEAD", path: "/" })).toBe("ABC");
  });

  test("nothing ambiguous where the user does not want it", () => {
    expect(classes({ ambiguous: "never" })).toBe("AB");
    expect(classes({ ambiguous: "never", method: "GET", path: "/v1/models" })).toBe("AB");
  });
});
