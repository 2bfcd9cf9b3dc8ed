/** TLS and tokens on a real broker: right ones, wrong ones, those that expire. */
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientEvent, connectPulsar, type PulsarClient, type PulsarOptions } from "../src/index.ts";
import { type RealBroker, startBroker, texts, until } from "./support/real-broker.ts";

const secret = randomBytes(32);
const folder = mkdtempSync(join(tmpdir(), "pulsar-security-"));
let broker: RealBroker;

beforeAll(async () => {
  // The broker's secret, known here to make tokens that expire.
  writeFileSync(join(folder, "secret"), secret, { mode: 0o600 });
  broker = await startBroker({ auth: true, tls: true, folder, properties: { authenticationRefreshCheckSeconds: 1 } });
}, 240_000);
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function tokenUntil(role: string, seconds: number): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: role, exp: seconds })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Fails within a second where it has to wait. */
const hasty = (options: Partial<PulsarOptions>, events: ClientEvent[] = []): PulsarClient =>
  broker.client({ operationTimeoutMs: 3_000, onEvent: (event) => events.push(event), ...options });

describe("TLS with a token", () => {
  it("carries messages both ways", async () => {
    expect(broker.pulsar.serviceUrl).toMatch(/^pulsar\+ssl:/);
    const client = broker.client();
    const topic = await broker.topic();
    const producer = await client.createProducer({ topic });
    const consumer = await client.subscribe({ topic, subscription: "s" });
    await producer.send({ data: Buffer.from("over TLS") });
    expect(await texts(consumer, 1)).toEqual(["over TLS"]);
    const large = Buffer.alloc(3_000_000, "x");
    await producer.send({ data: large });
    expect((await consumer.receive())[0]?.data.equals(large)).toBe(true);
  });

  it("refuses an authority that it does not trust, once and clearly, and takes it where told not to look", async () => {
    const events: ClientEvent[] = [];
    const client = hasty({ tls: {} }, events);
    for (let i = 0; i < 5; i++)
      await expect(client.ready()).rejects.toMatchObject({
        ...{ code: "tls", retriable: false, message: expect.stringMatching(/not trusted \([A-Z_]+\)/) },
      });
    expect(events.length).toBe(1);
    await expect(hasty({ tls: { verify: false } }).ready()).resolves.toMatchObject({
      protocolVersion: expect.any(Number),
    });
    const ca = broker.pulsar.certificates!.authority;
    await expect(hasty({ tls: { ca, serverName: "another.example" } }).ready()).rejects.toMatchObject({
      code: "tls",
    });
    const plain = broker.pulsar.serviceUrl.replace("pulsar+ssl:", "pulsar:");
    await expect(hasty({ serviceUrl: plain }).ready()).rejects.toMatchObject({ code: "handshake", retriable: true });
    await expect(hasty({ tls: { ca: "no PEM" } }).ready()).rejects.toBeInstanceOf(Error);
  });

  it.each([
    ["no token", undefined],
    ["a token that is none", "nonsense"],
    ["another's signature", `${"x".repeat(20)}.${"y".repeat(20)}.${"z".repeat(20)}`],
  ])("refuses %s once, without a storm", async (_, token) => {
    const events: ClientEvent[] = [];
    const { serviceUrl, certificates } = broker.pulsar;
    const client = connectPulsar({
      serviceUrl,
      tls: { ca: certificates!.authority },
      onEvent: (event) => events.push(event),
      ...(token === undefined ? {} : { token }),
    });
    const refused = await Promise.allSettled(
      Array.from({ length: 30 }, (__, i) => client.createProducer({ topic: `t-partition-${i}` })),
    );
    for (const result of refused)
      expect(result).toMatchObject({ status: "rejected", reason: { code: "authentication" } });
    expect(events.filter(({ type }) => type === "connect_failed").length).toBe(1);
    await client.close();
  });

  it("refuses what the role may not do, until it may", async () => {
    const topic = await broker.topic();
    const client = hasty({ token: broker.pulsar.tokenFor("guest")! });
    await expect(client.createProducer({ topic })).rejects.toMatchObject({ code: "authorization" });
    await expect(client.createReader({ topic, from: { at: "earliest" } })).rejects.toMatchObject({
      code: "authorization",
    });
    await broker.admin("POST", "namespaces/public/default/permissions/guest", ["produce"]);
    const producer = await client.createProducer({ topic });
    await producer.send({ data: Buffer.from("x") });
    await expect(client.subscribe({ topic, subscription: "s" })).rejects.toMatchObject({ code: "authorization" });
  });

  it("answers the broker's challenge with a new token when the old one expires, without losing the connection", async () => {
    const topic = await broker.topic();
    let asked = 0;
    const events: ClientEvent[] = [];
    const token = (): string => {
      asked++;
      return tokenUntil("admin", Math.floor(Date.now() / 1000) + (asked === 1 ? 2 : 600));
    };
    const client = hasty({ token }, events);
    const producer = await client.createProducer({ topic });
    await until(() => asked === 2);
    for (let i = 0; i < 5; i++) await producer.send({ data: Buffer.from("x") });
    expect(events.filter(({ type }) => type === "disconnected")).toEqual([]);
  });

  it("is cut off when no new token comes, and goes on when one does", async () => {
    const topic = await broker.topic();
    let seconds = Math.floor(Date.now() / 1000) + 2;
    const client = broker.client({ token: () => tokenUntil("admin", seconds) });
    const producer = await client.createProducer({ topic, sendTimeoutMs: 60_000 });
    await until(() => !producer.attached);
    const sent = producer.send({ data: Buffer.from("x") });
    seconds += 600;
    await expect(sent).resolves.toMatchObject({ entryId: 0n });
  });
});
