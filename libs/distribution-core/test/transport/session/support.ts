/** An engine on a real broker in simulated time, and clients whose connection is a list of frames. */

import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { ClientFrame, ServerFrame } from "@distribution/proto-types/distribution/v1/frames";
import { createMemoryBroker, createSimulatedRuntime, type MemoryBroker } from "@distribution/testkit/simulation";
import { onTestFinished } from "vitest";
import type { Broker, Position } from "../../../src/brokers/contract.ts";
import { type Engine, openEngine } from "../../../src/engine.ts";
import { packEvents } from "../../../src/events/index.ts";
import { createMetrics, type Metrics } from "../../../src/observability/index.ts";
import { ANONYMOUS, createLoopbackGuard, createSealer, type Guard } from "../../../src/security/index.ts";
import type { TopicDefinition } from "../../../src/topics.ts";
import type { Connection, EncodedFrame, FrameFormat, SessionPeer, WireName } from "../../../src/transport/contract.ts";
import type { SessionLimits } from "../../../src/transport/session-limits.ts";
import { createRecorder, event, folder, openEmbedded, TABLE, topic } from "../../tail/support.ts";

export const QUOTES = topic("test.quotes", { partitions: 2, table: TABLE });
export const TRADES = topic("test.trades");
export const OTHER = topic("other.events", { table: TABLE });

// biome-ignore lint/suspicious/noExplicitAny: frames as a client without types sees them.
export type Frame = any;

export interface BenchOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly guard?: Guard;
  readonly topics?: readonly TopicDefinition[];
  /** Default: the embedded broker in a folder of its own. */
  readonly broker?: Broker;
  readonly seed?: number;
}

type Runtime = ReturnType<typeof createSimulatedRuntime>;

