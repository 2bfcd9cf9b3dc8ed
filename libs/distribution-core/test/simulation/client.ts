/** A simulated client: a socket with a bounded buffer that is read at the client's own pace, and a checker of what comes. */

import type { SimulatedRuntime } from "@distribution/testkit/simulation";
import type { Connection, EncodedFrame, SessionHost, SessionPeer } from "../../src/transport/contract.ts";
import { PARTITIONS } from "./world.ts";

// biome-ignore lint/suspicious/noExplicitAny: frames are JSON as a client without types sees them.
export type Frame = any;

export interface Received {
  /** `topic/partition/epoch/offset`. */
  readonly place: string;
  readonly id: string;
  readonly attempt: number;
}

/** What one subscription saw. */
export interface Observation {
  readonly subscription: number;
  readonly channels: Set<number>;
  readonly first: Received[];
  readonly again: Received[];
  readonly snapshot: string[];
  /** Where the snapshot was true, once it is complete. */
  snapshotAt: Frame[] | undefined;
  readonly states: Frame[];
  readonly gaps: Frame[];
  ledger: Frame | undefined;
  start: Frame[];
  recovered: boolean;
}

export class SimulatedClient {
  readonly frames: Frame[] = [];
  readonly observations = new Map<number, Observation>();
  /** What broke a promise of the protocol. */
  readonly faults: string[] = [];
  onEvents: ((observation: Observation, frame: Frame) => void) | undefined;
  /** So many first deliveries were read. */
  onTaken: ((observation: Observation, events: number) => void) | undefined;
  closed = false;
  /** Stops reading. */
  stalled = false;
  lastToken = "";
  readonly #runtime: SimulatedRuntime;
  readonly #peer: SessionPeer;
  readonly #capacity: number;
  readonly #bytesPerMs: number;
  readonly #answers = new Map<string, (frame: Frame) => void>();
  readonly #chains = new Map<string, { epoch: string; offset: string }>();
  #buffer: EncodedFrame[] = [];
  #buffered = 0;
  #full = false;
  #refs = 0;
  #reading = false;

  constructor(host: SessionHost, runtime: SimulatedRuntime, pace: { capacity: number; bytesPerMs: number }) {
    this.#runtime = runtime;
    this.#capacity = pace.capacity;
    this.#bytesPerMs = pace.bytesPerMs;
    const connection: Connection = {
      wire: "websocket",
      format: "json",
      credential: { remote: "127.0.0.1", loopback: true },
      write: (frames) => this.#write(frames),
      bufferedBytes: () => this.#buffered,
      close: () => this.#end(),
      destroy: () => this.#end(),
    };
    this.#peer = host.open(connection);
  }

  send(frame: Frame): void {
    if (!this.closed) this.#peer.receive(JSON.stringify(frame));
  }

