import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DistributionError, fieldError } from "@distribution/core/errors";
import { expect, onTestFinished, test } from "vitest";
import { namingSettings, optionNames, pemFile, secretFile } from "../src/setting-file.ts";

const names = optionNames({ brokers: "KAFKA_BROKERS" }, (setting) => `EXECUTION_${setting}`);

test("an option is called by the variable that sets it, and by its own name when none does", () => {
  expect(names("brokers")).toBe("EXECUTION_KAFKA_BROKERS");
  expect(names("brokers[1]")).toBe("EXECUTION_KAFKA_BROKERS[1]");
  expect(names("fetchBytes")).toBe("fetchBytes");
  expect(names("toString")).toBe("toString");
});

test("what is refused for an option is refused for its variable; other failures stay as they are", async () => {
  const refused = namingSettings(names, async () => {
    throw fieldError("invalid_request", "brokers[0]", "must be host:port");
  });
  await expect(refused).rejects.toMatchObject({
    code: "invalid_request",
    message: "EXECUTION_KAFKA_BROKERS[0]: must be host:port",
    errors: [{ path: "EXECUTION_KAFKA_BROKERS[0]", message: "must be host:port" }],
  });
  const failure = new DistributionError("unavailable", "Away.");
  await expect(namingSettings(names, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await namingSettings(names, async () => 1)).toBe(1);
});

test("a file that cannot be read is refused by the setting that names it", () => {
  for (const read of [pemFile, secretFile]) {
    expect(() => read("EXECUTION_KAFKA_TLS_CA_FILE", "/no/such")).toThrow(
      /^EXECUTION_KAFKA_TLS_CA_FILE: \/no\/such cannot be read/,
    );
  }
});

test("a file that has not what is wanted is refused by the setting that names it", () => {
  const file = join(mkdtempSync(join(tmpdir(), "setting-")), "file");
  onTestFinished(() => rmSync(dirname(file), { recursive: true }));
  writeFileSync(file, " \n");
  expect(() => secretFile("X_PASSWORD_FILE", file)).toThrow(
    `X_PASSWORD_FILE: ${file} is empty; write the secret into it`,
  );
  expect(() => pemFile("X_CA_FILE", file)).toThrow(`X_CA_FILE: ${file} is no PEM file`);
  writeFileSync(file, " secret\n");
  expect(secretFile("X_PASSWORD_FILE", file)).toBe("secret");
  writeFileSync(file, "-----BEGIN CERTIFICATE-----\n");
  expect(pemFile("X_CA_FILE", file)).toBe("-----BEGIN CERTIFICATE-----\n");
});
