/** One entry as it came in a MESSAGE frame: its id, its metadata, and its messages, read when they are handed out. */
import type { MessageId } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import { decompress } from "../wire/compression.ts";
import { crc32c } from "../wire/crc32c.ts";
import { WireReader } from "../wire/reader.ts";
import { ReceivedMessage } from "./message.ts";

const CHECKSUM_MAGIC = 0x0e01;
const BROKER_METADATA_MAGIC = 0x0e02;
/** A message in a batch has at least a length and a metadata with its payload's size. */
const LEAST_BATCHED_BYTES = 6;

export class Entry {
  readonly topic: string;
  readonly partition: number;
  ledgerId = 0n;
  entryId = 0n;
  redeliveryCount = 0;
  /** Bits of the batch's messages that are not acknowledged; undefined: all. */
  ackSet: readonly bigint[] | undefined;
  consumerEpoch = 0;
  /** Messages it says it holds. */
  count = 1;
  batched = false;
  /** Messages that the broker counts as given by it: those not acknowledged. */
  weight = 1;
  /** Bytes of the frame that it came in, which it keeps in memory. */
  bytes = 0;
  /** Messages before this one are not for the receiver. */
  firstIndex = 0;
  /** What is wrong with it: it cannot be read. */
  error: PulsarError | undefined;

  sequenceId = 0n;
  publishTime = 0n;
  brokerTime: bigint | undefined;
  /** `MessageMetadata` is `frame[metaStart, metaEnd)`. */
  frame: Buffer;
  metaStart = 0;
  metaEnd = 0;
  producerNameStart = 0;
  producerNameEnd = 0;
  /** The payload, after `open` without compression, is `payload[pos, end)`; `pos` goes on as messages are read. */
  payload: Buffer;
  pos = 0;
  end = 0;
  /** The next message's index. */
  index = 0;
  #bodyStart = 0;
  #bodyEnd = 0;
  #compression = 0;
  #uncompressedSize = 0;
  #unreadable: string | undefined;

  /** `body` of the command is `frame[start, end)`. Throws `protocol`. */
  constructor(topic: string, partition: number, frame: Buffer, start: number, end: number) {
    this.topic = topic;
    this.partition = partition;
    this.frame = frame;
    this.payload = frame;
    const reader = new WireReader(frame, start, end);
    while (reader.next()) {
      if (reader.field === 2) this.#readId(reader);
      else if (reader.field === 3) this.redeliveryCount = reader.varint();
      else if (reader.field === 4) this.#readAckSet(reader);
      else if (reader.field === 5) this.consumerEpoch = reader.varint();
      else reader.skip();
    }
  }

