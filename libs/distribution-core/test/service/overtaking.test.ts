/** Overtaking over a real WebSocket: a client that stops reading, and reads on. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { packEvents } from "../../src/events/index.ts";
import { ANONYMOUS } from "../../src/security/index.ts";
import { event, topic, until } from "../tail/support.ts";
import { prepare } from "./support.ts";

const MIB = 1024 * 1024;
const ROUTINE = topic("test.routine", { partitions: 4, ringBytes: MIB });
const URGENT = topic("test.urgent", { ringBytes: MIB, priority: 9 });

/** A frame each. */
const large = (id: string): Event =>
  event(`${id}:${id}`, { data: Buffer.from(JSON.stringify(`${id}${"x".repeat(70_000)}`)) });
const batch = (prefix: string, count: number): Event[] =>
  Array.from({ length: count }, (_, at) => large(`${prefix}-${at}`));

it.each<readonly [string, readonly (readonly string[])[]]>([
  ["one subscription", [[ROUTINE.name, URGENT.name]]],
  ["two subscriptions", [[ROUTINE.name], [URGENT.name]]],
])("a slow reader with %s gets the urgent before the routine that waits", async (_, subscriptions) => {
  const { start } = await prepare({ topics: [ROUTINE, URGENT] });
  const service = await start();
  const publish = (name: string, events: readonly Event[]) =>
    service.ingest.publish(name, packEvents(events), ANONYMOUS);
  const handedOver = () =>
    Number(/^distribution_delivered_events_total\{wire="websocket"\} (\d+)$/m.exec(service.metrics.render())?.[1] ?? 0);

  const socket = new WebSocket(`ws://127.0.0.1:${service.ports.public}/api/v1/stream`, "distribution.v1+json");
  onTestFinished(() => socket.terminate());
  const ids: string[] = [];
  let subscribed = 0;
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as { subscribed?: object; events?: { events?: { id: string }[] } };
    if (frame.subscribed) subscribed += 1;
    for (const { id } of frame.events?.events ?? []) ids.push(id);
  });
  await until(() => socket.readyState === WebSocket.OPEN);
  for (const topics of subscriptions) socket.send(JSON.stringify({ subscribe: { topics } }));
  await until(() => subscribed === subscriptions.length);

  socket.pause();
  let published = 0;
  // Until sockets and system take nothing more: what is written falls behind by more than a turn's share.
  while (published - handedOver() < 100) {
    await publish(ROUTINE.name, batch(`early${published}`, 20));
    published += 20;
  }
  await publish(ROUTINE.name, batch("late", 100));
  published += 100;
  await publish(URGENT.name, batch("urgent", 10));
  socket.resume();
  await until(() => ids.length === published + 10);

  const [first, last] = [ids.indexOf("urgent-0"), ids.indexOf("urgent-9")];
  // All that was published after the client stopped taking anything, but for a routine frame in eight, which the turns of
  // subscriptions and those of topics each let through.
  expect(last - first).toBeLessThanOrEqual(9 + 4);
  const after = ids.slice(last).filter((id) => id.startsWith("late"));
  expect(after.length).toBeGreaterThanOrEqual(95);
});
