import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPulsarBroker, type PulsarBrokerOptions } from "@distribution/broker-pulsar";
import { describe, expect, onTestFinished, test } from "vitest";
import { settingsOf } from "../src/options.ts";
import { createTokenSource } from "../src/token.ts";

const PLACE = { serviceUrl: "pulsar://localhost:6650", adminUrl: "http://localhost:8080" };

const RANGES: readonly [keyof PulsarBrokerOptions, number, number][] = [
  ["appendTimeoutMs", 100, 600_000],
  ["connectTimeoutMs", 100, 600_000],
  ["adminTimeoutMs", 100, 600_000],
  ["maxBatchBytes", 1, 134_217_728],
  ["maxQueuedBytes", 1, Number.MAX_SAFE_INTEGER],
  ["maxInFlightBytes", 1, 1_073_741_824],
  ["readAheadBytes", 1024, 1_073_741_824],
  ["topicRefreshMs", 100, 3_600_000],
  ["groupWindowEvents", 1, 1_000_000],
  ["groupWindowBytes", 1, Number.MAX_SAFE_INTEGER],
  ["groupProgressBytes", 256, 524_288],
];

describe("a bound may be at its least and its most, and no further", () => {
  test.each(RANGES)("%s", (name, least, most) => {
    for (const value of [least, least + 1, most - 1, most]) {
      expect(settingsOf({ ...PLACE, [name]: value })[name as "maxBatchBytes"]).toBe(value);
    }
    for (const value of [least - 1, most + 1, 1.5, Number.NaN, "10"]) {
      expect(() => settingsOf({ ...PLACE, [name]: value })).toThrow(
        expect.objectContaining({
          code: "invalid_request",
          errors: [{ path: name, message: expect.stringContaining(`from ${least} to ${most}`) }],
        }),
      );
    }
  });
});

describe("what is no setting is refused with its name", () => {
  test.each([
    ["serviceUrl", { serviceUrl: "localhost:6650" }],
    ["serviceUrl", { serviceUrl: "http://localhost:6650" }],
    ["serviceUrl", { serviceUrl: undefined as unknown as string }],
    ["adminUrl", { adminUrl: "pulsar://localhost" }],
    ["tenant", { tenant: "a/b" }],
    ["namespace", { namespace: "" }],
    ["token", { token: "" }],
    ["token", { token: {} as { file: string } }],
    ["compression", { compression: "lz4" as "zlib" }],
    ["client", { client: "java" as "native" }],
  ])("%s: %o", async (path, options) => {
    await expect(createPulsarBroker({ ...PLACE, ...options })).rejects.toMatchObject({
      ...{ code: "invalid_request", errors: [{ path }] },
    });
  });
});

test("a URL that is refused is not shown, as it may have a password in it", () => {
  expect(() => settingsOf({ ...PLACE, adminUrl: "pulsar://admin:hunter2@localhost" })).toThrow(
    "adminUrl: must be http://host:port or https://host:port",
  );
  expect(() => settingsOf({ ...PLACE, adminUrl: "pulsar://admin:hunter2@localhost" })).not.toThrow("hunter2");
});

test("what is left out has its default", () => {
  const settings = settingsOf(PLACE);
  expect(settings).toMatchObject({ tenant: "public", namespace: "default", compression: "none" });
  expect(settings.recordsOf("any")).toBe("packed");
  expect(settings.maxBatchBytes).toBe(1_048_576);
});

test("a token in a file is read again whenever it is needed, and a missing file is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "token-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "token");
  const token = createTokenSource({ file });
  expect(token).toThrow(expect.objectContaining({ code: "unavailable", message: expect.stringContaining(file) }));
  writeFileSync(file, "one\n");
  expect(token()).toBe("one");
  writeFileSync(file, "\n");
  const named = createTokenSource({ file }, () => "X_TOKEN_FILE");
  expect(named).toThrow(`X_TOKEN_FILE: ${file} is empty; write the token into it.`);
  writeFileSync(file, "two");
  expect(token()).toBe("two");
  expect(createTokenSource("text")()).toBe("text");
  expect(createTokenSource(undefined)()).toBeUndefined();
});
