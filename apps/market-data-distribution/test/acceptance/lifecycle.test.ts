/** How the service starts and stops as a process: what it tells its clients and the one who runs it. */
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { testFolder, until, within } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { createPublishers } from "../support/publisher.ts";
import { publishEvents, readiness } from "../support/rest.ts";
import { ResumingSubscriber } from "../support/resuming-subscriber.ts";
import { runToExit, startProcess } from "../support/service.ts";
import { idsOf, received, subscribe } from "../support/stream/subscription.ts";
import { openWebSocket, websocket } from "../support/stream/websocket.ts";
import { WIRES } from "../support/stream/wires.ts";
import { TRADES, trades } from "../support/trades.ts";

const DRAINING = 3001;

describe("SIGTERM under load", () => {
  it("tells every client to come back, keeps what was acknowledged, ends with 0, and a restart goes on", async () => {
    const directory = testFolder();
    const witness = createHistory();
    const publishers = createPublishers(witness);
    {
      await using service = await startProcess({ DATA_DIR: directory });
      const subscriptions = await Promise.all(
        WIRES.map(async (wire) => subscribe(await wire.connect(service.ports), { topics: [TRADES] })),
      );
      for (const publisher of publishers) publisher.run(service.ports);
      await until("events flow to everybody", () =>
        subscriptions.every(({ delivered }) => delivered.length > 0 && publishers.every((one) => one.acknowledged > 3)),
      );
      expect(await within("the process ends", service.kill("SIGTERM"))).toEqual({ code: 0, signal: null });
      for (const publisher of publishers) await publisher.stop();
      for (const [index, { client, breaks }] of subscriptions.entries()) {
        const wire = WIRES[index]!.name;
        const notice = client.frames.find(({ kind }) => kind === "draining");
        expect(notice?.value["reconnectWithinMs"], wire).toBe(5000);
        expect((await within(`${wire} ends`, client.closed)).code, wire).toBe(DRAINING);
        expect(breaks, wire).toEqual([]);
      }
    }
    await using service = await startProcess({ DATA_DIR: directory });
    const subscriber = new ResumingSubscriber(websocket("proto"), "positions", witness);
    await subscriber.connect(service.ports);
    const last: string[] = [];
    for (const publisher of publishers) last.push(...(await publisher.finish(service.ports)));
    await until("the last events come", () => last.every((id) => subscriber.seen.has(id)));
    assertFaultless(witness.report());
    subscriber.leave();
  });

  it("keeps the place of a durable subscription: it goes on there, without a word from the client", async () => {
    const directory = testFolder();
    const request = { name: "desk", topics: [TRADES], profile: { level: "DELIVERY_LEVEL_AT_LEAST_ONCE" } };
    {
      await using service = await startProcess({ DATA_DIR: directory });
      const client = await websocket("json").connect(service.ports);
      const subscription = await subscribe(client, request, { acknowledge: true });
      await publishEvents(service.ports, TRADES, trades("before", 10));
      await received(subscription, 10);
      client.vanish();
      await publishEvents(service.ports, TRADES, trades("while-away", 10));
      await within("the process ends", service.kill("SIGTERM"));
    }
    await using service = await startProcess({ DATA_DIR: directory });
    const subscription = await subscribe(await websocket("json").connect(service.ports), request);
    await publishEvents(service.ports, TRADES, trades("after", 10));
    await received(subscription, 20);
    const expected = [...trades("while-away", 10), ...trades("after", 10)].map(({ id }) => id);
    expect(idsOf(subscription).sort()).toEqual(expected.sort());
    subscription.client.vanish();
  });
});

describe("SIGINT", () => {
  it("stops the service as SIGTERM does", async () => {
    await using service = await startProcess({ DATA_DIR: testFolder() });
    expect(await within("the process ends", service.kill("SIGINT"))).toEqual({ code: 0, signal: null });
  });

  it("a second time ends it at once, while a client still holds it up", async () => {
    await using service = await startProcess({ DATA_DIR: testFolder() });
    // It does not read, so that it never answers the close.
    const socket = await openWebSocket(service.ports, "json");
    socket.pause();
    void service.kill("SIGINT");
    await until("it is stopping", () => service.output().includes("SIGINT, telling clients and closing"));
    expect(await within("the process ends", service.kill("SIGINT"))).toEqual({ code: 1, signal: null });
    socket.terminate();
  });
});

describe("a start that cannot work", () => {
  it.each(["PORT", "GRPC_PORT", "ADMIN_PORT"])("ends with 1 and names the port when %s is in use", async (setting) => {
    const { server, port } = await occupyPort();
    const { code, output } = await runToExit({ DATA_DIR: testFolder(), [setting]: String(port) });
    server.close();
    expect(code).toBe(1);
    expect(output).toContain(
      `port 127.0.0.1:${port} is in use; stop what uses it, or set MARKET_DATA_${setting} to another.\n`,
    );
    expect(output).not.toContain("is ready");
  });

  it("ends with 1 and names the folder when another process has it, which goes on undisturbed", async () => {
    const directory = testFolder();
    await using service = await startProcess({ DATA_DIR: directory });
    const { code, output } = await runToExit({ DATA_DIR: directory });
    expect(code).toBe(1);
    expect(output).toContain(directory);
    expect(output).toContain(`in use by process ${service.pid}`);
    await publishEvents(service.ports, TRADES, trades("a", 1));
    expect(await readiness(service.ports)).toEqual({ status: 200, ready: true, reasons: [] });
  });

  it.each([
    { setting: "FEED_SPEED", value: "abc" },
    { setting: "FEED_SPEED", value: "0" },
    { setting: "PORT", value: "70000" },
    { setting: "FEED", value: "live" },
    { setting: "NOPE", value: "1" },
  ])("ends with 1 and names the variable for MARKET_DATA_$setting=$value", async ({ setting, value }) => {
    const { code, output } = await runToExit({ DATA_DIR: testFolder(), [setting]: value });
    expect(code).toBe(1);
    expect(output).toContain(`MARKET_DATA_${setting}: `);
    expect(output, "a person reads it, not a stack").not.toMatch(/\n\s+at /);
  });
});

describe("a data folder that cannot be", () => {
  it("ends the start with 1, naming the setting, the folder and the reason", async () => {
    const file = join(testFolder(), "file");
    writeFileSync(file, "");
    const folder = join(file, "data");
    const { code, output } = await runToExit({ DATA_DIR: folder });
    expect(code).toBe(1);
    expect(output).toContain(
      `MARKET_DATA_DATA_DIR: the data folder ${folder} cannot be used: a part of the path is a file`,
    );
    expect(output, "a person reads it, not a stack").not.toMatch(/\n\s+at /);
  });
});

async function occupyPort(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as { port: number }).port };
}
