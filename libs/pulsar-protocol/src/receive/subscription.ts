/** What consumers and readers are made of: a subscription on one topic, attached again when it is lost, and its queue. */
import type { Connection } from "../connection/connection.ts";
import { createLifeline, type Lifeline } from "../connection/lifeline.ts";
import type { Message, MessageId, Part, QueueOptions, ReceiveLimits, SeekTarget } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import type { Internals } from "../internals.ts";
import { EARLIEST, LATEST } from "../message-id.ts";
import { bounded, fullTopicName, partitionOf, QUEUE_BOUNDS } from "../options.ts";
import * as wire from "../wire/commands.ts";
import type { Message as WireMessage } from "../wire/schema.ts";
import { Entry } from "./entry.ts";
import type { ReceivedMessage } from "./message.ts";
import { EntryQueue } from "./queue.ts";
import { createWindow, type Window } from "./window.ts";

export type SubscribeFields = Omit<WireMessage<typeof wire.SUBSCRIBE>, "topic" | "consumerId" | "requestId">;

/** An attachment: this consumer on this connection. Each has an id of its own, so that what comes late for one is not taken for another. */
export interface Link {
  readonly connection: Connection;
  readonly consumerId: number;
}

export interface SubscriptionHooks {
  /** Subscribes by `subscribe`, as often as it takes, and returns the link that stays. */
  attach(subscribe: (fields: SubscribeFields) => Promise<Link>): Promise<Link>;
  /** False: not for this receiver. May set `firstIndex`. */
  accept(entry: Entry): boolean;
  given(message: ReceivedMessage): void;
  /** The link is there: what is acknowledged goes by it. Nothing was given by it yet. */
  attached?(): void;
  /** The last attachment is over, by the broker or by ourselves. */
  detached(): void;
  activeChange(active: boolean): void;
}

export interface SubscriptionOptions extends QueueOptions {
  readonly part: Part;
  readonly topic: string;
  readonly name: string;
  /** What waits is dropped when detached: the broker gives it again. */
  readonly dropsWhenDetached: boolean;
}

export class Subscription {
  readonly topic: string;
  readonly partition: number;
  readonly lifeline: Lifeline;
  readonly queue: EntryQueue;
  closed = false;
  readonly #internals: Internals;
  readonly #options: SubscriptionOptions;
  readonly #hooks: SubscriptionHooks;
  readonly #window: Window;
  #link: Link | undefined;
  #detach: () => void = () => undefined;
  /** Attaching waits for this: an end of the last attachment, or a seek, that the broker has not confirmed. */
  #before: Promise<unknown> = Promise.resolve();
  #failure: PulsarError | undefined;
  /** A seek is under way: what still comes is of before. */
  #moving = false;
  #wake: (() => void) | undefined;
  #drained: (() => void) | undefined;

  constructor(internals: Internals, options: SubscriptionOptions, hooks: SubscriptionHooks) {
    const { queueMessages, queueBytes } = bounded(QUEUE_BOUNDS, options);
    this.topic = fullTopicName(options.topic);
    this.partition = partitionOf(this.topic);
    this.#internals = internals;
    this.#options = options;
    this.#hooks = hooks;
    this.#window = createWindow(queueMessages, queueBytes);
    this.queue = new EntryQueue({
      maxDecompressedBytes: internals.settings.maxDecompressedBytes,
      left: (entry) => this.#left(entry),
      given: (message) => hooks.given(message),
    });
    this.lifeline = createLifeline({
      part: options.part,
      topic: this.topic,
      settings: internals.settings,
      pool: internals.pool,
      name: () => options.name,
      find: () => internals.find(this.topic),
      attach: (connection, detach) => this.#attach(connection, detach),
      failed: (error) => this.fail(error),
    });
  }

  get link(): Link | undefined {
    return this.#link?.connection.open ? this.#link : undefined;
  }

