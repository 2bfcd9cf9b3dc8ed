/** A real Pulsar: started, stopped, killed, held, and each way in. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFaultProxy, type Pulsar, preparePulsar, startPulsar } from "../src/index.ts";
import { call, lookUp, publish, read } from "./support/pulsar-client.ts";

/** The first time on a machine. */
const FETCH_WITHIN_MS = 900_000;

beforeAll(preparePulsar, FETCH_WITHIN_MS);

describe("a Pulsar broker", () => {
  let pulsar: Pulsar;
  beforeAll(async () => {
    pulsar = await startPulsar();
  });
  afterAll(() => pulsar.remove());

  it("keeps what it acknowledged over a clean stop and over a kill, at the same address", async () => {
    const { adminUrl, serviceUrl } = pulsar;
    expect(await publish(adminUrl, "one")).toMatchObject({ status: 200 });
    await pulsar.restart();
    expect(await read(adminUrl, 1)).toEqual({ status: 200, body: "one" });
    expect(await publish(adminUrl, "two")).toMatchObject({ status: 200 });
    await pulsar.kill();
    expect(pulsar.pid).toBeUndefined();
    await pulsar.start();
    expect(await read(adminUrl, 1)).toEqual({ status: 200, body: "one" });
    expect(await read(adminUrl, 2)).toEqual({ status: 200, body: "two" });
    expect(await lookUp(serviceUrl)).toContain(serviceUrl);
  });

  it("can be stopped while it is held", async () => {
    pulsar.pause();
    await pulsar.restart();
    expect(await lookUp(pulsar.serviceUrl)).toContain(pulsar.serviceUrl);
  });

  it("is gone with its folder when it is removed", async () => {
    const fresh = await startPulsar();
    await fresh.remove();
    expect(existsSync(fresh.home)).toBe(false);
    await expect(lookUp(fresh.serviceUrl)).rejects.toThrow("ECONNREFUSED");
  });
});

describe("ways into a Pulsar broker", () => {
  it("takes tokens that it signed, and lets each role do what it may", async () => {
    await using pulsar = await startPulsar({ auth: true });
    const { adminUrl, serviceUrl, token } = pulsar;
    expect(await publish(adminUrl, "secret", { token })).toMatchObject({ status: 200 });
    expect(await lookUp(serviceUrl, { token })).toContain(serviceUrl);
    expect(await lookUp(serviceUrl, { token: "not.a.token" })).toContain("Failed to authenticate");
    expect(await lookUp(serviceUrl)).toContain("Failed to authenticate");
    expect(await lookUp(serviceUrl, { token: pulsar.tokenFor("reader") })).toContain("not authorized");
    expect(await call("GET", `${adminUrl}/admin/v2/tenants`)).toMatchObject({ status: 401 });
    await pulsar.restart();
    expect(await read(adminUrl, 1, { token })).toEqual({ status: 200, body: "secret" });
  });

  it("comes by TLS, for the binary protocol and for the REST API, with tokens besides", async () => {
    await using pulsar = await startPulsar({ tls: true, auth: true });
    const { adminUrl, serviceUrl, direct, token } = pulsar;
    const authority = pulsar.certificates!.authority;
    expect(serviceUrl).toMatch(/^pulsar\+ssl:/);
    expect(adminUrl).toMatch(/^https:/);
    expect(await publish(adminUrl, "sealed", { token, authority })).toMatchObject({ status: 200 });
    expect(await lookUp(serviceUrl, { token, authority })).toContain(serviceUrl);
    expect(await lookUp(serviceUrl, { authority })).toContain("Failed to authenticate");
    await expect(lookUp(serviceUrl, { token })).rejects.toThrow(/unable to verify|self-signed/);
    expect(await read(direct.adminUrl, 1, { token })).toEqual({ status: 200, body: "sealed" });
  });

  it("sends who comes through a proxy back to the proxy, and others past it", async () => {
    await using proxy = await createFaultProxy();
    await using pulsar = await startPulsar({ proxy });
    expect(pulsar.serviceUrl).toBe(`pulsar://127.0.0.1:${proxy.port}`);
    expect(await lookUp(pulsar.serviceUrl)).toContain(pulsar.serviceUrl);
    proxy.refuse();
    await expect(lookUp(pulsar.serviceUrl)).rejects.toThrow("ECONNREFUSED");
    const direct = await lookUp(pulsar.direct.serviceUrl);
    expect(direct).toContain(pulsar.direct.serviceUrl);
    expect(direct).not.toContain(pulsar.serviceUrl);
  });

  it("takes further settings, which win", async () => {
    await using pulsar = await startPulsar({ properties: { maxMessageSize: 100_000, managedLedgerCacheSizeMB: 16 } });
    const { body } = await call("GET", `${pulsar.adminUrl}/admin/v2/brokers/configuration/runtime`);
    expect(JSON.parse(body)).toMatchObject({ maxMessageSize: "100000", managedLedgerCacheSizeMB: "16" });
  });
});
