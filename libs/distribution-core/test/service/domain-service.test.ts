import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createEmbeddedBroker } from "@distribution/broker-embedded";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { Broker, BrokerChoice, BrokerPlace } from "../../src/brokers/index.ts";
import { readServiceSettings, serviceSettings } from "../../src/config.ts";
import { type DomainServiceOptions, startDomainService } from "../../src/domain-service.ts";
import { folder } from "../tail/support.ts";
import { QUOTES } from "./support.ts";

/** A broker that a service of tests can choose; what it is opened with, and whether it is closed, is kept. */
function countedChoice() {
  const opened: { settings: unknown; place: BrokerPlace }[] = [];
  let open = 0;
  const choice: BrokerChoice<{ FAR_NAME: z.ZodString }> = {
    settings: { FAR_NAME: z.string() },
    async open(settings, place): Promise<Broker> {
      opened.push({ settings, place });
      const broker = await createEmbeddedBroker({ directory: join(place.folder, settings.FAR_NAME) });
      open += 1;
      return {
        ...broker,
        async close() {
          await broker.close();
          open -= 1;
        },
      };
    },
  };
  return { choice, opened, open: () => open };
}

function prepare(settings: Record<string, string> = {}, more: Partial<DomainServiceOptions> = {}) {
  const { choice, opened, open } = countedChoice();
  const directory = join(folder(), "data");
  const own = serviceSettings("test", { port: 0, grpcPort: 0, adminPort: 0 });
  const standard = { DATA_DIR: directory, LOG_LEVEL: "silent", BROKER: "far", FAR_NAME: "logs" };
  const environment = Object.entries({ ...standard, ...settings }).map(([name, value]) => [`TEST_${name}`, value]);
  const none = { settings: {}, open: () => Promise.reject(new Error("It is not there.")) };
  const brokers = { far: choice, none, farther: choice };
  const config = readServiceSettings("test", own, brokers, Object.fromEntries(environment));
  return {
    ...{ directory, opened, open },
    async start() {
      const service = await startDomainService({
        ...{ config, brokers, topics: [QUOTES], routes: [] },
        service: { name: "test", version: "1.2.3", description: "A service." },
        ...more,
      });
      onTestFinished(() => service.stop());
      return service;
    },
  };
}

describe("a domain's service", () => {
  it("opens the broker that is chosen, with its settings and the service's folder, and closes it in the end", async () => {
    const { start, opened, open, directory } = prepare();
    const service = await start();
    expect(opened).toMatchObject([{ settings: { FAR_NAME: "logs" }, place: { service: "test", folder: directory } }]);
    expect(open()).toBe(1);
    await service.stop();
    expect(open()).toBe(0);
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(["logs", "secret", "tables"]));
  });

  it("has its folder for itself, whatever its broker, until it has stopped", async () => {
    const { start, opened, directory } = prepare();
    const service = await start();
    await expect(start()).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining(directory) });
    expect(opened, "nothing is opened for the second").toHaveLength(1);
    await service.stop();
    await start();
  });

  it("gives its upstream the folder and the ports", async () => {
    const seen: unknown[] = [];
    const { start, directory } = prepare({}, { upstream: ({ folder, ports }) => void seen.push(folder, ports) });
    const { ports } = await start();
    expect(seen).toEqual([directory, ports]);
  });

  it("keeps what it knows of a log apart from what it knows of another broker's", async () => {
    const seen: string[] = [];
    const { start, directory } = prepare({ BROKER: "farther" }, { upstream: ({ folder }) => void seen.push(folder) });
    await (await start()).stop();
    expect(seen).toEqual([join(directory, "farther")]);
    expect(readdirSync(directory).sort()).toEqual(["farther", "logs", "secret"].sort());
    expect(readdirSync(join(directory, "farther"))).toContain("tables");
  });

  it.each([
    ["none", {}, "It is not there."],
    ["far", { domain: () => Promise.reject(new TypeError("A defect.")) }, "The service did not start."],
  ])("that does not start on the broker %s leaves none open", async (BROKER, more, message) => {
    const { start, open } = prepare({ BROKER }, more);
    await expect(start()).rejects.toThrow(message);
    expect(open()).toBe(0);
  });

  it("names the setting of a folder that cannot be, and opens no broker", async () => {
    const file = join(folder(), "file");
    writeFileSync(file, "");
    const { start, opened } = prepare({ DATA_DIR: file });
    await expect(start()).rejects.toThrow(`TEST_DATA_DIR: the data folder ${file} cannot be used: it is a file`);
    expect(opened).toEqual([]);
  });
});
