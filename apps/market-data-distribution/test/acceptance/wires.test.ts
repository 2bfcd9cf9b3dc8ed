/** One log, five ways to subscribe: what a client gets does not depend on the wire it came by. */
import { describe, expect, it } from "vitest";
import { type PlacedCloudEvent, publishEvents, publishJsonBatch } from "../support/rest.ts";
import { type Ports, startService } from "../support/service.ts";
import { idsOf, received, type Subscription, subscribe } from "../support/stream/subscription.ts";
import { WIRES } from "../support/stream/wires.ts";
import { SYMBOLS, TRADES, tradeCloudEvent, trades } from "../support/trades.ts";

const BEFORE = 150;
const AFTER = 150;

interface Published {
  readonly id: string;
  readonly symbol: string;
  readonly price: number;
  readonly position: PlacedCloudEvent["position"];
}

/** Two thirds as protobuf, a third as JSON; prices from 1 to `count`. */
async function publishSome(ports: Ports, prefix: string, count: number): Promise<Published[]> {
  const published: Published[] = [];
  for (let first = 0; first < count; first += 30) {
    const fields = Array.from({ length: 30 }, (_, at) => ({
      id: `${prefix}-${first + at}`,
      symbol: SYMBOLS[at % SYMBOLS.length]!,
      price: String(first + at + 1),
    }));
    const binary = fields.slice(0, 20).flatMap(({ id, symbol, price }) => trades(id, 1, { id, symbol, price }));
    const json = fields.slice(20).map(tradeCloudEvent);
    const answers = [await publishEvents(ports, TRADES, binary), await publishJsonBatch(ports, TRADES, json)];
    const positions = answers.flatMap((answer) => answer.positions);
    for (const [at, { id, symbol, price }] of fields.entries()) {
      published.push({ id, symbol, price: Number(price), position: positions[at]! });
    }
  }
  return published;
}

/** Order is kept by partition: the interleaving of partitions is each connection's own. */
function byPartition(subscription: Subscription) {
  const partitions: Record<number, unknown[]> = {};
  for (const { position, event } of subscription.delivered) {
    const list = partitions[position.partition] ?? [];
    list.push({ offset: position.offset, epoch: position.epoch, event });
    partitions[position.partition] = list;
  }
  return partitions;
}

const everything = (_event: Published): boolean => true;

describe.each([
  { what: "every event as it was published", format: "PAYLOAD_FORMAT_ORIGINAL", filter: "", wanted: everything },
  { what: "every event in JSON", format: "PAYLOAD_FORMAT_JSON", filter: "", wanted: everything },
  {
    what: "the events of a filter",
    format: "PAYLOAD_FORMAT_JSON",
    filter: 'data.symbol == "ETH-USD" && data.trade.price > 20',
    wanted: ({ symbol, price }: Published) => symbol === "ETH-USD" && price > 20,
  },
])("a subscription to $what", ({ format, filter, wanted }) => {
  it("gives the same events at the same positions on every wire, from the earliest on through to live", async () => {
    await using service = await startService();
    const before = await publishSome(service.ports, "before", BEFORE);
    const subscriptions: Subscription[] = [];
    for (const wire of WIRES) {
      const client = await wire.connect(service.ports);
      subscriptions.push(await subscribe(client, { topics: [TRADES], format, filter, from: { earliest: true } }));
    }
    const after = await publishSome(service.ports, "after", AFTER);

    const expected = [...before, ...after].filter(wanted);
    const positionsById = new Map(expected.map(({ id, position }) => [id, position]));
    for (const subscription of subscriptions) {
      await received(subscription, expected.length);
      expect(new Map(subscription.delivered.map(({ event, position }) => [event.id, position]))).toEqual(positionsById);
      expect(subscription.delivered.length).toBe(expected.length);
      expect(subscription.breaks).toEqual([]);
    }
    const [reference, ...others] = subscriptions.map(byPartition);
    for (const [index, other] of others.entries()) expect(other, WIRES[index + 1]!.name).toEqual(reference);
    for (const { client } of subscriptions) client.vanish();
  });
});

describe.each(WIRES)("over $name, a subscriber far behind", (wire) => {
  it("catches up through megabytes of large events without being taken for too slow", async () => {
    await using service = await startService();
    const batches = Array.from({ length: 30 }, (_, at) => trades(`batch-${at}`, 10, { padding: 50_000 }));
    for (const batch of batches) await publishEvents(service.ports, TRADES, batch);
    const client = await wire.connect(service.ports);
    const subscription = await subscribe(client, { topics: [TRADES], from: { earliest: true } });
    await received(subscription, 300);
    expect(idsOf(subscription).sort()).toEqual(
      batches
        .flat()
        .map(({ id }) => id)
        .sort(),
    );
    expect(subscription.breaks).toEqual([]);
    client.vanish();
  });
});