  async #attach(connection: Connection, detach: () => void): Promise<void> {
    await this.#before;
    // A queue that overran is emptied first, by whoever receives.
    while (this.#window.overrun && !this.closed) await new Promise<void>((resolve) => (this.#drained = resolve));
    if (this.closed) throw closedError(this.#options.part, this.topic);
    const link = await this.#open(connection);
    if (this.closed) {
      this.#tellToClose(link);
      throw closedError(this.#options.part, this.topic);
    }
    this.#detach = detach;
    // Closed by the broker between its answer and now.
    if (!connection.consumers.has(link.consumerId)) return detach();
    this.#window.restart();
    this.#link = link;
    this.#hooks.attached?.();
    this.#askForMore();
  }

  /** What was subscribed on the way and is not the link that stays is closed again. */
  async #open(connection: Connection): Promise<Link> {
    const opened: Link[] = [];
    let stays: Link | undefined;
    try {
      stays = await this.#hooks.attach(async (fields) => {
        const link = await this.#subscribe(connection, fields);
        opened.push(link);
        return link;
      });
      return stays;
    } finally {
      for (const link of opened) {
        if (link !== stays && connection.consumers.has(link.consumerId)) this.#tellToClose(link);
      }
    }
  }

  async #subscribe(connection: Connection, fields: SubscribeFields): Promise<Link> {
    const consumerId = this.#internals.nextId();
    const link: Link = { connection, consumerId };
    connection.consumers.set(consumerId, {
      message: (bytes, start, end, frameEnd) => this.#onMessage(bytes, start, end, frameEnd),
      activeChange: (active) => this.#hooks.activeChange(active),
      closed: () => this.#onDetached(link),
    });
    try {
      await connection.request(
        wire.COMMAND.subscribe,
        wire.SUBSCRIBE,
        { ...fields, topic: this.topic, consumerId },
        wire.SUCCESS,
      );
      return link;
    } catch (error) {
      connection.consumers.delete(consumerId);
      if ((error as PulsarError).code === "timeout") this.#tellToClose(link);
      throw error;
    }
  }

  #onMessage(bytes: Buffer, start: number, end: number, frameEnd: number): void {
    const entry = new Entry(this.topic, this.partition, bytes, start, end);
    entry.readBody(end, frameEnd);
    this.#window.arrived(entry.weight, entry.bytes);
    if (this.#moving || !this.#hooks.accept(entry)) this.#left(entry);
    else {
      this.queue.push(entry);
      if (this.#window.overrun) this.letGo();
      this.#wake?.();
    }
  }

  #left(entry: Entry): void {
    this.#window.left(entry.weight, entry.bytes);
    if (this.#drained !== undefined && !this.#window.overrun) {
      this.#drained();
      this.#drained = undefined;
    }
    this.#askForMore();
  }

  #askForMore(): void {
    const link = this.#link;
    if (link === undefined) return;
    const permits = this.#window.due();
    if (permits > 0) {
      link.connection.write(wire.frameOf(wire.COMMAND.flow, wire.FLOW, { consumerId: link.consumerId, permits }));
    }
  }

  #onDetached(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    if (this.#options.dropsWhenDetached) this.queue.clear();
    this.#hooks.detached();
    this.#detach();
  }

  /** Ends the attachment; it is attached again. */
  letGo(): void {
    const link = this.#link;
    if (link === undefined) return;
    link.connection.consumers.delete(link.consumerId);
    this.#tellToClose(link);
    this.#onDetached(link);
  }

  #tellToClose({ connection, consumerId }: Link): void {
    connection.consumers.delete(consumerId);
    this.#before = connection
      .request(wire.COMMAND.closeConsumer, wire.CLOSE, { id: consumerId }, wire.SUCCESS)
      .catch(() => undefined);
  }

  async receive(limits: ReceiveLimits = {}): Promise<Message[]> {
    if (this.#wake !== undefined) {
      throw new PulsarError("invalid_argument", `One receive at a time: the last one on ${this.topic} still waits.`);
    }
    if (this.queue.length === 0 && !this.closed && limits.waitMs !== 0) await this.#arrival(limits.waitMs);
    if (this.closed) {
      if (this.#failure !== undefined) throw this.#failure;
      return [];
    }
    const taken = this.queue.take(limits);
    // All of an entry may be acknowledged or compacted away: that is nothing to return for.
    return taken.length > 0 || limits.waitMs !== undefined ? taken : this.receive(limits);
  }

  #arrival(waitMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = waitMs === undefined ? undefined : setTimeout(() => this.#wake?.(), waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** Asks again when the connection is lost before the answer. */
  async lastMessageId(): Promise<MessageId> {
    const { operationTimeoutMs, backoff } = this.#internals.settings;
    const deadline = Date.now() + operationTimeoutMs;
    for (;;) {
      try {
        return await lastMessageId(await this.#attachedLink(deadline), this.partition);
      } catch (error) {
        if (!(error as PulsarError).retriable || Date.now() >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, backoff.minMs));
      }
    }
  }

  async #attachedLink(deadline: number): Promise<Link> {
    await this.lifeline.attached(deadline);
    const link = this.link;
    if (link === undefined)
      throw new PulsarError("disconnected", `The ${this.#options.part} on ${this.topic} was detached.`);
    return link;
  }

  /** Sends what `send` makes of the link; what arrives meanwhile is dropped, and afterwards it is attached anew. */
  async moveBy(send: (link: Link) => Promise<unknown>): Promise<void> {
    const deadline = Date.now() + this.#internals.settings.operationTimeoutMs;
    for (let done = false; !done; ) {
      const link = await this.#attachedLink(deadline);
      const moved = Promise.withResolvers<void>();
      try {
        const sent = send(link);
        this.#before = moved.promise;
        this.#moving = true;
        await sent;
        done = true;
      } catch (error) {
        if (!(error as PulsarError).retriable || Date.now() >= deadline) throw error;
      } finally {
        this.queue.clear();
        this.#moving = false;
        // The broker has closed it, or is about to.
        if (this.#link === link) this.letGo();
        moved.resolve();
      }
    }
    await this.lifeline.attached(deadline);
  }

  async close(): Promise<void> {
    this.#end();
    this.lifeline.close();
    const link = this.#link;
    this.#link = undefined;
    if (link !== undefined) this.#tellToClose(link);
    await this.#before;
  }

  fail(error: PulsarError): void {
    if (this.closed) return;
    this.#failure = error;
    this.#end();
    this.lifeline.close();
    const link = this.#link;
    this.#link = undefined;
    if (link !== undefined) this.#tellToClose(link);
  }

  #end(): void {
    this.closed = true;
    this.queue.clear();
    this.#drained?.();
    this.#wake?.();
  }
}

