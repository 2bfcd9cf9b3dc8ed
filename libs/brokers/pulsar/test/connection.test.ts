/** The way to a Pulsar in memory: away, refused, set up. */
import { describe, expect, test } from "vitest";
import { PortError } from "../src/port.ts";
import { createFakePort } from "./fake/port.ts";
import { open, put } from "./fake/support.ts";

describe("the way to Pulsar", () => {
  test("away at the start, it says so, goes on trying, and is there later", async () => {
    const fake = await open();
    const port = createFakePort(fake.pulsar);
    port.failReady = new PortError("unavailable", "nobody answers");
    const { broker } = await fake.another({ connectTimeoutMs: 100, appendTimeoutMs: 1000, adminTimeoutMs: 100 }, port);
    expect(broker.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining("nobody answers")] });
    await expect(put(broker, ["a"])).rejects.toMatchObject({ code: "unavailable" });
    await expect(broker.admin.topics()).rejects.toMatchObject({ code: "unavailable" });
    port.failReady = undefined;
    await expect.poll(() => broker.health(), { timeout: 20_000 }).toEqual({ ready: true, reasons: [] });
    await put(broker, ["a"]);
    port.connected = false;
    expect(broker.health()).toMatchObject({ ready: false, reasons: [expect.stringContaining("cut off")] });
  });

  test("a token that is refused is told at once, and not tried over and over", async () => {
    const fake = await open();
    const port = createFakePort(fake.pulsar);
    let tries = 0;
    port.ready = async () => {
      tries += 1;
      throw new PortError("refused", "the token is wrong");
    };
    const { broker } = await fake.another({}, port);
    for (let call = 0; call < 5; call += 1) {
      await expect(put(broker, ["a"])).rejects.toMatchObject({
        ...{ code: "unavailable", message: expect.stringContaining("token") },
      });
    }
    expect(tries).toBe(1);
    await broker.close();
    await expect(put(broker, ["a"])).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("closed"),
    });
    expect(broker.health()).toEqual({ ready: false, reasons: ["The broker is closed."] });
  });

  test("batches that Pulsar would not take are told at the start", async () => {
    const fake = await open();
    const { broker } = await fake.another({ maxBatchBytes: 5 * 1024 * 1024 });
    expect(broker.health()).toMatchObject({
      ready: false,
      reasons: [expect.stringContaining("maxBatchBytes: may be 5226496")],
    });
  });

  test("the namespace is created where it is missing, and topics do not come by themselves", async () => {
    const fake = await open();
    expect(fake.pulsar.autoTopicCreation).toEqual({ allowAutoTopicCreation: false });
    fake.pulsar.hasNamespace = false;
    await fake.another();
    expect(fake.pulsar.requests).toContain("PUT /namespaces/public/default");
  });

  test("a token that may not change the namespace is good enough", async () => {
    const fake = await open();
    fake.pulsar.autoTopicCreation = undefined;
    const warnings: string[] = [];
    const say = (_: object, message: string): void => void warnings.push(message);
    const logger = { debug: say, info: say, warn: say, error: say };
    fake.pulsar.intercept = (method, path) =>
      method === "POST" && path.endsWith("autoTopicCreation") ? { status: 403, body: { reason: "no" } } : undefined;
    const { broker } = await fake.another({ logger });
    expect(broker.health().ready).toBe(true);
    expect(warnings).toEqual([expect.stringContaining("automatic creation stays on")]);
  });
});
