/** Desks that send orders and fills without pause, each until it is acknowledged, and subscribers that follow; a history of both. */
import { type Client, connect, type SubscribeOptions } from "@distribution/client";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import type { History, Observer } from "@distribution/testkit/history";
import { type Load, type Shift, startWorkers } from "@distribution/testkit/load";
import type { Ports } from "@distribution/testkit/service";
import { TOPICS } from "../../../src/domain/topics.ts";
import { eventOf, OrderLife } from "../../support/orders.ts";

const QUANTITY = 1_000_000;
/** Longer than any fault: what is not answered is sent again until then. */
const PUBLISH_TIMEOUT_MS = 180_000;
const RECONNECT = { minDelayMs: 50, maxDelayMs: 500 };

export const clientOf = ({ public: port }: Ports): Client =>
  connect({
    url: `http://127.0.0.1:${port}`,
    reconnect: RECONNECT,
    publishTimeoutMs: PUBLISH_TIMEOUT_MS,
    requestTimeoutMs: PUBLISH_TIMEOUT_MS,
  });

const published = ({ id, source, type, subject, key, data }: Event) => ({ id, source, type, subject, key, data });

/** Orders of one desk, an event of each in every publish: they are of several partitions, and a broker may take some and not others. */
const ORDERS = 4;

/**
 * Each event follows on what was acknowledged of its order before, so that one lost or doubled would be refused or seen. Refusals are
 * in the service's words: the desk of that order stops. `market`: of the orders' names.
 */
export function startDesks(client: Client, history: History, desks: number, market = "east"): Load {
  const send = async (shift: Shift, step: string, payloads: readonly ExecutionEvent[]): Promise<void> => {
    const events = payloads.map((payload) => eventOf(payload, { id: `${payload.orderId}/${step}` }));
    for (const { id, key } of events) history.publish(id, key);
    await client.publish(TOPICS.orders, events.map(published));
    for (const { id } of events) history.settle(id, "acknowledged");
    shift.acknowledged(events.length);
  };
  return startWorkers(desks, async (shift, desk) => {
    const lives = Array.from(
      { length: ORDERS },
      (_, order) => new OrderLife(`${market}-${desk}-${order}`, { quantity: String(QUANTITY) }),
    );
    try {
      await send(
        shift,
        "sent",
        lives.map((life) => life.sent()),
      );
      await send(
        shift,
        "taken",
        lives.map((life) => life.acknowledged()),
      );
      for (let fill = 1; !shift.isOver; fill += 1) {
        await send(
          shift,
          `fill-${fill}`,
          lives.map((life) => life.filled("1", "10")),
        );
      }
    } catch (failure) {
      shift.refused(`desk ${desk}: ${String(failure)}`);
    }
  });
}

export interface Follower extends AsyncDisposable {
  /** Of gaps that it was told; there should be none. */
  readonly gaps: readonly unknown[];
  /** How often the service took it up, after it was there already. */
  readonly resumed: number;
}

/** Over the wire, from the beginning. */
export async function follow(ports: Ports, observer: Observer, options: Partial<SubscribeOptions>): Promise<Follower> {
  const client = clientOf(ports);
  const subscription = client.subscribe({ topics: TOPICS.orders, from: "earliest", ...options });
  const gaps: unknown[] = [];
  let resumed = 0;
  subscription.on("gap", (gap) => void gaps.push(gap));
  subscription.on("started", (started) => {
    if (started.resumed) resumed += 1;
  });
  subscription.onEvents((events) => {
    for (const { id } of events) observer.saw(id);
  });
  await subscription.ready;
  return {
    gaps,
    get resumed() {
      return resumed;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
