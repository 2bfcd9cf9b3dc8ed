/**
 * A process's place in the line for a partition. The native client does not tell which of them Pulsar has chosen, so the admin API is
 * asked, over and over.
 */
import type { EntryId } from "../offset.ts";
import type { PortSeat, SeatOptions } from "../port.ts";
import type { NativeApi, NativeClient } from "./client.ts";
import { told } from "./failures.ts";
import { idBytes } from "./ids.ts";

export interface SeatParts {
  readonly api: NativeApi;
  readonly client: NativeClient;
  /** The name of the consumer that Pulsar has chosen; undefined when there is none, or nobody to say so. */
  chosen(topic: string, subscription: string): Promise<string | undefined>;
}

export interface WatchedSeat extends PortSeat {
  /** Asks who has the partition. */
  look(): Promise<void>;
}

export async function takeSeat({ api, client, chosen }: SeatParts, options: SeatOptions): Promise<WatchedSeat> {
  const { topic, subscription, name } = options;
  const consumer = await told(
    client.subscribe({
      ...{ topic, subscription, subscriptionType: "Failover", consumerName: name },
      subscriptionInitialPosition: options.from === "earliest" ? "Earliest" : "Latest",
      // It is there for its place alone: no message is sent to it.
      receiverQueueSize: 0,
    }),
  );
  let active: boolean | undefined;
  let attached = true;
  let closed = false;
  const look = async (): Promise<void> => {
    const connected = consumer.isConnected();
    if (connected && !attached) options.onReattached();
    attached = connected;
    if (!connected) return;
    const who = await chosen(topic, subscription);
    if (closed || who === undefined || (who === name) === active) return;
    active = who === name;
    options.onActive(active);
  };
  return {
    get attached() {
      return consumer.isConnected();
    },
    look,
    async release({ ledger, entry }: EntryId) {
      await told(
        consumer.acknowledgeCumulativeId(api.MessageId.deserialize(idBytes({ ledger, entry, batchIndex: -1 }))),
      );
    },
    async close() {
      closed = true;
      await told(consumer.close());
    },
  };
}
