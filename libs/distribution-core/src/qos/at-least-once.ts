/** At least once: what of a subscription is out and not acknowledged, and its way out again, one event after the other. */
import { TransitSet } from "@distribution/collections";
import type { Position, StoredBatch } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { EventList, type InterestClass, type Lane } from "../subscriptions/index.ts";
import type { SubscriptionParts, Work } from "./contract.ts";
import { readOne } from "./redelivery.ts";
import { createWindow, type OutstandingEvent, type Window } from "./window.ts";

export interface AtLeastOnceOptions {
  /** Events out at a time. */
  readonly size: number;
  readonly ackTimeoutMs: number;
  readonly parts: SubscriptionParts;
  readonly subscription: Redelivered;
}

/** What redelivery needs of the subscription: its turns, in which it calls `redeliverNext`, and whether something may be sent. */
export interface Redelivered extends Work {
  readonly shared: InterestClass;
  readonly closed: boolean;
  /** The socket takes more, and the client did not ask for a pause. */
  readonly takesEvents: boolean;
  /** The window has room again. */
  wake(): void;
}

export class AtLeastOnce {
  readonly #options: AtLeastOnceOptions;
  readonly #window: Window;
  /** What has to go out again when socket and pause allow. */
  readonly #due = new TransitSet<OutstandingEvent>();
  #redelivering = false;

  constructor(options: AtLeastOnceOptions) {
    const { size, ackTimeoutMs, parts, subscription } = options;
    this.#options = options;
    this.#window = createWindow({
      ...{ size, ackTimeoutMs, runtime: parts.runtime, compareOffsets: parts.broker.compareOffsets },
      redeliver: (event) => {
        this.#due.add(event);
        parts.scheduler.add(subscription);
      },
    });
  }

  /** Events that may still be sent. */
  get room(): number {
    return this.#window.room;
  }

  /** The offset before the oldest event of the lane that is out, and its epoch: nothing before it is missing. */
  settled(lane: Lane): { readonly epoch: string; readonly offset: string } | undefined {
    const oldest = this.#window.oldest(lane);
    return oldest && { epoch: oldest.epoch, offset: oldest.before };
  }

  /** These went out, after the offset `after`. */
  sent(lane: Lane, list: EventList, after: string): void {
    for (let at = 0; at < list.count; at += 1) {
      const number = list.number[at]!;
      const stored = list.stored[at]!;
      const index = list.index[at]!;
      const before =
        index > 0 ? stored.offsetAt(index - 1) : list.previous[at] || (lane.tail.placeBefore(number)?.offset ?? after);
      this.#window.sent({ lane, number, epoch: stored.epoch, offset: stored.offsetAt(index), before });
    }
  }

  /** Returns how many of the positions were out. */
  ack(positions: readonly Position[], cumulative: boolean): number {
    let settled = 0;
    for (const { topic, partition, epoch, offset } of positions) {
      const lane = this.#laneOf(topic, partition);
      if (!lane) continue;
      if (cumulative) settled += this.#window.ackUpto(lane, epoch, offset);
      else if (this.#window.ack(lane, epoch, offset)) settled += 1;
    }
    return settled;
  }

  /** Returns how many of the positions were out. */
  nack(positions: readonly Position[], delayMs: number): number {
    let known = 0;
    for (const { topic, partition, epoch, offset } of positions) {
      const lane = this.#laneOf(topic, partition);
      if (lane && this.#window.nack(lane, epoch, offset, delayMs)) known += 1;
    }
    return known;
  }

  /** After a time in which nothing could be sent. */
  goOn(): void {
    if (this.#due.size > 0) this.#options.parts.scheduler.add(this.#options.subscription);
  }

  /** One at a time: a window that runs out as a whole must not become as many reads of the log. */
  redeliverNext(): void {
    if (this.#redelivering) return;
    const [event] = this.#due;
    if (!event) return;
    this.#due.delete(event);
    // Acknowledged while it waited.
    if (event.settled) {
      this.goOn();
      return;
    }
    const { subscription, parts } = this.#options;
    this.#redelivering = true;
    const goOn = (): void => {
      this.#redelivering = false;
      this.goOn();
    };
    readOne(parts.broker, event).then(
      (found) => {
        if (subscription.closed || event.settled) return goOn();
        if (!found) this.#giveUp(event);
        else if (subscription.takesEvents) this.#sendAgain(event, found);
        else this.#due.add(event);
        goOn();
      },
      (failure: unknown) => {
        // It is due again after the next timeout.
        parts.outlet.failed(failure);
        goOn();
      },
    );
  }

  close(): void {
    this.#window.close();
  }

  #sendAgain(event: OutstandingEvent, { stored, index }: { stored: StoredBatch; index: number }): void {
    const { parts, subscription } = this.#options;
    const { channel, interest } = subscription.shared;
    const { topic, partition } = event.lane.tail;
    const list = new EventList();
    list.add(stored, index, event.number);
    parts.redelivered.value += 1;
    const header = {
      ...{ channel, topic: topic.name, partition, epoch: event.epoch },
      ...{ after: "", upto: "", token: "", attempt: event.attempt },
    };
    parts.outlet.send(parts.encoder.events(interest, header, list), 1);
  }

  /** The log no longer has the event: it leaves the window, and the client is told that it will not come again. */
  #giveUp({ lane, epoch, offset, attempt }: OutstandingEvent): void {
    this.#window.ack(lane, epoch, offset);
    const { topic, partition } = lane.tail;
    const place = `${topic.name}, partition ${partition}, epoch ${epoch}, offset ${offset}`;
    const text = `The event at ${place} was not acknowledged and cannot be delivered again (attempt ${attempt}): the log no longer has it.`;
    this.#options.parts.outlet.failed(new DistributionError("position_gone", text));
    this.#options.subscription.wake();
  }

  #laneOf(topic: string, partition: number): Lane | undefined {
    const { lanes } = this.#options.subscription.shared;
    return lanes.find((lane) => lane.tail.topic.name === topic && lane.tail.partition === partition);
  }
}
