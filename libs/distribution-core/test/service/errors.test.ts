import { describe, expect, it } from "vitest";
import { atPath, DistributionError, ERROR_CODES, fieldError, toDistributionError } from "../../src/errors.ts";
import { createLoopbackGuard } from "../../src/security/index.ts";

const definitions = Object.entries(ERROR_CODES);

describe("the closed list of errors", () => {
  it("has a close code for no more than one error, within the range that says what to do", () => {
    const closes = definitions.flatMap(([, each]) => ("close" in each ? [each.close] : []));
    expect(new Set(closes).size).toBe(closes.length);
    expect(closes.every((code) => code >= 3_000 && code < 4_000)).toBe(true);
  });

  it("tells clients to come back by the same close codes that it says to retry by, but for those that are over a limit", () => {
    for (const [code, each] of definitions) {
      if (!("close" in each) || ["too_many_connections", "limit_exceeded"].includes(code)) continue;
      expect(each.close < 3_500, code).toBe(each.retry);
    }
  });

  it("blames the client with 4xx and the service with 5xx", () => {
    for (const [code, { http }] of definitions) expect(http >= 400 && http < 600, code).toBe(true);
    expect(ERROR_CODES.internal.http).toBe(500);
  });
});

describe("an error", () => {
  it("carries its code, its definition, its fields and its cause", () => {
    const cause = new Error("disk");
    const error = new DistributionError("storage_full", "The log is full.", { retryAfterMs: 5, cause });
    expect(error).toMatchObject({
      name: "DistributionError",
      code: "storage_full",
      errors: [],
      retryAfterMs: 5,
      cause,
    });
    expect(error.definition).toBe(ERROR_CODES.storage_full);
    expect(new DistributionError("internal", "x").cause).toBeUndefined();
  });

  it("of one field names it in its message and in its list", () => {
    expect(fieldError("invalid_request", "a.b[0]", "is wrong")).toMatchObject({
      message: "a.b[0]: is wrong",
      errors: [{ path: "a.b[0]", message: "is wrong" }],
    });
  });

  it("of a part that names its fields by itself is named where the client wrote it", () => {
    const run = (failure: unknown) => () =>
      atPath("subscribe.filter", () => {
        throw failure;
      });
    expect(run(fieldError("invalid_filter", "filter", "is wrong"))).toThrow(
      expect.objectContaining({ code: "invalid_filter", message: "subscribe.filter: is wrong" }),
    );
    expect(run(new DistributionError("invalid_filter", "wrong"))).toThrow("subscribe.filter: wrong");
    expect(run(new TypeError("a defect"))).toThrow(TypeError);
    expect(atPath("x", () => 7)).toBe(7);
  });

  it("that nobody expected becomes internal at the edge, without a word of it for the client", () => {
    const cause = new TypeError("secret of the inside");
    const error = toDistributionError(cause);
    expect([error.code, error.cause]).toEqual(["internal", cause]);
    expect(error.message).not.toContain("secret");
    expect(toDistributionError(error)).toBe(error);
  });
});

describe("the guard of a service without an identity provider", () => {
  it("takes anybody on loopback for anonymous, who may do everything", () => {
    const guard = createLoopbackGuard();
    const identity = guard.identify({ remote: "127.0.0.1", loopback: true });
    expect(identity.subject).toBe("anonymous");
    expect(() => guard.authorize(identity, { kind: "administer" })).not.toThrow();
  });

  it("lets nobody else in, whatever token is shown", () => {
    const guard = createLoopbackGuard();
    expect(() => guard.identify({ remote: "192.0.2.1", loopback: false, token: "x" })).toThrow(
      expect.objectContaining({ code: "unauthenticated" }),
    );
  });
});
