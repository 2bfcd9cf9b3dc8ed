import { createKafkaBroker, type KafkaBrokerOptions } from "@distribution/broker-kafka";
import { describe, expect, test } from "vitest";
import { settingsOf } from "../src/options.ts";

const brokers = ["127.0.0.1:9092"];
const KiB = 1024;
const MiB = 1024 * KiB;

/** Name, default, smallest, largest. */
const BOUNDS = [
  ["connectTimeoutMs", 5_000, 10, 2 ** 31 - 1],
  ["requestTimeoutMs", 10_000, 100, 2 ** 31 - 1],
  ["appendTimeoutMs", 30_000, 10, 2 ** 31 - 1],
  ["refusedRetryMs", 30_000, 10, 2 ** 31 - 1],
  ["maxBatchBytes", MiB, 1, 64 * MiB],
  ["maxQueuedBytes", 64 * MiB, 1, Number.MAX_SAFE_INTEGER],
  ["fetchBytes", MiB, 1, 512 * MiB],
  ["fetchWaitMs", 500, 10, 60_000],
  ["sessionTimeoutMs", 10_000, 100, 2 ** 31 - 1],
  ["rebalanceTimeoutMs", 30_000, 100, 2 ** 31 - 1],
  ["groupWindowEvents", 10_000, 1, 1_000_000],
  ["groupWindowBytes", 32 * MiB, 1, Number.MAX_SAFE_INTEGER],
  ["replicationFactor", undefined, 1, 32_767],
  ["minInsyncReplicas", undefined, 1, 32_767],
] as const;

describe.each(BOUNDS)("%s", (name, standard, least, most) => {
  test(`is ${standard} unless set`, () => {
    expect(settingsOf({ brokers })[name]).toBe(standard);
  });
  test("is taken at its bounds, and refused beyond them by name and range", () => {
    for (const value of [least, most]) expect(settingsOf({ brokers, [name]: value })[name]).toBe(value);
    for (const value of [least - 1, most + 1, least + 0.5, Number.NaN]) {
      expect(() => settingsOf({ brokers, [name]: value })).toThrow(
        `${name}: must be a whole number from ${least} to ${most}, not ${value}`,
      );
    }
  });
});

test("brokers are host and port, IPv6 in brackets", () => {
  expect(settingsOf({ brokers: ["kafka-1.internal:9092", "[::1]:19092"] }).brokers).toEqual([
    { host: "kafka-1.internal", port: 9092 },
    { host: "::1", port: 19092 },
  ]);
  for (const bad of ["kafka", "kafka:", "kafka:0", "kafka:65536", "http://kafka:9092", ":9092", 9092]) {
    const options = { brokers: ["a:1", bad] } as KafkaBrokerOptions;
    expect(() => settingsOf(options)).toThrow('brokers[1]: must be "host:port"');
  }
  for (const none of [[], undefined]) {
    expect(() => settingsOf({ brokers: none } as unknown as KafkaBrokerOptions)).toThrow("brokers: must name");
  }
});

test("words are refused that mean nothing", () => {
  const sasl = { mechanism: "PLAIN", username: "a", password: "b" } as const;
  const bad: readonly [object, string][] = [
    [{ compression: "brotli" }, "compression: must be one of none, gzip, snappy, lz4, zstd"],
    [{ clientId: "" }, "clientId: must be a text of 1 to 200 characters"],
    [{ clientId: "x".repeat(201) }, "clientId: must be a text"],
    [{ sasl: { ...sasl, mechanism: "MD5" } }, "sasl.mechanism: must be one of PLAIN"],
    [{ sasl: { ...sasl, username: "" } }, "sasl.username: must not be empty"],
    [{ sasl: { ...sasl, password: "" } }, "sasl.password: must not be empty"],
  ];
  for (const [options, message] of bad) {
    expect(() => settingsOf({ brokers, ...options })).toThrow(expect.objectContaining({ code: "invalid_request" }));
    expect(() => settingsOf({ brokers, ...options })).toThrow(message);
  }
  expect(settingsOf({ brokers, sasl: { ...sasl, password: () => "b" } }).sasl?.username).toBe("a");
});

test("tls is off, on with the system's authorities, or as Node takes it", () => {
  expect(settingsOf({ brokers }).tls).toBeUndefined();
  expect(settingsOf({ brokers, tls: false }).tls).toBeUndefined();
  expect(settingsOf({ brokers, tls: true }).tls).toEqual({});
  expect(settingsOf({ brokers, tls: { ca: "pem" } }).tls).toEqual({ ca: "pem" });
});

test("a broker with a bad option is not made", async () => {
  await expect(createKafkaBroker({ brokers: [] })).rejects.toMatchObject({ code: "invalid_request" });
});
