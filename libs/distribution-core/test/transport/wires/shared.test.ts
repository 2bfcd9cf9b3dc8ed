import { describe, expect, it } from "vitest";
import { DistributionError, ERROR_CODES } from "../../../src/errors.ts";
import {
  closeOf,
  createSendWindow,
  credentialOf,
  errorCodeOf,
  fitReason,
  MAX_REASON_BYTES,
  originRefusal,
  sendableCode,
} from "../../../src/transport/wires/index.ts";

describe("close codes", () => {
  it("say of every error what its definition says, or the nearest of RFC 6455", () => {
    for (const [code, definition] of Object.entries(ERROR_CODES)) {
      const expected = "close" in definition ? definition.close : definition.retry ? 1013 : 1008;
      expect(closeOf(new DistributionError(code as keyof typeof ERROR_CODES, "m"))).toEqual({
        code: expected,
        reason: "m",
      });
    }
  });

  it("lead back to their error", () => {
    expect(errorCodeOf(3008)).toBe("too_slow");
    expect(errorCodeOf(1000)).toBeUndefined();
  });

  it.each([1000, 1003, 1007, 1014, 3000, 3999, 4999])("%i may be sent", (code) => {
    expect(sendableCode(code)).toBe(code);
  });

  it.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 3000.5, Number.NaN])("%d becomes 1011", (code) => {
    expect(sendableCode(code)).toBe(1011);
  });

  it("have a reason of at most 123 bytes, cut between characters", () => {
    expect(fitReason("r".repeat(MAX_REASON_BYTES))).toHaveLength(MAX_REASON_BYTES);
    expect(fitReason("r".repeat(MAX_REASON_BYTES + 1))).toHaveLength(MAX_REASON_BYTES);
    expect(fitReason("€".repeat(41))).toBe("€".repeat(41));
    expect(fitReason(`r${"€".repeat(41)}`)).toBe(`r${"€".repeat(40)}`);
    expect(fitReason("\ud800")).toBe("\ufffd");
  });
});

describe("a credential", () => {
  it.each([
    ["Bearer abc", "abc"],
    ["ApiKey  abc.def ", "abc.def"],
    ["Bearer", undefined],
    ["Bearer a b", undefined],
    [undefined, undefined],
  ])("from Authorization %s is %s", (authorization, token) => {
    const headers = authorization === undefined ? {} : { authorization };
    expect(credentialOf(headers, "10.0.0.1").token).toBe(token);
  });

  it("prefers the wire's own place", () => {
    expect(credentialOf({ authorization: "Bearer a" }, "10.0.0.1", "b").token).toBe("b");
  });

  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["10.0.0.1", false],
    ["128.0.0.1", false],
    [undefined, false],
  ])("from %s is from loopback: %s", (remote, loopback) => {
    expect(credentialOf({}, remote)).toEqual({ remote: remote ?? "unknown", loopback });
  });

  it.each(["x-forwarded-for", "forwarded"])("that a proxy brought (%s) is not from loopback", (header) => {
    expect(credentialOf({ [header]: "1.2.3.4" }, "127.0.0.1").loopback).toBe(false);
  });
});

describe("the origin of a page", () => {
  const host = "127.0.0.1:7030";
  it.each([
    [{ host }, [], true],
    [{ host, origin: `http://${host}` }, [], true],
    [{ host, origin: "http://127.0.0.1:1" }, [], false],
    [{ host, origin: "https://evil.example" }, [], false],
    [{ host, origin: "null" }, [], false],
    [{ host, origin: "https://desk.example" }, ["https://desk.example"], true],
    [{ host, origin: "https://evil.example" }, ["*"], true],
  ])("%j with %j allowed: %s", (headers, allowed, taken) => {
    expect(originRefusal(headers, allowed)?.code).toBe(taken ? undefined : "forbidden");
  });
});

describe("a send window", () => {
  it("is full over its bound, not at it, and drains at half", () => {
    let drained = 0;
    const window = createSendWindow(100, () => {
      drained += 1;
    });
    expect(window.sent(100)).toBe(true);
    expect(window.sent(1)).toBe(false);
    expect(window.pending).toBe(101);
    expect(window.sent(50)).toBe(false);
    window.taken();
    expect([window.pending, drained]).toEqual([51, 0]);
    window.taken();
    expect([window.pending, drained]).toEqual([50, 1]);
    expect(window.sent(1)).toBe(true);
  });

  it("takes a callback too many for nothing", () => {
    const window = createSendWindow(1, () => {});
    window.taken();
    expect(window.pending).toBe(0);
  });
});
