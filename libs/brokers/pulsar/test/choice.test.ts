import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pulsar } from "@distribution/broker-pulsar/choice";
import { readServiceSettings } from "@distribution/core";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { isInstalled } from "./native/installed.ts";

const PLACE = {
  ...{ service: "market-data", folder: "/nowhere", logger: { debug() {}, info() {}, warn() {}, error() {} } },
  variable: (setting: string): string => `MARKET_DATA_${setting}`,
};
const settingsOf = (settings: object) => z.object(pulsar.settings).parse(settings);
const URLS = { PULSAR_URL: "pulsar://127.0.0.1:1", PULSAR_ADMIN_URL: "http://127.0.0.1:1" };

test("settings have their defaults, and a namespace is tenant/namespace", () => {
  expect(settingsOf(URLS)).toEqual({
    ...URLS,
    PULSAR_NAMESPACE: "public/default",
    PULSAR_COMPRESSION: "none",
    PULSAR_CLIENT: "protocol",
  });
  expect(() => settingsOf({ ...URLS, PULSAR_NAMESPACE: "default" })).toThrow();
  expect(() => settingsOf({ PULSAR_URL: URLS.PULSAR_URL })).toThrow();
});

test("a setting that the broker refuses and a file that cannot be read are named", async () => {
  const open = async (settings: object) => pulsar.open(settingsOf({ ...URLS, ...settings }), PLACE);
  await expect(open({ PULSAR_URL: "localhost" })).rejects.toMatchObject({
    errors: [{ path: "MARKET_DATA_PULSAR_URL" }],
  });
  await expect(open({ PULSAR_TLS_CA_FILE: "/no/such/file" })).rejects.toMatchObject({
    errors: [{ path: "MARKET_DATA_PULSAR_TLS_CA_FILE", message: expect.stringContaining("/no/such/file") }],
  });
  const folder = mkdtempSync(join(tmpdir(), "choice-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ca.pem");
  writeFileSync(file, "no certificate");
  await expect(open({ PULSAR_TLS_CA_FILE: file })).rejects.toMatchObject({
    errors: [{ path: "MARKET_DATA_PULSAR_TLS_CA_FILE", message: expect.stringContaining("no PEM file") }],
  });
  writeFileSync(file, "-----BEGIN CERTIFICATE-----");
  const token = { PULSAR_TOKEN_FILE: join(folder, "token"), PULSAR_NAMESPACE: "a b/c" };
  await expect(open({ ...token, PULSAR_TLS_CA_FILE: file })).rejects.toMatchObject({
    errors: [{ path: "MARKET_DATA_PULSAR_NAMESPACE" }],
  });
});

test("a namespace without its tenant is refused with how it has to be", () => {
  const environment = {
    MARKET_DATA_PULSAR_URL: "u",
    MARKET_DATA_PULSAR_ADMIN_URL: "u",
    MARKET_DATA_PULSAR_NAMESPACE: "trading",
  };
  expect(() => readServiceSettings("market-data", {}, { pulsar }, environment)).toThrow(
    'MARKET_DATA_PULSAR_NAMESPACE: "trading" is not taken; set tenant/namespace, as public/default, or leave it out',
  );
});

test.skipIf(isInstalled)("the native client that is not installed is told with the service's setting", async () => {
  await expect(pulsar.open(settingsOf({ ...URLS, PULSAR_CLIENT: "native" }), PLACE)).rejects.toThrow(
    /^MARKET_DATA_PULSAR_CLIENT: .*or set MARKET_DATA_PULSAR_CLIENT to protocol/,
  );
});

test("what Pulsar's side refuses later is named by the service's settings, too", async () => {
  // It does not speak TLS.
  const server = createServer((socket) => {
    socket.on("error", () => undefined).once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const settings = settingsOf({ ...URLS, PULSAR_URL: `pulsar+ssl://127.0.0.1:${port}` });
  const broker = await pulsar.open(settings, PLACE);
  onTestFinished(() => broker.close());
  expect(broker.health().reasons.join()).toMatch(
    /if the port speaks no TLS, set MARKET_DATA_PULSAR_URL to pulsar:\/\/host:port/,
  );
});