  /** After what was read of the subscription: where another connection goes on. */
  positions({ channels }: Observation): Frame[] {
    const channel = [...channels].at(-1);
    return [...this.#chains].flatMap(([key, at]) => {
      const [of, topic, partition] = key.split("/");
      return of === String(channel) ? [{ topic, partition: Number(partition), ...at }] : [];
    });
  }

  /** Resolves with the answer, or undefined when the session ended first. */
  request(frame: Frame): Promise<Frame> {
    this.#refs += 1;
    const ref = String(this.#refs);
    return new Promise((resolve) => {
      this.#answers.set(ref, resolve);
      this.send({ ref, ...frame });
    });
  }

  heartbeat(): void {
    this.send({ ping: {} });
  }

  disconnect(): void {
    this.#end();
  }

  resumeReading(): void {
    this.stalled = false;
    this.#read();
  }

  #end(): void {
    if (this.closed) return;
    this.closed = true;
    for (const resolve of this.#answers.values()) resolve(undefined);
    this.#peer.closed();
  }

  #write(frames: readonly EncodedFrame[]): boolean {
    for (const frame of frames) {
      this.#buffer.push(frame);
      this.#buffered += frame.payload.length;
    }
    this.#full = this.#buffered > this.#capacity;
    this.#read();
    return !this.#full;
  }

  #read(): void {
    if (this.#reading || this.stalled || this.closed) return;
    const next = this.#buffer[0];
    if (!next) return;
    this.#reading = true;
    this.#runtime.timers.after(next.payload.length / this.#bytesPerMs, () => {
      this.#reading = false;
      if (this.stalled || this.closed) return;
      this.#buffer.shift();
      this.#buffered -= next.payload.length;
      this.#take(JSON.parse(next.payload.toString()));
      if (this.#full && this.#buffered <= this.#capacity / 2) {
        this.#full = false;
        this.#peer.drained();
      }
      this.#read();
    });
  }

  #take(frame: Frame): void {
    this.frames.push(frame);
    if (frame.subscribed) this.#subscribed(frame.subscribed);
    if (frame.updated) this.#moved(frame.updated);
    if (frame.snapshot) this.#snapshot(frame.snapshot);
    if (frame.state) this.#state(frame.state);
    if (frame.gap) this.#gap(frame.gap);
    if (frame.events) this.#events(frame.events);
    if (frame.ledger) this.#observation(frame.ledger.subscription).ledger = frame.ledger;
    if (frame.ref) {
      this.#answers.get(frame.ref)?.(frame);
      this.#answers.delete(frame.ref);
    }
  }

  #observation(id: number): Observation {
    const found = this.observations.get(id);
    if (!found) throw new Error(`A frame names subscription ${id}, which was never announced.`);
    return found;
  }

  #subscribed({ subscription, channel, positions, recovered, behind }: Frame): void {
    for (const other of this.observations.values()) {
      if (other.channels.has(channel)) this.faults.push(`channel ${channel} is shared by two subscriptions`);
    }
    this.observations.set(subscription, {
      subscription,
      channels: new Set([channel]),
      first: [],
      again: [],
      snapshot: [],
      snapshotAt: undefined,
      states: behind ? ["behind"] : ["STREAM_STATE_LIVE"],
      gaps: [],
      ledger: undefined,
      start: positions,
      recovered,
    });
    this.#setChains(channel, positions);
  }

  #moved({ subscription, channel, positions }: Frame): void {
    this.#observation(subscription).channels.add(channel);
    this.#setChains(channel, positions);
  }

  #setChains(channel: number, positions: readonly Frame[]): void {
    for (const { topic, partition, epoch, offset } of positions) {
      this.#chains.set(`${channel}/${topic}/${partition}`, { epoch, offset });
    }
  }

  #byChannel(channel: number): Observation {
    for (const observation of this.observations.values()) if (observation.channels.has(channel)) return observation;
    throw new Error(`A frame came on channel ${channel}, which was never announced.`);
  }

  #snapshot({ channel, events, positions, complete }: Frame): void {
    const observation = this.#byChannel(channel);
    if (observation.snapshotAt) this.faults.push(`a snapshot went on after it was complete`);
    observation.snapshot.push(...events.map((event: Frame) => event.id));
    if (complete) {
      observation.snapshotAt = positions;
      this.#setChains(channel, positions);
    }
    this.onTaken?.(observation, events.length);
  }

  #state({ channel, state }: Frame): void {
    this.#byChannel(channel).states.push(state);
  }

  #gap(gap: Frame): void {
    this.#byChannel(gap.channel).gaps.push(gap);
    const { channel, topic, partition, to } = gap;
    this.#chains.set(`${channel}/${topic}/${partition}`, { epoch: to.epoch, offset: to.offset });
  }

  #events(frame: Frame): void {
    const { channel, topic, partition, epoch, after, upto, offsets, events, token, attempt = 1 } = frame;
    const observation = this.#byChannel(channel);
    if (offsets.length !== events.length) this.faults.push(`${offsets.length} offsets for ${events.length} events`);
    if (attempt === 1) {
      const key = `${channel}/${topic}/${partition}`;
      // A partition that was added begins with its first frame: at its beginning, or some of it would be missing.
      const expected = this.#chains.get(key)?.offset ?? (partition < PARTITIONS ? undefined : after);
      if (expected !== after) this.faults.push(`chain of ${key}: expected after ${expected}, got ${after}`);
      this.#chains.set(key, { epoch, offset: upto });
      if (token) this.lastToken = token;
    }
    const list = attempt === 1 ? observation.first : observation.again;
    events.forEach((event: Frame, index: number) => {
      list.push({ place: `${topic}/${partition}/${epoch}/${offsets[index]}`, id: event.id, attempt });
    });
    this.onEvents?.(observation, frame);
    if (attempt === 1) this.onTaken?.(observation, events.length);
  }
}
