/** Projections of small JSON events, over the real embedded broker or fed by hand. */
import { join } from "node:path";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import type { SimulatedRuntime } from "@distribution/testkit/simulation";
import { onTestFinished } from "vitest";
import type { Broker, Position } from "../../src/brokers/contract.ts";
import { encodeEvent, packEvents } from "../../src/events/index.ts";
import { createMetrics } from "../../src/observability/index.ts";
import {
  createCheckpointFiles,
  createProjection,
  createProjections,
  defineIndex,
  from,
  lastChange,
  type PayloadType,
  type Projection,
  type ProjectionOptions,
  type ProjectionSettings,
  plainData,
} from "../../src/projections/index.ts";
import { systemRuntime } from "../../src/runtime/index.ts";
import { openTail, type PlacedEvent } from "../../src/tail/index.ts";
import type { TopicDefinition } from "../../src/topics.ts";
import { createRecorder, folder, openEmbedded, topic } from "../tail/support.ts";

export { createRecorder, folder, openEmbedded, openSimulated, topic, until } from "../tail/support.ts";

/** What an order is told: its new status; "gone" removes it, "poison" cannot be applied. */
export interface OrderEvent {
  readonly status?: string;
  readonly price?: number;
  readonly strategies?: readonly string[];
}

export interface Order {
  status: string;
  price: number;
  strategies: readonly string[];
  /** Events that were applied to it. */
  events: number;
}

export const OrderJson: PayloadType<OrderEvent> = {
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString("utf8")) as OrderEvent,
};

export const ORDERS = topic("test.orders", { partitions: 2 });
export const FILLS = topic("test.fills");

export const byStatus = defineIndex<Order, bigint>({
  name: "by-status",
  group: ({ state }) => state.status,
  sort: lastChange,
});
export const byPrice = defineIndex<Order, number>({ name: "by-price", sort: ({ state }) => state.price });
export const byStrategy = defineIndex<Order, bigint>({
  name: "by-strategy",
  group: ({ state }) => state.strategies,
  sort: lastChange,
});

export function applyOrder(order: Order | undefined, { payload }: { readonly payload: OrderEvent }): Order | undefined {
  if (payload.status === "gone") return undefined;
  if (payload.status === "poison") throw new TypeError("poison");
  const { status = "new", price = 0, strategies = [], events } = order ?? { events: 0 };
  const next = {
    status: payload.status ?? status,
    price: payload.price ?? price,
    strategies: payload.strategies ?? strategies,
    events: events + 1,
  };
  // In place where there is one, as books do it.
  return order ? Object.assign(order, next) : next;
}

export function ordersOptions(more: Partial<ProjectionOptions<Order>> = {}): ProjectionOptions<Order> {
  return {
    name: "orders",
    version: 1,
    sources: [from(ORDERS.name, OrderJson, { apply: applyOrder })],
    bounds: { keys: 1_000, bytes: 1024 * 1024 },
    codec: plainData(),
    indexes: [byStatus, byPrice, byStrategy],
    ...more,
  };
}

export const createOrders = (more: Partial<ProjectionOptions<Order>> = {}): Projection<Order> =>
  createProjection(ordersOptions(more));

export function orderEvent(key: string, payload: OrderEvent = {}, more: Partial<Event> = {}): Event {
  return Event.fromPartial({
    ...{ id: `${key}-${Math.random()}`, key, source: "/test", type: "test.order.v1", class: EventClass.ORDER },
    ...{ contentType: "application/json", data: Buffer.from(JSON.stringify(payload)) },
    ...more,
  });
}

/** As the log would give it: each at the next offset of its partition, a second after the one before. */
export function createPlacing(name = ORDERS.name) {
  let last = 0;
  return (event: Event, partition = 0): PlacedEvent => {
    last += 1;
    const position = { topic: name, partition, epoch: "e1", offset: String(last) };
    return { position, appendedAt: BigInt(last) * 1_000_000_000n, bytes: encodeEvent(event) };
  };
}

export async function putOrder(
  broker: Pick<Broker, "append">,
  key: string,
  payload: OrderEvent = {},
  { topic: name = ORDERS.name, partition = 0 } = {},
): Promise<Position> {
  const [appended] = await broker.append([{ topic: name, partition, batch: packEvents([orderEvent(key, payload)]) }]);
  return { topic: name, partition, epoch: appended!.epoch, offset: appended!.offsetAt(0) };
}

export interface Running {
  readonly log: ReturnType<typeof createRecorder>;
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly host: ReturnType<typeof createProjections>;
  readonly tail: Awaited<ReturnType<typeof openTail>>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface RunOptions extends ProjectionSettings {
  readonly topics?: readonly TopicDefinition[];
  readonly runtime?: typeof systemRuntime;
}

/** A tail of the topics and what feeds the projections, not started yet. */
export async function prepareProjections(
  broker: Broker,
  projections: readonly Pick<Projection<unknown>, "intake">[],
  { topics = [ORDERS, FILLS], runtime = systemRuntime, ...settings }: RunOptions = {},
): Promise<Running> {
  for (const each of topics) await broker.admin.ensureTopic(each);
  const log = createRecorder();
  const metrics = createMetrics();
  const tail = await openTail({ broker, topics, runtime, logger: log, metrics });
  const host = createProjections({ broker, tail, projections, runtime, logger: log, metrics, ...settings });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= host.close().then(() => tail.close());
    return closing;
  };
  onTestFinished(close);
  return { log, metrics, host, tail, close };
}

/** The same, started. */
export async function runProjections(...options: Parameters<typeof prepareProjections>): Promise<Running> {
  const running = await prepareProjections(...options);
  await running.host.start();
  return running;
}

/** Runs the simulation until it is done. */
export async function during<T>(runtime: SimulatedRuntime, work: Promise<T>): Promise<T> {
  let ended = false;
  const end = (): void => {
    ended = true;
  };
  work.then(end, end);
  while (!ended) await runtime.run(10);
  return work;
}

/** The embedded broker with both topics. */
export async function openLog(directory = folder()): Promise<Broker> {
  const broker = await openEmbedded(directory);
  for (const each of [ORDERS, FILLS]) await broker.admin.ensureTopic(each);
  return broker;
}

/** A folder with a log and the checkpoint of a projection of it; the broker is closed. */
export async function saved(...keys: readonly string[]) {
  const directory = folder();
  const broker = await openLog(directory);
  const files = join(directory, "projections");
  const orders = createOrders();
  const running = await runProjections(broker, [orders], { files: createCheckpointFiles(files) });
  for (const key of keys) await orders.reached(await putOrder(broker, key, { status: "open" }));
  await running.close();
  await broker.close();
  return { directory, files };
}
