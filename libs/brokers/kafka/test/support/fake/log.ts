/** A partition's log as Kafka keeps it: record batches with offsets, and what each producer has written. */
import { checksum } from "../../../src/checksum.ts";
import { CODE } from "../../../src/connection/failures.ts";

interface Stored {
  readonly base: bigint;
  readonly last: bigint;
  readonly time: bigint;
  readonly bytes: Buffer;
}

interface Producer {
  epoch: number;
  /** The sequence that the next batch must have. */
  next: number;
  /** The last batch: its first sequence, and where it lies. */
  first: number;
  base: bigint;
}

export class FakeLog {
  start = 0n;
  end = 0n;
  /** Where a transaction begins that is under way: what follows is not for committed readers. */
  stable: bigint | undefined;
  leader: number;
  leaderEpoch = 0;
  readonly producers = new Map<bigint, Producer>();
  #batches: Stored[] = [];
  readonly #waits = new Set<() => void>();

  constructor(leader: number) {
    this.leader = leader;
  }

  /** As a broker takes an idempotent producer's batch. */
  append(batch: Buffer, maxBytes: number, now: bigint): { readonly code: number; readonly base: bigint } {
    const [id, epoch, sequence] = [batch.readBigInt64BE(43), batch.readInt16BE(51), batch.readInt32BE(53)];
    const count = batch.readInt32BE(57);
    if (batch.length > maxBytes) return { code: CODE.MESSAGE_TOO_LARGE, base: -1n };
    if (checksum(batch.subarray(21)) !== batch.readUInt32BE(17)) return { code: 2, base: -1n };
    const known = this.producers.get(id);
    if (known !== undefined) {
      if (epoch < known.epoch) return { code: CODE.INVALID_PRODUCER_EPOCH, base: -1n };
      if (epoch === known.epoch && sequence === known.first) return { code: CODE.NONE, base: known.base };
      if (sequence !== (epoch > known.epoch ? 0 : known.next)) return { code: CODE.OUT_OF_ORDER_SEQUENCE, base: -1n };
    }
    const base = this.end;
    this.producers.set(id, { epoch, next: (sequence + count) % 2 ** 31, first: sequence, base });
    const bytes = Buffer.from(batch);
    bytes.writeBigInt64BE(base, 0);
    bytes.writeInt32BE(this.leaderEpoch, 12);
    bytes.writeInt16BE(bytes.readInt16BE(21) | 0x08, 21);
    bytes.writeBigInt64BE(now, 35);
    bytes.writeUInt32BE(checksum(bytes.subarray(21)), 17);
    this.end = base + BigInt(count);
    this.#batches.push({ base, last: this.end - 1n, time: now, bytes });
    this.wake();
    return { code: CODE.NONE, base };
  }

  read(from: bigint, maxBytes: number): Buffer {
    const found: Buffer[] = [];
    let room = maxBytes;
    for (const { last, bytes } of this.#batches) {
      if (last < from) continue;
      if (found.length > 0 && bytes.length > room) break;
      found.push(bytes);
      room -= bytes.length;
    }
    return Buffer.concat(found);
  }

  timeAt(ms: bigint): bigint {
    const found = this.#batches.find(({ time, last }) => time >= ms && last >= this.start);
    return found === undefined ? -1n : found.base > this.start ? found.base : this.start;
  }

  deleteBefore(offset: bigint): void {
    this.start = offset;
    this.#batches = this.#batches.filter(({ last }) => last >= offset);
  }

  /** Changes a byte of the batch that holds this offset. */
  damage(offset: bigint): void {
    const { bytes } = this.#batches.find(({ last }) => last >= offset)!;
    bytes[bytes.length - 1]! ^= 1;
  }

  /** What an unclean election does: the end is gone, another leader goes on. */
  cutBack(end: bigint): void {
    this.#batches = this.#batches.filter(({ last }) => last < end);
    this.end = end;
    this.leaderEpoch += 1;
  }

  get bytes(): bigint {
    return BigInt(this.#batches.reduce((sum, { bytes }) => sum + bytes.length, 0));
  }

  wait(wake: () => void): () => void {
    this.#waits.add(wake);
    return () => this.#waits.delete(wake);
  }

  wake(): void {
    for (const wake of [...this.#waits]) wake();
  }
}
