/** A subscription as a careful client keeps it: every event with its position, and the chain of positions checked frame by frame. */
import type { Position } from "@distribution/core/brokers";
import { DistributionError } from "@distribution/core/errors";
import { until } from "@distribution/testkit/service";
import type { Frame, StreamClient } from "./contract.ts";
import { eventOf, type ReceivedEvent } from "./frames.ts";

export interface Delivered {
  readonly position: Position;
  readonly event: ReceivedEvent;
}

export interface Subscription {
  readonly client: StreamClient;
  readonly subscribed: {
    readonly subscription: number;
    readonly positions: readonly Position[];
    readonly recovered: boolean;
  };
  readonly delivered: readonly Delivered[];
  /** Of the newest frame that had one. */
  readonly token: string | undefined;
  /** How far it is: one a partition that was named so far. */
  positions(): Position[];
  /** Frames that did not follow the one before, and gaps. Empty: nothing was skipped. */
  readonly breaks: readonly string[];
}

export interface SubscribeOptions {
  readonly onEvent?: (delivered: Delivered) => void;
  /** Acknowledge each frame by its token, as at-least-once asks. */
  readonly acknowledge?: boolean;
}

let lastRef = 0;

/** `request` is the JSON of a Subscribe. Throws the error that the service answers with. */
export async function subscribe(
  client: StreamClient,
  request: { readonly topics: readonly string[]; readonly [field: string]: unknown },
  options: SubscribeOptions = {},
): Promise<Subscription> {
  lastRef += 1;
  const ref = `s${lastRef}`;
  const chain = new Map<string, Position>();
  const delivered: Delivered[] = [];
  const breaks: string[] = [];
  let token: string | undefined;
  let answer: Frame["value"] | undefined;
  let refusal: DistributionError | undefined;

  const take = (value: Frame["value"]): void => {
    const { topic, partition = 0, epoch, after, upto, offsets, events } = value as unknown as EventsFrame;
    const place = `${topic}/${partition}`;
    const before = chain.get(place);
    if (before === undefined || before.offset !== after || before.epoch !== epoch) {
      breaks.push(`${place}: after ${after} of ${epoch}, expected ${before?.offset} of ${before?.epoch}`);
    }
    chain.set(place, { topic, partition, epoch, offset: upto });
    for (const [index, event] of events.entries()) {
      const one = { position: { topic, partition, epoch, offset: offsets[index]! }, event: eventOf(event) };
      delivered.push(one);
      options.onEvent?.(one);
    }
    if (!value["token"]) return;
    token = value["token"] as string;
    const { subscription } = answer as unknown as Subscription["subscribed"];
    if (options.acknowledge && !client.isClosed) client.send({ ack: { subscription, token } });
  };

  client.listen(({ ref: answered, kind, value }) => {
    const mine = answered === ref || answered === "sse";
    if (mine && kind === "error") {
      refusal = new DistributionError(value["code"] as "internal", String(value["message"]));
    } else if (mine && kind === "subscribed") {
      answer = value;
      for (const position of value["positions"] as Position[]) {
        chain.set(`${position.topic}/${position.partition}`, position);
      }
    } else if (answer !== undefined && value["channel"] === answer["channel"]) {
      if (kind === "gap") breaks.push(`gap: ${JSON.stringify(value)}`);
      if (kind === "events" && !(Number(value["attempt"]) > 1)) take(value);
    }
  });
  client.send({ ref, subscribe: request });
  await until("the subscription is answered", () => {
    if (refusal) throw refusal;
    if (client.isClosed) throw new Error("The connection ended before the subscription was answered.");
    return answer !== undefined;
  });

  return {
    client,
    subscribed: { recovered: false, ...answer } as unknown as Subscription["subscribed"],
    delivered,
    breaks,
    get token() {
      return token;
    },
    positions: () => [...chain.values()],
  };
}

interface EventsFrame {
  readonly topic: string;
  readonly partition?: number;
  readonly epoch: string;
  readonly after: string;
  readonly upto: string;
  readonly offsets: readonly string[];
  readonly events: readonly object[];
}

export const idsOf = ({ delivered }: Subscription): string[] => delivered.map(({ event }) => event.id);

/** Resolves when the subscription has so many events. */
export async function received(subscription: Subscription, count: number): Promise<void> {
  await until(
    () => `${count} events are delivered; there are ${subscription.delivered.length}`,
    () => subscription.delivered.length >= count,
  );
}
