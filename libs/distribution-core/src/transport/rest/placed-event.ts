/** An event with its address, as the REST face writes it. */
import type { Position } from "../../brokers/contract.ts";
import { DistributionError } from "../../errors.ts";
import { type CloudEventWriter, createCloudEventWriter, formatTime, type PayloadCodec } from "../../events/index.ts";
import type { PlacedEvent } from "../../tail/contract.ts";

/** JSON of a PlacedEvent of the OpenAPI document, on one line. Throws `record_damaged` when the stored bytes are no event. */
export type PlacedEventWriter = (event: PlacedEvent) => string;

/** For the events of one topic; protobuf payloads become JSON where a codec for the topic's message is given. */
export function createPlacedEventWriter(codec: PayloadCodec | undefined): PlacedEventWriter {
  const writer = createCloudEventWriter({ codec });
  return ({ position, appendedAt, bytes }) => {
    // JSON payloads come as the publisher wrote them. A line break there is space between tokens: in a string it is \n.
    const event = read(writer, bytes, position).replace(/[\r\n]/g, " ");
    return `{"position":${JSON.stringify(position)},"appendedAt":"${formatTime(appendedAt)}","event":${event}}`;
  };
}

function read(writer: CloudEventWriter, bytes: Uint8Array, { topic, partition, epoch, offset }: Position): string {
  try {
    return writer.write(bytes, 0, bytes.length);
  } catch (failure) {
    const place = `${topic}, partition ${partition}, epoch ${epoch}, offset ${offset}`;
    throw new DistributionError("record_damaged", `The record at ${place} holds no event.`, { cause: failure });
  }
}
