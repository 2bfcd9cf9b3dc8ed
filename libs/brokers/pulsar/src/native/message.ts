import type { MessagePlace, PortMessage } from "../port.ts";
import type { NativeMessage } from "./client.ts";
import { placeOf } from "./ids.ts";
import { received } from "./properties.ts";

/** Its properties are decoded when they are asked for. */
export class ReceivedMessage implements PortMessage {
  readonly place: MessagePlace;
  readonly data: Uint8Array;
  readonly #message: NativeMessage;

  constructor(message: NativeMessage) {
    this.place = placeOf(message.getMessageId());
    this.data = message.getData();
    this.#message = message;
  }

  /** The client does not tell of the broker's clock. */
  get time(): bigint {
    return BigInt(this.#message.getPublishTimestamp());
  }

  get producerName(): string {
    return this.#message.getProducerName();
  }

  key(): string | undefined {
    return this.#message.getPartitionKey() || undefined;
  }

  properties(): readonly (readonly [name: string, value: string])[] {
    return received(this.#message.getProperties());
  }
}