export interface Bench {
  readonly runtime: Runtime;
  readonly broker: Broker;
  readonly engine: Engine;
  readonly metrics: Metrics;
  readonly log: ReturnType<typeof createRecorder>;
  /** `id` or `id:key`; resolves when they are durable. */
  publish(topic: string, ...names: string[]): Promise<Position[]>;
  publishEvents(topic: string, events: readonly Event[]): Promise<Position[]>;
  connect(options?: ConnectOptions): Client;
  /** Waits, in real time, for what real parts do; simulated time stands still. */
  until(holds: () => boolean): Promise<void>;
  /** Lets simulated time go by. */
  pass(ms: number): Promise<void>;
  done<T>(promise: Promise<T>): Promise<T>;
  /** As a service that goes down does. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly format?: FrameFormat;
  readonly wire?: WireName;
  readonly loopback?: boolean;
}

export const SECRET = new Uint8Array(32).fill(7);

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const runtime = createSimulatedRuntime(options.seed ?? 1);
  return openBenchIn(runtime, options.broker ?? (await openEmbedded(folder())), options);
}

/** On the broker in memory, whose faults and losses the test decides. */
export async function openMemoryBench(options: BenchOptions = {}): Promise<Bench & { readonly broker: MemoryBroker }> {
  const runtime = createSimulatedRuntime(options.seed ?? 1);
  const broker = createMemoryBroker(runtime);
  return { ...(await openBenchIn(runtime, broker, options)), broker };
}

async function openBenchIn(runtime: Runtime, broker: Broker, options: BenchOptions): Promise<Bench> {
  const metrics = createMetrics();
  const log = createRecorder();
  const until = async (holds: () => boolean): Promise<void> => {
    for (;;) {
      await runtime.run(0);
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const done = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    promise.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    await until(() => settled);
    return promise;
  };
  const engine = await done(
    openEngine({
      name: "test",
      topics: options.topics ?? [QUOTES, TRADES, OTHER],
      ...{ broker, runtime, metrics, logger: log },
      sealer: createSealer(SECRET, "test"),
      guard: options.guard ?? createLoopbackGuard(),
      ...(options.limits && { sessionLimits: options.limits }),
    }),
  );
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= done(engine.close(1_000));
    return closing;
  };
  onTestFinished(close);
  const publishEvents = async (name: string, events: readonly Event[]): Promise<Position[]> => [
    ...(await done(engine.ingest.publish(name, packEvents(events), ANONYMOUS))).positions,
  ];
  return {
    ...{ runtime, broker, engine, metrics, log, until, done, close, publishEvents },
    publish: (name, ...names) =>
      publishEvents(
        name,
        names.map((each) => event(each)),
      ),
    connect: (how = {}) => new Client(engine, until, how),
    pass: (ms) => runtime.run(ms),
  };
}

export class Client implements Connection {
  readonly wire: WireName;
  readonly format: FrameFormat;
  readonly credential: { remote: string; loopback: boolean };
  /** As they came, answers included. */
  readonly frames: Frame[] = [];
  /** Frames of each call of `write`, and their bytes. */
  readonly writes: number[] = [];
  readonly writtenBytes: number[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  destroyed = false;
  /** The socket takes nothing more after the next write. */
  full = false;
  readonly peer: SessionPeer;
  readonly #until: Bench["until"];
  #refs = 0;

  constructor(
    engine: Engine,
    until: Bench["until"],
    { format = "json", wire = "websocket", loopback = true }: ConnectOptions,
  ) {
    this.format = format;
    this.wire = wire;
    this.credential = { remote: loopback ? "127.0.0.1" : "192.0.2.1", loopback };
    this.#until = until;
    this.peer = engine.sessions.open(this);
  }

  write(frames: readonly EncodedFrame[]): boolean {
    this.writes.push(frames.length);
    this.writtenBytes.push(frames.reduce((sum, { payload }) => sum + payload.length, 0));
    for (const { payload } of frames) {
      this.frames.push(
        this.format === "json" ? JSON.parse(payload.toString()) : fromProto(ServerFrame.decode(payload)),
      );
    }
    return !this.full;
  }

  bufferedBytes(): number {
    return 0;
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** The socket takes more again. */
  drain(): void {
    this.full = false;
    this.peer.drained();
  }

  send(frame: Frame): void {
    const text = typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame);
    this.peer.receive(this.format === "json" || text instanceof Uint8Array ? text : protoOf(frame));
  }

  /** The answer's content, whatever it is: `{subscribed}`, `{error}` ... */
  async request(frame: Frame): Promise<Frame> {
    this.#refs += 1;
    const ref = `r${this.#refs}`;
    this.send({ ref, ...frame });
    const answer = () => this.frames.find((each) => each.ref === ref);
    await this.#until(() => answer() !== undefined);
    const { ref: _, ...rest } = answer();
    return rest;
  }

  /** The answer `subscribed`. */
  async subscribe(subscribe: Frame): Promise<Frame> {
    const answer = await this.request({ subscribe });
    if (!answer.subscribed) throw new Error(`Refused: ${JSON.stringify(answer)}`);
    return answer.subscribed;
  }

  /** The refusal's code and the path of its field. */
  async refusal(frame: Frame): Promise<readonly [code: string, path: string | undefined]> {
    const { error } = await this.request(frame);
    return error ? [error.code, error.errors[0]?.path] : ["accepted", undefined];
  }

  /** Contents of the frames of this kind that have come. */
  all(kind: string): Frame[] {
    return this.frames.filter((frame) => frame[kind] !== undefined).map((frame) => frame[kind]);
  }

  /** Ids of first deliveries, on this channel or on all. */
  ids(channel?: number): string[] {
    const frames = this.all("events").filter((frame) => channel === undefined || frame.channel === channel);
    return frames.filter(({ attempt = 1 }) => attempt <= 1).flatMap(idsOf);
  }

  /** Until this many first deliveries have come, on this channel or on all. */
  async received(count: number, channel?: number): Promise<string[]> {
    await this.#until(() => this.ids(channel).length >= count);
    return this.ids(channel);
  }

  /** Frames of this kind, once there are this many. */
  async came(kind: string, count = 1): Promise<Frame[]> {
    await this.#until(() => this.all(kind).length >= count);
    return this.all(kind);
  }

  async ledger(subscription: number): Promise<Frame> {
    return (await this.request({ requestLedger: { subscription } })).ledger;
  }
}

export const idsOf = ({ events }: Frame): string[] => events.map(({ id }: { id: string }) => id);

/** The positions of an events frame. */
export const positionsOf = ({ topic: name, partition, epoch, offsets }: Frame): Position[] =>
  offsets.map((offset: string) => ({ topic: name, partition, epoch, offset }));

function fromProto({ ref, frame }: ServerFrame): Frame {
  return { ref, [frame!.$case]: frame!.value };
}

const protoOf = ({ ref = "", ...rest }: Frame): Uint8Array => {
  const [[$case, value]] = Object.entries(rest) as [[string, object]];
  return ClientFrame.encode(ClientFrame.fromPartial({ ref, frame: { $case, value } as never })).finish();
};
