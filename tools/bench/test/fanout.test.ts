import { once } from "node:events";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { createEvent, EVENT_BYTES } from "../src/fanout/event.ts";
import { clientTextFrame, textFrame } from "../src/fanout/frame.ts";
import { createMarkCounter } from "../src/fanout/mark-counter.ts";
import { RIVALS, type RivalName } from "../src/fanout/rivals/index.ts";
import { connectSubscribers } from "../src/fanout/subscribers.ts";

test("every event has the stated size, and no two are the same", () => {
  expect(createEvent(0)).toHaveLength(EVENT_BYTES);
  expect(createEvent(123_456_789)).toHaveLength(EVENT_BYTES);
  expect(createEvent(1)).not.toBe(createEvent(2));
  expect(JSON.parse(createEvent(7))).toMatchObject({ sequence: 7 });
});

test("events are counted right however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 300 })),
      (events, sizes) => {
        const stream = Buffer.concat(Array.from({ length: events }, (_, at) => textFrame(createEvent(at))));
        const marks = createMarkCounter(2);
        let counted = 0;
        for (let at = 0; at < stream.length; ) {
          const chunk = stream.subarray(at, at + sizes.next().value);
          counted += marks.count(1, chunk, chunk.length);
          at += chunk.length;
        }
        expect(counted).toBe(events);
      },
    ),
  );
});

test.each([1, 2, 3])("a mark that is cut after %i bytes, and one that only begins there", (bytes) => {
  const marks = createMarkCounter(1);
  const first = Buffer.from(`x${"~ev!".slice(0, bytes)}`);
  expect(marks.count(0, first, first.length)).toBe(0);
  const rest = Buffer.from("~ev!".slice(bytes));
  expect(marks.count(0, rest, rest.length)).toBe(1);
  expect(marks.count(0, first, first.length)).toBe(0);
  expect(marks.count(0, Buffer.from("other"), 5)).toBe(0);
});

test.each([10, 125, 126, 5_000])("a frame of %i bytes is what a WebSocket server understands", async (bytes) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [accepted] = (await once(server, "connection")) as [WebSocket & { _socket?: unknown }];
  const received = once(accepted, "message");
  await once(socket, "open");
  (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(clientTextFrame("x".repeat(bytes)));
  expect(String((await received)[0])).toBe("x".repeat(bytes));
  socket.terminate();
  server.close();
});

test.each(Object.keys(RIVALS) as RivalName[])("subscribers of %s get and count every event", async (name) => {
  const { port, publish, close } = await RIVALS[name].start();
  let counted = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const subscribers = await connectSubscribers(port, RIVALS[name].protocol, 5, (events) => {
    counted += events;
    if (counted >= 55) resolve();
  });
  publish([createEvent(0)]);
  publish(Array.from({ length: 10 }, (_, at) => createEvent(at)));
  await promise;
  expect(counted).toBe(55);
  subscribers[Symbol.dispose]();
  await close();
});
