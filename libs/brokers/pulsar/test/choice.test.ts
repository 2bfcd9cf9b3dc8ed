import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";

const PLACE = { service: "market-data", folder: "/nowhere", logger: { debug() {}, info() {}, warn() {}, error() {} } };
const settingsOf = (settings: object) => z.object(pulsar.settings).parse(settings);
const URLS = { PULSAR_URL: "pulsar://127.0.0.1:1", PULSAR_ADMIN_URL: "http://127.0.0.1:1" };

test("settings have their defaults, and a namespace is tenant/namespace", () => {
  expect(settingsOf(URLS)).toEqual({ ...URLS, PULSAR_NAMESPACE: "public/default", PULSAR_COMPRESSION: "none" });
  expect(() => settingsOf({ ...URLS, PULSAR_NAMESPACE: "default" })).toThrow();
  expect(() => settingsOf({ PULSAR_URL: URLS.PULSAR_URL })).toThrow();
});

test("a setting that the broker refuses and a file that cannot be read are named", async () => {
  const open = async (settings: object) => pulsar.open(settingsOf({ ...URLS, ...settings }), PLACE);
  await expect(open({ PULSAR_URL: "localhost" })).rejects.toMatchObject({ errors: [{ path: "serviceUrl" }] });
  await expect(open({ PULSAR_TLS_CA_FILE: "/no/such/file" })).rejects.toMatchObject({
    errors: [{ path: "PULSAR_TLS_CA_FILE", message: expect.stringContaining("/no/such/file") }],
  });
  const folder = mkdtempSync(join(tmpdir(), "choice-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ca.pem");
  writeFileSync(file, "no certificate");
  const token = { PULSAR_TOKEN_FILE: join(folder, "token"), PULSAR_NAMESPACE: "a b/c" };
  await expect(open({ ...token, PULSAR_TLS_CA_FILE: file })).rejects.toMatchObject({ errors: [{ path: "tenant" }] });
});
