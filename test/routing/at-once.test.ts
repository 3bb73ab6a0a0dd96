import { describe, expect, test } from "bun:test";
import { classify } from "../../src/routing/classify.ts";
import type { Verdict } from "../../src/routing/types.ts";
import { contentOutcome, DEFAULT_ROUTING, NOW, statusOutcome } from "../helpers/routing.ts";

const CONTEXT = {
  now: NOW,
  overrides: {},
  onError: [],
  settings: DEFAULT_ROUTING,
  canRepair: () => false,
};

function judge(body: unknown, status = 429): Verdict {
  return classify(statusOutcome(status, body), CONTEXT);
}

const said = (message: string, more: object = {}) => ({
  error: { message, type: "rate_limit_error", ...more },
});

describe("so many at once", () => {
  const TAUGHT: readonly (readonly [words: string, stated: number | null])[] = [
    ["Concurrency limit exceeded for account, please retry later", null],
    ["Too many concurrent requests. Limit: 3 concurrent requests", 3],
    ["too many concurrent requests for this model", null],
    [
      "Your account org-1 request reached max organization concurrency: 3, please try again after 1 seconds",
      3,
    ],
    ["Max parallel request limit reached. Hit limit for api_key: k1. max_parallel_requests: 4", 4],
    ["You have too many requests in flight", null],
    ["Too many in-flight requests (limit 8)", 8],
    ["The maximum number of simultaneous connections for your plan is 2", 2],
    ["Only 5 requests at the same time are allowed for this key", 5],
    ["too many active requests", null],
    ["This key may have at most 2 sessions at once", 2],
    ["Concurrent sessions exceeded: current 6, maximum 5", 5],
    ["concurrent request limit: 2/2 in use", 2],
    ["Limit of 5 concurrent requests reached. Your plan allows 60 requests per minute.", 5],
    ["High concurrency usage of this API, please reduce concurrency", null],
    ["当前并发请求数超过限制：5", 5],
    ["并发数过高，请降低并发", null],
    ["您的账户并发已达上限（最大并发 3），请稍后重试", 3],
    ["同时进行的请求过多", null],
    ["该令牌最多允许 2 个并发请求", 2],
    ["并行请求数已达上限", null],
    ["用户同时请求数量超出限制", null],
  ];
  test.each(TAUGHT)("%s", (words, stated) => {
    expect(judge(said(words))).toMatchObject({ rule: "concurrency", atOnce: { stated } });
  });

  test.each(["concurrency_limit_exceeded", "TooManyConcurrentRequests", "max_parallel_requests_exceeded"])(
    "the code %s",
    (code) => {
      expect(judge(said("slow down please", { code }))).toMatchObject({ atOnce: { stated: null } });
    },
  );

  test("inside a stream", () => {
    const body = {
      type: "response.failed",
      response: { error: { code: "rate_limit_exceeded", message: "Concurrency limit exceeded" } },
    };
    expect(classify(contentOutcome("error-event", body), CONTEXT)).toMatchObject({
      atOnce: { stated: null },
    });
  });
});

describe("so many in a time, or something else", () => {
  test.each([
    "Rate limit reached: 60 requests per minute. Please reduce concurrency.",
    "Too many requests per minute; lower your concurrency and retry",
    "Rate limit of 60 requests per minute reached. Concurrency limit: 5.",
    "You exceeded 10 concurrent requests per second",
    "RPM limit exceeded, contact support to request higher concurrency",
    "Rate limit exceeded (20 requests/min, 3 concurrent)",
    "Crossed TPM / RPM / Max Parallel Request Limit. current rpm: 1, rpm limit: 15",
    "Too many requests in 1 minute",
    "rate limit reached, please try again at once later",
    "请求过于频繁，请降低并发后重试",
    "每分钟请求数超过限制，请降低并发",
    "请求频率过高，请减少并发请求",
    "速率限制：每秒 5 次，并发 3",
    "Rate limit reached for gpt-5 in organization org-1 on requests per min (RPM): Limit 3, Used 3",
  ])("%s", (words) => {
    const { atOnce, rule } = judge(said(words));
    expect({ atOnce, rule }).toEqual({ atOnce: undefined, rule: "rate-limit" });
  });

  test.each(["The request queue is full", "当前排队人数过多", "too many queued requests"])(
    "a server that is busy with others says nothing of an account: %s",
    (words) => {
      const { atOnce, rule } = judge(said(words));
      expect({ atOnce, rule }).toEqual({ atOnce: undefined, rule: "concurrency" });
    },
  );

  test("a 503 is about the server", () => {
    expect(judge(said("Concurrency limit exceeded"), 503).atOnce).toBeUndefined();
  });

  test("a budget for what is in flight is money", () => {
    const body = {
      error: {
        message: "In-flight spending budget exhausted",
        metadata: { error_type: "in_flight_budget_exhausted" },
      },
    };
    expect(judge(body, 402).atOnce).toBeUndefined();
  });
});
