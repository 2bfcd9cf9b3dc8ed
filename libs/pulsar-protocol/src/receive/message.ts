/** A received message: offsets into the received buffer; everything else is read from there when it is asked for. */
import type { Message, MessageId, ReceivedBytes } from "../contract.ts";
import { nameIn } from "../wire/names.ts";
import { broken, WireReader } from "../wire/reader.ts";
import type { Entry } from "./entry.ts";

/** Field numbers of what a message of its own (MessageMetadata) and one in a batch (SingleMessageMetadata) have in common. */
const ALONE = { properties: 4, key: 6, eventTime: 12, orderingKey: 18, sequenceId: 2, tombstone: 25 };
const BATCHED = { properties: 1, key: 2, eventTime: 5, orderingKey: 7, sequenceId: 8, tombstone: 9 };

export class ReceivedMessage implements Message, ReceivedBytes {
  readonly entry: Entry;
  /** -1: not of a batch. */
  readonly index: number;
  readonly bytes: Buffer;
  readonly dataStart: number;
  readonly dataEnd: number;
  private readonly metaStart: number;
  private readonly metaEnd: number;

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
    return Object.fromEntries(this.propertyList.map(([name, value]) => [name, value.toString()]));
  }

  get propertyList(): readonly (readonly [name: string, value: Buffer])[] {
    const list: (readonly [string, Buffer])[] = [];
    const { bytes } = this.metadata();
    this.eachProperty((reader) => {
      placeProperty(reader, PLACE, 0);
      list.push([nameIn(bytes, PLACE[0]!, PLACE[1]!), bytes.subarray(PLACE[2]!, PLACE[3]!)]);
      return true;
    });
    return list;
  }

  property(wanted: string): string | undefined {
    return this.propertyList.find(([name]) => name === wanted)?.[1].toString();
  }

  get received(): ReceivedBytes | undefined {
    return this.index < 0 ? undefined : this;
  }

  get metadataBytes(): number {
    return this.metaEnd - this.metaStart;
  }

  findProperties(places: Int32Array): number {
    let at = 0;
    const hadRoom = this.eachProperty((reader) => {
      if (at === places.length) return false;
      placeProperty(reader, places, at);
      at += 4;
      return true;
    });
    return hadRoom ? at / 4 : -1;
  }

  /** False: the visitor, which reads the property or ends the walk, has ended it. */
  private eachProperty(visit: (reader: WireReader) => boolean): boolean {
    const reader = this.metadata();
    const { properties } = this.fields();
    while (reader.next()) {
      if (reader.field !== properties) reader.skip();
      else if (!visit(reader)) return false;
    }
    return true;
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

/** Where a KeyValue message has its name and its value; what it has not is nothing, anywhere. */
function placeProperty(reader: WireReader, places: Int32Array, at: number): void {
  const end = reader.delimited();
  places.fill(0, at, at + 4);
  while (reader.pos < end && reader.next()) {
    if (reader.field !== 1 && reader.field !== 2) {
      reader.skip();
      continue;
    }
    const to = reader.delimited();
    const place = at + 2 * (reader.field - 1);
    places[place] = reader.pos;
    places[place + 1] = to;
    reader.pos = to;
  }
  if (reader.pos !== end) throw broken("a property that does not end");
}

/** Of the property at hand. */
const PLACE = new Int32Array(4);
