/** A consumer of a durable subscription. */
import type {
  Consumer,
  ConsumerOptions,
  Message,
  MessageId,
  ReceiveLimits,
  SeekTarget,
  SubscriptionType,
} from "../contract.ts";
import { PulsarError } from "../errors.ts";
import { type Internals, randomName } from "../internals.ts";
import { oneOf } from "../options.ts";
import * as wire from "../wire/commands.ts";
import { ACK_TYPE, type AckedId, ackedCumulative, ackedId, ackFrame, PartialAcks, type Touched } from "./acks.ts";
import type { Entry } from "./entry.ts";
import { checkTarget, type Link, type SubscribeFields, Subscription, seekRequest } from "./subscription.ts";

export interface OwnedConsumer extends Consumer {
  abort(error: PulsarError): void;
}

/** Ids in one ACK: some 25 bytes each, and bits for batches. */
const ACKS_PER_COMMAND = 1_000;
const TYPES: readonly SubscriptionType[] = ["exclusive", "shared", "failover", "key_shared"];

/** Resolves when attached for the first time. */
export async function createConsumer(internals: Internals, options: ConsumerOptions): Promise<OwnedConsumer> {
  const consumer = new TopicConsumer(internals, options);
  await consumer.inner.lifeline.first;
  return consumer;
}

class TopicConsumer implements OwnedConsumer {
  readonly inner: Subscription;
  readonly subscription: string;
  readonly name: string;
  active: boolean;
  readonly #options: ConsumerOptions;
  readonly #type: SubscriptionType;
  /** Messages are given to several consumers, and acknowledged one by one. */
  readonly #shared: boolean;
  readonly #byIndex: boolean;
  readonly #partials = new PartialAcks();
  /** Counts redeliveries of everything: what was on its way before is told from what comes again. */
  #epoch = 0;
  #everAttached = false;
  /** Of a seek to a message within a batch: those before it are not for the receiver. */
  #seekTo: MessageId | undefined;
  /** Entries with acknowledgements that are not sent yet. */
  #touched = new Set<Touched>();
  #sending: Promise<void> | undefined;

  constructor(internals: Internals, options: ConsumerOptions) {
    if (typeof options.subscription !== "string" || options.subscription === "") {
      throw new PulsarError("invalid_argument", "subscription must be a name that is not empty.");
    }
    this.#options = options;
    this.#type = oneOf("type", options.type, "exclusive", TYPES);
    oneOf("initialPosition", options.initialPosition, "latest", ["earliest", "latest"]);
    this.#shared = this.#type === "shared" || this.#type === "key_shared";
    this.#byIndex = options.batchIndexAcks ?? false;
    this.subscription = options.subscription;
    this.name = options.name ?? `consumer-${randomName()}`;
    this.active = this.#type !== "failover";
    this.inner = new Subscription(
      internals,
      { ...options, part: "consumer", name: this.name, dropsWhenDetached: true },
      {
        attach: (subscribe) => this.#attach(subscribe),
        accept: (entry) => this.#accept(entry),
        given: () => undefined,
        attached: () => this.#attached(),
        detached: () => this.#detached(),
        activeChange: (active) => this.#setActive(active),
      },
    );
  }

  get topic(): string {
    return this.inner.topic;
  }

  get attached(): boolean {
    return this.inner.link !== undefined;
  }

  get closed(): boolean {
    return this.inner.closed;
  }

