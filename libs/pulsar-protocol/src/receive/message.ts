/** A received message: offsets into the received buffer; everything else is read from there when it is asked for. */
import type { Message, MessageId } from "../contract.ts";
import { WireReader } from "../wire/reader.ts";
import type { Entry } from "./entry.ts";

/** Field numbers of what a message of its own (MessageMetadata) and one in a batch (SingleMessageMetadata) have in common. */
const ALONE = { properties: 4, key: 6, eventTime: 12, orderingKey: 18, sequenceId: 2, tombstone: 25 };
const BATCHED = { properties: 1, key: 2, eventTime: 5, orderingKey: 7, sequenceId: 8, tombstone: 9 };

export class ReceivedMessage implements Message {
  readonly entry: Entry;
  /** -1: not of a batch. */
  readonly index: number;
  private readonly bytes: Buffer;
  private readonly metaStart: number;
  private readonly metaEnd: number;
  private readonly dataStart: number;
  private readonly dataEnd: number;

  constructor(entry: Entry, index: number, metaStart: number, metaEnd: number, dataStart: number, dataEnd: number) {
    this.entry = entry;
    this.index = index;
    this.bytes = entry.payload;
    this.metaStart = metaStart;
    this.metaEnd = metaEnd;
    this.dataStart = dataStart;
    this.dataEnd = dataEnd;
  }

  get topic(): string {
    return this.entry.topic;
  }

  get id(): MessageId {
    return this.entry.idAt(this.index);
  }

  get size(): number {
    return this.dataEnd - this.dataStart;
  }

  get data(): Buffer {
    return this.bytes.subarray(this.dataStart, this.dataEnd);
  }

  get publishTime(): bigint {
    return this.entry.publishTime;
  }

  get brokerTime(): bigint | undefined {
    return this.entry.brokerTime;
  }

  get producerName(): string {
    return this.entry.producerName;
  }

  get redeliveryCount(): number {
    return this.entry.redeliveryCount;
  }

  get tombstone(): boolean {
    return this.find("tombstone")?.bool() ?? false;
  }

  get key(): string | undefined {
    return this.find("key")?.text();
  }

  get orderingKey(): Buffer | undefined {
    return this.find("orderingKey")?.view();
  }

  get eventTime(): bigint | undefined {
    const time = this.find("eventTime")?.uint64();
    return time === 0n ? undefined : time;
  }

  get sequenceId(): bigint {
    return this.find("sequenceId")?.uint64() ?? this.entry.sequenceId + BigInt(Math.max(this.index, 0));
  }

  get properties(): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    this.eachProperty((name, reader) => {
      // Not by assignment, which would set the prototype for a property of that name.
      Object.defineProperty(found, name, {
        value: reader.text(),
        enumerable: true,
        configurable: true,
        writable: true,
      });
      return false;
    });
    return found;
  }

  property(wanted: string): string | undefined {
    let value: string | undefined;
    this.eachProperty((name, reader) => {
      if (name !== wanted) return false;
      value = reader.text();
      return true;
    });
    return value;
  }

  /** `visit` may read the value, and ends the walk by true. */
  private eachProperty(visit: (name: string, value: WireReader) => boolean): void {
    const reader = this.metadata();
    const { properties } = this.fields();
    while (reader.next()) {
      if (reader.field !== properties) {
        reader.skip();
        continue;
      }
      const end = reader.delimited();
      const pair = new WireReader(reader.bytes, reader.pos, end);
      reader.pos = end;
      let name = "";
      while (pair.next()) {
        if (pair.field === 1) name = pair.text();
        else if (pair.field === 2) {
          if (visit(name, pair)) return;
          break;
        } else pair.skip();
      }
    }
  }

  private fields(): typeof ALONE {
    return this.index < 0 ? ALONE : BATCHED;
  }

  private metadata(): WireReader {
    return new WireReader(this.index < 0 ? this.entry.frame : this.bytes, this.metaStart, this.metaEnd);
  }

  private find(name: keyof typeof ALONE): WireReader | undefined {
    const wanted = this.fields()[name];
    const reader = this.metadata();
    while (reader.next()) {
      if (reader.field === wanted) return reader;
      reader.skip();
    }
    return undefined;
  }
}
