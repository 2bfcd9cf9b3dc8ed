/** Message ids as the native client writes them (protobuf's MessageIdData), and their order. */
import { DistributionError } from "@distribution/core/errors";
import type { MessagePlace } from "../port.ts";
import type { NativeId } from "./client.ts";

/** Its fields, all of them varints. */
const LEDGER = 1;
const ENTRY = 2;
const BATCH_INDEX = 4;
const BATCH_SIZE = 6;

/** A ledger of -1 is what the broker confirms a duplicate with. */
export function placeOf(id: NativeId): MessagePlace {
  const bytes = id.serialize();
  const fields = new Map<number, bigint>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw notAnId(bytes);
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    if ((tag & 7n) !== 0n) throw notAnId(bytes);
    fields.set(Number(tag >> 3n), varint());
  }
  return {
    ledger: BigInt.asIntN(64, fields.get(LEDGER) ?? 0n),
    entry: BigInt.asIntN(64, fields.get(ENTRY) ?? 0n),
    batchIndex: Number(BigInt.asIntN(32, fields.get(BATCH_INDEX) ?? -1n)),
    batchSize: Number(fields.get(BATCH_SIZE) ?? 0n),
  };
}

const notAnId = (bytes: Buffer): DistributionError =>
  new DistributionError("internal", `pulsar-client gave a message id that is none: ${bytes.toString("hex")}.`);

/** The bytes of an id. An entry of -1 is before a ledger's first. */
export function idBytes({ ledger, entry, batchIndex }: Pick<MessagePlace, "ledger" | "entry" | "batchIndex">): Buffer {
  const bytes: number[] = [];
  const field = (number: number, value: bigint): void => {
    bytes.push(number << 3);
    let left = BigInt.asUintN(64, value);
    for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
    bytes.push(Number(left));
  };
  field(LEDGER, ledger);
  field(ENTRY, entry);
  if (batchIndex >= 0) field(BATCH_INDEX, BigInt(batchIndex));
  return Buffer.from(bytes);
}

type Ordered = Pick<MessagePlace, "ledger" | "entry" | "batchIndex">;

export function compareMessages(a: Ordered, b: Ordered): number {
  if (a.ledger !== b.ledger) return a.ledger < b.ledger ? -1 : 1;
  if (a.entry !== b.entry) return a.entry < b.entry ? -1 : 1;
  // What is no batch is the only one of its entry.
  return Math.max(a.batchIndex, 0) - Math.max(b.batchIndex, 0);
}