  async #attach(subscribe: (fields: SubscribeFields) => Promise<Link>): Promise<Link> {
    const options = this.#options;
    const link = await subscribe({
      subscription: options.subscription,
      type: wire.SUBSCRIPTION_TYPE[this.#type],
      name: this.name,
      priority: options.priority,
      durable: true,
      metadata: wire.toPairs(options.properties),
      readCompacted: options.readCompacted,
      initialPosition: options.initialPosition === "earliest" ? 1 : 0,
      createTopic: options.createTopic ?? true,
      subscriptionProperties: wire.toPairs(options.subscriptionProperties),
      epoch: this.#shared ? undefined : this.#epoch,
    });
    if (this.#type === "exclusive") options.onActiveChange?.(true);
    return link;
  }

  #attached(): void {
    if (this.#everAttached) this.#options.onReattached?.();
    this.#everAttached = true;
  }

  #detached(): void {
    this.#partials.clear();
    this.#touched.clear();
    if (this.#type === "failover") this.#setActive(false);
  }

  #setActive(active: boolean): void {
    if (this.#type !== "failover") return;
    const changed = this.active !== active;
    this.active = active;
    if (changed) this.#options.onActiveChange?.(active);
  }

  #accept(entry: Entry): boolean {
    if (!this.#shared && entry.consumerEpoch < this.#epoch) return false;
    const id = entry.idAt(-1);
    if (entry.batched) this.#partials.given(id, entry.ackSet);
    const target = this.#seekTo;
    if (target !== undefined) {
      this.#seekTo = undefined;
      if (target.ledgerId === id.ledgerId && target.entryId === id.entryId && entry.batched) {
        entry.firstIndex = target.batchIndex;
        // Not for the receiver, who will not acknowledge them: else the batch would stay open for ever.
        for (let index = 0; index < target.batchIndex; index++) this.#partials.ack({ ...id, batchIndex: index });
      }
    }
    return true;
  }

  receive(limits?: ReceiveLimits): Promise<Message[]> {
    return this.inner.receive(limits);
  }

  lastMessageId(): Promise<MessageId> {
    return this.inner.lastMessageId();
  }

  ack(messages: MessageId | readonly MessageId[]): Promise<void> {
    const ids = Array.isArray(messages) ? (messages as readonly MessageId[]) : [messages as MessageId];
    const link = this.inner.link;
    if (link === undefined) return Promise.reject(this.#notAttached());
    let whole = false;
    for (const id of ids) {
      const touched = this.#partials.ack(id);
      this.#touched.add(touched);
      whole ||= touched.left === 0;
    }
    if (!whole && !this.#byIndex) return Promise.resolve();
    // Those of one turn of the event loop are one command.
    this.#sending ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        this.#sending = undefined;
        // Detached meanwhile: what was acknowledged comes again.
        if (this.inner.link === link) this.#sendAcks().then(resolve, reject);
        else reject(this.#notAttached());
      });
    });
    return this.#sending;
  }

  async #sendAcks(): Promise<void> {
    const ids: AckedId[] = [];
    for (const touched of this.#touched) {
      const id = ackedId(touched, this.#byIndex);
      if (id !== undefined) ids.push(id);
    }
    this.#touched.clear();
    const requests: Promise<unknown>[] = [];
    for (let at = 0; at < ids.length; at += ACKS_PER_COMMAND) {
      requests.push(this.#request(ACK_TYPE.individual, ids.slice(at, at + ACKS_PER_COMMAND)));
    }
    await Promise.all(requests);
  }

  #request(type: number, ids: readonly AckedId[]): Promise<unknown> {
    const link = this.inner.link;
    if (link === undefined) return Promise.reject(this.#notAttached());
    return link.connection.requestFrame(
      (requestId) => ackFrame(link.consumerId, type, ids, requestId),
      wire.ACK_RESPONSE,
    );
  }

  #notAttached(): PulsarError {
    const code = this.closed ? "closed" : "disconnected";
    return new PulsarError(code, `The consumer on ${this.topic} is not attached: what it was given may come again.`);
  }

  async ackCumulative(message: MessageId): Promise<void> {
    if (this.#shared) {
      throw new PulsarError(
        "invalid_argument",
        `ackCumulative is not for ${this.#type} subscriptions: others have messages too.`,
      );
    }
    if (this.inner.link === undefined) throw this.#notAttached();
    const acked = ackedCumulative(this.#partials.ackCumulative(message), this.#byIndex);
    if (acked !== undefined) await this.#request(ACK_TYPE.cumulative, [acked]);
  }

  redeliver(messages?: readonly MessageId[]): void {
    const link = this.inner.link;
    // Detached: everything comes again anyhow.
    if (link === undefined) return;
    const some = this.#shared && messages !== undefined;
    if (some && messages.length === 0) return;
    if (some) {
      const wanted = new Set(messages.map(({ ledgerId, entryId }) => `${ledgerId}:${entryId}`));
      this.inner.queue.drop((entry) => wanted.has(`${entry.ledgerId}:${entry.entryId}`));
    } else {
      if (!this.#shared) this.#epoch++;
      this.#partials.clear();
    }
    const messageIds = some ? messages.map(({ ledgerId, entryId }) => ({ ledgerId, entryId })) : [];
    const epoch = this.#shared ? undefined : this.#epoch;
    const { connection, consumerId } = link;
    connection.write(wire.frameOf(wire.COMMAND.redeliver, wire.REDELIVER, { consumerId, messageIds, epoch }));
    // After the command: the permits that this gives back are for what comes again.
    if (!some) this.inner.queue.clear();
  }

  async seek(to: SeekTarget): Promise<void> {
    checkTarget(to);
    await this.inner.moveBy(async (link) => {
      await seekRequest(link, to);
      this.#seekTo = "id" in to && to.id.batchIndex > 0 ? to.id : undefined;
    });
  }

  async unsubscribe(): Promise<void> {
    const link = this.inner.link;
    if (link === undefined) throw this.#notAttached();
    const { connection, consumerId } = link;
    await connection.request(wire.COMMAND.unsubscribe, wire.UNSUBSCRIBE, { consumerId }, wire.SUCCESS);
    await this.close();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  abort(): void {
    void this.inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Message> {
    while (!this.closed) yield* await this.receive();
  }
}