export const closedError = (part: Part, topic: string): PulsarError =>
  new PulsarError("closed", `The ${part} on ${topic} was closed.`);

/** Entry -1n: there is none. */
export async function lastMessageId({ connection, consumerId }: Link, partition: number): Promise<MessageId> {
  const { messageId } = await connection.request(
    wire.COMMAND.lastMessageId,
    wire.LAST_MESSAGE_ID,
    { consumerId },
    wire.LAST_MESSAGE_ID_RESPONSE,
  );
  return {
    ledgerId: messageId?.ledgerId ?? -1n,
    entryId: messageId?.entryId ?? -1n,
    partition,
    batchIndex: messageId?.batchIndex ?? -1,
    batchSize: messageId?.batchSize ?? 0,
  };
}

export function seekRequest({ connection, consumerId }: Link, to: SeekTarget): Promise<unknown> {
  const target = "time" in to ? { publishTime: to.time } : { messageId: startIdOf(to) };
  return connection.request(wire.COMMAND.seek, wire.SEEK, { consumerId, ...target }, wire.SUCCESS);
}

function startIdOf(
  to: { readonly at: "earliest" | "latest" } | { readonly id: MessageId },
): WireMessage<typeof wire.MESSAGE_ID> {
  const { ledgerId, entryId } = "id" in to ? to.id : to.at === "earliest" ? EARLIEST : LATEST;
  return { ledgerId, entryId };
}

/** Throws `invalid_argument`. */
export function checkTarget(to: SeekTarget): void {
  const time = "time" in to ? to.time : 0n;
  if (time < 0n || time >= 2n ** 63n) {
    throw new PulsarError("invalid_argument", `time must be Unix milliseconds from 0 to 2^63, not ${time}.`);
  }
}