  #readId(reader: WireReader): void {
    const end = reader.delimited();
    const id = new WireReader(reader.bytes, reader.pos, end);
    while (id.next()) {
      if (id.field === 1) this.ledgerId = id.int64();
      else if (id.field === 2) this.entryId = id.int64();
      else id.skip();
    }
    reader.pos = end;
  }

  #readAckSet(reader: WireReader): void {
    const words: bigint[] = [...(this.ackSet ?? [])];
    if (reader.wireType === 0) words.push(reader.int64());
    else for (const end = reader.delimited(); reader.pos < end; ) words.push(reader.int64());
    this.ackSet = words;
  }

  /** Reads what follows the command, `frame[start, end)`. What is wrong with it is kept in `error`: the frame itself was whole. */
  readBody(start: number, end: number): void {
    this.bytes = end - start;
    this.#bodyStart = start;
    this.#bodyEnd = end;
    try {
      this.#readBody(start, end);
    } catch (cause) {
      if (!(cause instanceof PulsarError)) throw cause;
      this.#failed(cause);
      // A claimed number of messages that was not checked is not to be counted with.
      if (this.count > this.bytes) this.count = 1;
    }
    this.weight = this.count;
    if (this.batched && this.ackSet !== undefined && this.ackSet.length > 0) {
      this.weight = 0;
      for (let i = 0; i < this.count; i++) if (this.isOpen(i)) this.weight++;
    }
  }

  #readBody(start: number, end: number): void {
    const { frame } = this;
    let pos = start;
    const need = (bytes: number): void => {
      if (end - pos < bytes) throw new PulsarError("entry_corrupt", "It ends within its metadata.");
    };
    need(2);
    if (frame.readUInt16BE(pos) === BROKER_METADATA_MAGIC) {
      need(6);
      const size = frame.readUInt32BE(pos + 2);
      pos += 6;
      need(size + 2);
      this.#readBrokerMetadata(pos, pos + size);
      pos += size;
    }
    if (frame.readUInt16BE(pos) === CHECKSUM_MAGIC) {
      need(6);
      if (crc32c(frame, pos + 6, end) !== frame.readUInt32BE(pos + 2)) {
        throw new PulsarError("checksum_mismatch", "Its bytes are not those of its checksum.");
      }
      pos += 6;
    }
    need(4);
    const size = frame.readUInt32BE(pos);
    pos += 4;
    need(size);
    this.#readMetadata(pos, pos + size);
    this.pos = pos + size;
    this.end = end;
    const most = (this.#compression === 0 ? end - this.pos : this.#uncompressedSize) / LEAST_BATCHED_BYTES;
    if (this.batched && this.count > Math.max(most, 1)) {
      throw new PulsarError("entry_corrupt", `It claims ${this.count} messages, more than its bytes can hold.`);
    }
  }

  #readBrokerMetadata(start: number, end: number): void {
    const reader = new WireReader(this.frame, start, end);
    while (reader.next()) {
      if (reader.field === 1) this.brokerTime = reader.uint64();
      else reader.skip();
    }
  }

  #readMetadata(start: number, end: number): void {
    this.metaStart = start;
    this.metaEnd = end;
    const reader = new WireReader(this.frame, start, end);
    while (reader.next()) {
      switch (reader.field) {
        case 1:
          this.producerNameEnd = reader.delimited();
          this.producerNameStart = reader.pos;
          reader.pos = this.producerNameEnd;
          break;
        case 2:
          this.sequenceId = reader.uint64();
          break;
        case 3:
          this.publishTime = reader.uint64();
          break;
        case 8:
          this.#compression = reader.varint();
          break;
        case 9:
          this.#uncompressedSize = reader.varint();
          break;
        case 11:
          this.count = Math.max(reader.int32(), 1);
          this.batched = true;
          break;
        case 13:
          reader.skip();
          this.#unreadable = "It is encrypted, which this client cannot read.";
          break;
        case 27:
          if (reader.int32() > 1)
            this.#unreadable = "It is a part of a message in chunks, which this client cannot join.";
          break;
        default:
          reader.skip();
      }
    }
  }

  /** Decompresses the payload. Throws what `receive` rejects with. */
  open(maxDecompressedBytes: number): void {
    if (this.error !== undefined) throw this.error;
    try {
      if (this.#unreadable !== undefined) throw new PulsarError("unsupported", this.#unreadable);
      if (this.#compression !== 0) {
        const packed = this.payload.subarray(this.pos, this.end);
        this.payload = decompress(packed, this.#compression, this.#uncompressedSize, maxDecompressedBytes);
        this.#compression = 0;
        this.pos = 0;
        this.end = this.payload.length;
      }
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** The next message; undefined when it was deleted by compaction. Throws `entry_corrupt`. Call `open` first. */
  next(): ReceivedMessage | undefined {
    const index = this.index++;
    if (!this.batched) {
      return new ReceivedMessage(this, -1, this.metaStart, this.metaEnd, this.pos, this.end);
    }
    try {
      const { payload, end } = this;
      if (end - this.pos < 4) throw new PulsarError("entry_corrupt", "Its batch ends early.");
      const metaStart = this.pos + 4;
      const metaEnd = metaStart + payload.readUInt32BE(this.pos);
      if (metaEnd > end) throw new PulsarError("entry_corrupt", "Its batch ends within a message's metadata.");
      const reader = new WireReader(payload, metaStart, metaEnd);
      let size = 0;
      let gone = false;
      while (reader.next()) {
        if (reader.field === 3) size = reader.varint();
        else if (reader.field === 4) gone = reader.bool();
        else reader.skip();
      }
      this.pos = metaEnd + size;
      if (this.pos > end) throw new PulsarError("entry_corrupt", "Its batch ends within a message.");
      return gone ? undefined : new ReceivedMessage(this, index, metaStart, metaEnd, metaEnd, this.pos);
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  /** Whether message `index` is still open at the broker. */
  isOpen(index: number): boolean {
    if (this.ackSet === undefined || this.ackSet.length === 0 || !this.batched) return true;
    return (((this.ackSet[index >> 6] ?? 0n) >> BigInt(index & 63)) & 1n) === 1n;
  }

  idAt(index: number): MessageId {
    return {
      ledgerId: this.ledgerId,
      entryId: this.entryId,
      partition: this.partition,
      batchIndex: this.batched ? index : -1,
      batchSize: this.batched ? this.count : 0,
    };
  }

  get producerName(): string {
    return this.frame.toString("utf8", this.producerNameStart, this.producerNameEnd);
  }

  #named(what: string): string {
    return `Entry ${this.ledgerId}:${this.entryId} of ${this.topic} cannot be read. ${what}`;
  }

  #failed(cause: unknown): PulsarError {
    if (!(cause instanceof PulsarError)) throw cause;
    const code = cause.code === "protocol" ? "entry_corrupt" : cause.code;
    const data = this.frame.subarray(Math.max(this.metaEnd, this.#bodyStart), this.#bodyEnd);
    this.error = new PulsarError(code, this.#named(cause.message), { messageId: this.idAt(-1), data, cause });
    return this.error;
  }
}
