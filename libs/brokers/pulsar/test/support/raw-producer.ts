/** Writes entries as no client would: metadata and payload byte by byte. Pulsar looks into neither further than it has to. */
import { once } from "node:events";
import { connect } from "node:net";

/** Protobuf's encoding, of fields that are below 16 and lengths that are below 2^28. */
export const number = (field: number, value: number): Buffer => Buffer.of(field << 3, ...varint(value));
export const bytes = (field: number, value: Uint8Array | string): Buffer =>
  Buffer.concat([Buffer.of((field << 3) | 2, ...varint(Buffer.byteLength(value))), Buffer.from(value)]);

function varint(value: number): number[] {
  const low = value & 127;
  return value < 128 ? [low] : [low | 128, ...varint(value >>> 7)];
}

const sized = (part: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(part.length);
  return Buffer.concat([size, part]);
};

/** One message of a batch: its own metadata may be any bytes. */
export const batched = (value: string, metadata: Uint8Array = Buffer.of()): Buffer =>
  Buffer.concat([sized(Buffer.concat([metadata, number(3, Buffer.byteLength(value))])), Buffer.from(value)]);

export interface RawEntry {
  /** Fields of MessageMetadata beside producer, sequence and time. */
  readonly metadata?: Uint8Array;
  readonly payload: Uint8Array;
  /** How many messages it says it holds. */
  readonly count?: number;
}

const ANSWER = { connected: 3, receipt: 7, produced: 17 };

/** On a topic that Pulsar serves already. Rejects when Pulsar refuses. */
export async function writeRaw(serviceUrl: string, topic: string, entries: readonly RawEntry[]): Promise<void> {
  const { hostname, port } = new URL(serviceUrl);
  const socket = connect(Number(port), hostname);
  let received: Buffer = Buffer.of();
  const answer = async (type: number): Promise<void> => {
    for (;;) {
      const end = received.length < 4 ? Number.POSITIVE_INFINITY : 4 + received.readUInt32BE(0);
      if (received.length >= end) {
        const command = received.subarray(8, end);
        received = received.subarray(end);
        if (command[1] === type) return;
        throw new Error(`Pulsar answered ${command.toString("latin1")}, not with command ${type}.`);
      }
      const [chunk] = (await once(socket, "data")) as [Buffer];
      received = Buffer.concat([received, chunk]);
    }
  };
  const send = (type: number, command: Uint8Array, rest: Uint8Array = Buffer.of()): void => {
    socket.write(sized(Buffer.concat([sized(Buffer.concat([number(1, type), bytes(type, command)])), rest])));
  };
  send(2, Buffer.concat([bytes(1, "raw"), number(4, 19)]));
  await answer(ANSWER.connected);
  send(5, Buffer.concat([bytes(1, topic), number(2, 1), number(3, 1)]));
  await answer(ANSWER.produced);
  for (const [at, { metadata = Buffer.of(), payload, count }] of entries.entries()) {
    const batch = count === undefined ? Buffer.of() : number(11, count);
    const fields = [bytes(1, "raw"), number(2, at), number(3, 1_000_000), batch, metadata];
    const command = Buffer.concat([number(1, 1), number(2, at), number(3, count ?? 1)]);
    send(6, command, Buffer.concat([sized(Buffer.concat(fields)), payload]));
    await answer(ANSWER.receipt);
  }
  socket.destroy();
}
