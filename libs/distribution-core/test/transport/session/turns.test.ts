/** What a turn of the event loop brings beside a broadcast of an interest class, which waits for the end of the turn. */
import { describe, expect, it } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import type { Session } from "../../../src/transport/session.ts";
import { type Bench, type Client, type Frame, openBench, TRADES } from "./support.ts";

/** Two clients of one class, and what `during` does in the turn in which it sends them an event. */
async function broadcast(during: (client: Client, bench: Bench) => void = () => undefined) {
  const bench = await openBench();
  const [client, other] = [bench.connect(), bench.connect()];
  for (const each of [client, other]) await each.subscribe({ topics: [TRADES.name] });
  const welcomed = client.writes.length;
  const before = counters(bench);
  // After the service's own listener, which has broadcast by then.
  bench.engine.tail.listen({
    name: "test",
    events: () => during(client, bench),
    lost: () => undefined,
    troubled: () => undefined,
    added: () => undefined,
  });
  await bench.publish(TRADES.name, "1:a");
  await other.received(1);
  const after = counters(bench);
  return {
    ...{ bench, client, other },
    writes: client.writes.slice(welcomed),
    told: client.frames.slice(-client.writes.slice(welcomed).reduce((sum, frames) => sum + frames, 0)),
    counted: { events: after.events - before.events, bytes: after.bytes - before.bytes },
  };
}

function counters({ metrics }: Bench) {
  const labels = { wire: "websocket" };
  return {
    events: metrics.counter("distribution_delivered_events_total", labels).value,
    bytes: metrics.counter("distribution_delivered_bytes_total", labels).value,
  };
}

const kindOf = (frame: Frame): string => Object.keys(frame).find((key) => key !== "ref") ?? "";

describe("a broadcast", () => {
  it("alone in its turn is one write a session, and counted with its bytes", async () => {
    const { client, other, writes, counted } = await broadcast();
    expect(writes).toEqual([1]);
    expect([client, other].map((each) => each.ids())).toEqual([["1"], ["1"]]);
    expect(counted).toEqual({ events: 2, bytes: 2 * client.writtenBytes.at(-1)! });
  });

  it("comes before the answers of its turn, in one write with them", async () => {
    const { writes, told, counted } = await broadcast((client) => client.send({ ref: "p", ping: {} }));
    expect(writes).toEqual([2]);
    expect(told.map(kindOf)).toEqual(["events", "pong"]);
    expect(counted.events).toBe(2);
  });

  it("comes before the end of an unsubscribed channel", async () => {
    const { client, other, told } = await broadcast((each) => each.send({ unsubscribe: { subscription: 1 } }));
    expect(told.map(kindOf)).toEqual(["events", "unsubscribed"]);
    expect([client, other].map((each) => each.ids())).toEqual([["1"], ["1"]]);
  });

  it("reaches a session that is ended in its turn without another word", async () => {
    const silent = new DistributionError("silent", "Nothing was heard.");
    const { client, other, told } = await broadcast(({ peer }) => (peer as Session).end(silent));
    expect(told.map(kindOf)).toEqual(["events"]);
    expect(client.closes).toHaveLength(1);
    expect(other.ids()).toEqual(["1"]);
  });

  it("comes before the notice that the service goes down", async () => {
    const { client } = await broadcast((_, { engine }) => engine.sessions.drain(1_000));
    expect(client.frames.slice(-2).map(kindOf)).toEqual(["events", "draining"]);
  });
});
