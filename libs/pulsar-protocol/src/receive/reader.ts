/** A reader: a subscription that leaves nothing behind, and knows by itself where it is. */
import type { Message, MessageId, Reader, ReaderOptions, ReaderStart, ReceiveLimits, SeekTarget } from "../contract.ts";
import type { PulsarError } from "../errors.ts";
import { type Internals, randomName } from "../internals.ts";
import { EARLIEST, LATEST } from "../message-id.ts";
import { SUBSCRIPTION_TYPE } from "../wire/commands.ts";
import type { Entry } from "./entry.ts";
import type { ReceivedMessage } from "./message.ts";
import {
  checkTarget,
  type Link,
  lastMessageId,
  type SubscribeFields,
  Subscription,
  seekRequest,
} from "./subscription.ts";

export interface OwnedReader extends Reader {
  abort(error: PulsarError): void;
}

/** Resolves when attached for the first time. */
export async function createReader(internals: Internals, options: ReaderOptions): Promise<OwnedReader> {
  const reader = new TopicReader(internals, options);
  await reader.subscription.lifeline.first;
  return reader;
}

/** What is before it is not for the reader. */
interface Floor {
  readonly id: MessageId;
  readonly inclusive: boolean;
}

class TopicReader implements OwnedReader {
  readonly subscription: Subscription;
  readonly #options: ReaderOptions;
  readonly #name: string;
  #attachments = 0;
  #floor: Floor = { id: EARLIEST, inclusive: false };
  /** Only from a time, or from the newest message, as long as that is not a place yet. */
  #from: ReaderStart | undefined;
  #position: MessageId = EARLIEST;
  #last: ReceivedMessage | undefined;

  constructor(internals: Internals, options: ReaderOptions) {
    this.#options = options;
    this.#name = options.name ?? `reader-${randomName()}`;
    this.#startAt(options.from);
    this.subscription = new Subscription(
      internals,
      { ...options, part: "reader", name: this.#name, dropsWhenDetached: false },
      {
        attach: (subscribe) => this.#attach(subscribe),
        accept: (entry) => this.#accept(entry),
        given: (message) => {
          this.#last = message;
        },
        detached: () => undefined,
        activeChange: () => undefined,
      },
    );
  }

  get topic(): string {
    return this.subscription.topic;
  }

  get attached(): boolean {
    return this.subscription.link !== undefined;
  }

  get closed(): boolean {
    return this.subscription.closed;
  }

  get position(): MessageId {
    return this.#last?.id ?? this.#position;
  }

  #startAt(from: ReaderStart): void {
    if (!("id" in from)) checkTarget(from);
    this.#last = undefined;
    this.#position = EARLIEST;
    this.#floor = { id: EARLIEST, inclusive: false };
    this.#from = undefined;
    if ("id" in from) {
      const inclusive = from.inclusive ?? false;
      this.#floor = { id: from.id, inclusive };
      this.#position = inclusive ? before(from.id) : from.id;
    } else if ("time" in from || from.at === "latest") this.#from = from;
  }

  async #attach(subscribe: (fields: SubscribeFields) => Promise<Link>): Promise<Link> {
    // Another name each time: the broker may not have noticed yet that the last one is gone.
    const name = `${this.#name}.${++this.#attachments}`;
    const from = this.#from;
    if (from === undefined) return subscribe(this.#fields(name, this.#floor));
    if ("time" in from) {
      const first = await subscribe(this.#fields(name, { id: EARLIEST, inclusive: false }));
      await seekRequest(first, from);
      return subscribe(this.#fields(name, { id: EARLIEST, inclusive: false }));
    }
    const link = await subscribe(this.#fields(name, { id: LATEST, inclusive: false }));
    // Where "latest" was is kept: attached again before the first message, nothing may be skipped.
    const id = await lastMessageId(link, this.subscription.partition);
    this.#floor = { id, inclusive: false };
    this.#position = id;
    this.#from = undefined;
    return link;
  }

  #fields(subscription: string, { id, inclusive }: Floor): SubscribeFields {
    // With an index, the broker gives the entry itself too: it may not have been read to its end.
    const whole = inclusive || id.batchIndex >= 0;
    return {
      subscription,
      type: SUBSCRIPTION_TYPE.exclusive,
      name: this.#name,
      durable: false,
      readCompacted: this.#options.readCompacted ?? false,
      createTopic: this.#options.createTopic ?? false,
      startMessageId: {
        ledgerId: id.ledgerId,
        entryId: id.entryId,
        // The broker gives what compaction keeps of a log that is gone only to who begins at "earliest", which has no partition.
        ...(id.ledgerId === EARLIEST.ledgerId ? {} : { partition: this.subscription.partition }),
        ...(whole ? { batchIndex: Math.max(id.batchIndex, 0) } : {}),
      },
    };
  }

  #accept(entry: Entry): boolean {
    const from = this.#from;
    if (from !== undefined && "time" in from) {
      // The broker goes by whole entries, and by the clocks of all producers.
      if (entry.publishTime < from.time && entry.error === undefined) return false;
      this.#from = undefined;
    } else {
      const order = compareEntries(entry, this.#floor.id);
      if (order < 0) return false;
      if (order === 0) {
        entry.firstIndex = firstIndexOf(entry, this.#floor);
        if (entry.firstIndex >= entry.count) return false;
      }
    }
    this.#floor = { id: { ...entry.idAt(-1), batchIndex: -1, batchSize: 0 }, inclusive: false };
    return true;
  }

  receive(limits?: ReceiveLimits): Promise<Message[]> {
    return this.subscription.receive(limits);
  }

  lastMessageId(): Promise<MessageId> {
    return this.subscription.lastMessageId();
  }

  async seek(to: SeekTarget): Promise<void> {
    await this.subscription.moveBy(() => {
      this.#startAt("id" in to ? { id: to.id, inclusive: true } : to);
      return Promise.resolve();
    });
  }

  close(): Promise<void> {
    return this.subscription.close();
  }

  abort(): void {
    void this.subscription.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Message> {
    while (!this.closed) yield* await this.receive();
  }
}

function compareEntries(entry: Entry, id: MessageId): number {
  if (entry.ledgerId !== id.ledgerId) return entry.ledgerId < id.ledgerId ? -1 : 1;
  return entry.entryId === id.entryId ? 0 : entry.entryId < id.entryId ? -1 : 1;
}

/** Of the entry of the floor itself. */
function firstIndexOf(entry: Entry, { id, inclusive }: Floor): number {
  if (id.batchIndex < 0 || !entry.batched) return inclusive ? 0 : entry.count;
  return inclusive ? id.batchIndex : id.batchIndex + 1;
}

/** The place before a message, for people and for comparing: it need not be one of a message. */
function before(id: MessageId): MessageId {
  if (id.batchIndex > 0) return { ...id, batchIndex: id.batchIndex - 1 };
  return { ...id, entryId: id.entryId - 1n, batchIndex: -1, batchSize: 0 };
}
