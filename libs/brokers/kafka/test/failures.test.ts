/** What failures are called, and when one may call again. */
import { DistributionError } from "@distribution/core/errors";
import { createSimulatedRuntime } from "@distribution/testkit/simulation";
import { AuthenticationError, NetworkError, ResponseError, UserError } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { answerOf, CODE, codeOf, nameOf, reasonOf, refusalOf } from "../src/connection/failures.ts";
import { createGate, pauseMs } from "../src/connection/gate.ts";
import { settingsOf } from "../src/options.ts";

const answer = (code: number, response: unknown = { some: "answer" }) =>
  new ResponseError(3, 12, { "/topics/0": [code, null] }, response);
const coded = (code: string, message = "it fails"): Error => Object.assign(new Error(message), { code });
const around = (cause: Error): Error => new NetworkError("Connection to a:1 failed.", { cause });

test("an answer with a code is told from no answer", () => {
  expect(codeOf(answer(CODE.NOT_COORDINATOR))).toBe(16);
  expect(codeOf(new NetworkError("Connection closed"))).toBeUndefined();
  expect(codeOf("text")).toBeUndefined();
  expect(answerOf(answer(CODE.NOT_COORDINATOR))).toEqual({ some: "answer" });
  expect(() => answerOf(coded("ECONNRESET"))).toThrow("it fails");
  expect(nameOf(16)).toBe("NOT_COORDINATOR");
  expect(nameOf(9999)).toBe("error 9999");
});

test("what the settings are the reason of is named by the setting", () => {
  const own = (option: string): string => option;
  const cases: readonly [Error, string | undefined][] = [
    [around(new AuthenticationError("SASL authentication failed.")), "sasl.password"],
    [around(answer(CODE.SASL_AUTHENTICATION_FAILED)), "sasl.password"],
    [around(answer(CODE.UNSUPPORTED_SASL_MECHANISM)), "sasl.mechanism"],
    [
      around(new UserError("TLS fails.", { cause: coded("SELF_SIGNED_CERT_IN_CHAIN") })),
      "not trusted (SELF_SIGNED_CERT_IN_CHAIN); set tls.ca",
    ],
    [around(coded("CERT_HAS_EXPIRED")), "renew it"],
    [around(coded("ERR_TLS_CERT_ALTNAME_INVALID", "not b")), "another name (not b); call it in brokers"],
    [around(coded("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED")), "check tls.cert and tls.key"],
    [around(coded("ERR_SSL_WRONG_VERSION_NUMBER")), "switch tls off, or set brokers"],
    [new UserError("Broker requires TLS."), "wants TLS; set tls"],
    [
      around(new AuthenticationError("no", { cause: new DistributionError("invalid_request", "f is empty.") })),
      "f is empty",
    ],
    [around(new AuthenticationError("no mechanism", { cause: new NetworkError("Connection closed") })), undefined],
    [around(coded("ECONNREFUSED")), undefined],
    [answer(CODE.NOT_COORDINATOR), undefined],
  ];
  for (const [failure, named] of cases) {
    if (named === undefined) expect(refusalOf(failure, own)).toBeUndefined();
    else expect(refusalOf(failure, own), failure.message).toContain(named);
  }
});

test("the reason is the innermost one, without a full stop", () => {
  expect(reasonOf(around(coded("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1")))).toBe(
    "connect ECONNREFUSED 127.0.0.1:1",
  );
  expect(reasonOf(answer(CODE.KAFKA_STORAGE_ERROR))).toBe("KAFKA_STORAGE_ERROR");
  expect(reasonOf(new DistributionError("unavailable", "It is away."))).toBe("It is away");
  expect(reasonOf("text")).toBe("text");
});

const address = { host: "a", port: 1 };

test("an address that failed is left alone for a while, longer each time, and at once again when it was reached", async () => {
  const runtime = createSimulatedRuntime(1);
  const gate = createGate(settingsOf({ brokers: ["a:1"], runtime }));
  for (let failures = 1; failures <= 8; failures += 1) {
    const error = gate.failed(address, around(coded("ECONNREFUSED", "nobody")), false);
    const message = "Kafka at a:1 cannot be reached: nobody; start it, or set brokers to where it is.";
    expect(error).toMatchObject({ code: "unavailable", message });
    let waited = 0;
    for (;;) {
      try {
        gate.assertOpen(address);
        break;
      } catch (failure) {
        const { retryAfterMs } = failure as DistributionError;
        waited += retryAfterMs!;
        await runtime.run(retryAfterMs!);
      }
    }
    expect(waited).toBeLessThanOrEqual(1001);
  }
  gate.assertOpen({ host: "b", port: 1 });
  gate.failed(address, coded("ECONNREFUSED"), false);
  gate.reached(address);
  gate.assertOpen(address);
});

test("credentials that were refused are tried again rarely, at no address, and told once", async () => {
  const runtime = createSimulatedRuntime(1);
  const told: string[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (_: object, message: string) => void told.push(message) };
  const gate = createGate(settingsOf({ brokers: ["a:1"], runtime, logger, refusedRetryMs: 10_000 }));
  const refused = around(new AuthenticationError("no"));
  gate.failed(address, refused, true);
  expect(gate.refusal).toContain("sasl.password");
  for (const other of [address, { host: "b", port: 1 }]) {
    expect(() => gate.assertOpen(other)).toThrow(expect.objectContaining({ code: "unavailable" }));
  }
  await runtime.run(9_999);
  expect(() => gate.assertOpen(address)).toThrow("refuses the credentials");
  await runtime.run(10_002);
  gate.assertOpen(address);
  // As a broker that wants TLS can be reached without.
  gate.reached(address);
  gate.failed(address, refused, true);
  expect(told).toHaveLength(1);
  gate.reached(address);
  expect(gate.refusal).toBeUndefined();
  gate.answered(address);
  gate.failed(address, refused, true);
  expect(told).toHaveLength(2);
});

test("where nothing is answered the settings are named, until it was answered; an address of the cluster's own is told as such", () => {
  const gate = createGate(settingsOf({ brokers: ["a:1"], optionNames: (option) => `X_${option}` }));
  const closed = new NetworkError("Connection closed");
  expect(gate.failed(address, closed, true).message).toBe(
    "Kafka at a:1 gives no answer: Connection closed; it may want a login (X_sasl.mechanism) or TLS (X_tls), or be no Kafka (X_brokers).",
  );
  gate.answered(address);
  expect(gate.failed(address, closed, true).message).toBe("Kafka at a:1 cannot be reached: Connection closed.");
  const other = gate.failed({ host: "b", port: 1 }, around(coded("ENOTFOUND", "no b")), false);
  expect(other.message).toContain(
    "b:1 cannot be reached: no b; the cluster itself gives this address (advertised.listeners)",
  );
  const noTls = coded("ECONNRESET", "disconnected before secure TLS connection was established");
  expect(gate.failed(address, around(noTls), false).message).toContain("switch X_tls off, or set X_brokers");
});

test("pauses grow to their bound and are spread at random below it", () => {
  const runtime = createSimulatedRuntime(3);
  const longest = (failures: number): number =>
    Math.max(...Array.from({ length: 200 }, () => pauseMs(failures, runtime)));
  expect(longest(1)).toBeLessThanOrEqual(100);
  expect(longest(100)).toBeLessThanOrEqual(1000);
  expect(longest(100)).toBeGreaterThan(900);
});
