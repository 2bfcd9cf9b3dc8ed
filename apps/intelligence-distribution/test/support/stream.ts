/** A client on a WebSocket, in JSON: one that sends frames and keeps the events that come. */
import type { Position } from "@distribution/core/brokers";
import { until } from "@distribution/testkit/service";
import { WebSocket } from "ws";
import type { Ports } from "./service.ts";

interface Frame {
  readonly ref?: string;
  readonly subscribed?: { readonly channel: number; readonly positions: readonly Position[] };
  readonly published?: object;
  readonly error?: { readonly code: string; readonly errors: readonly { readonly path: string }[] };
  readonly events?: EventsFrame;
  readonly gap?: object;
}

interface EventsFrame {
  readonly channel: number;
  readonly topic: string;
  readonly partition?: number;
  readonly after: string;
  readonly upto: string;
  readonly events: readonly StreamedEvent[];
}

export interface StreamedEvent {
  readonly id: string;
  readonly priority?: number;
  /** Where it came from. */
  readonly topic: string;
}

export interface StreamClient extends Disposable {
  /** In the order in which they came. */
  readonly events: readonly StreamedEvent[];
  /** Frames that did not follow the one before, and gaps. Empty: nothing was left out. */
  readonly breaks: readonly string[];
  /** The answer to the frame, whatever it is. */
  request(frame: object): Promise<Frame>;
  /** Stops and goes on with reading from its socket. */
  pause(): void;
  resume(): void;
}

export async function connect(ports: Ports): Promise<StreamClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${ports.public}/api/v1/stream`, "distribution.v1+json");
  const answers = new Map<string, Frame>();
  const events: StreamedEvent[] = [];
  const breaks: string[] = [];
  /** By channel and partition: the last offset told. */
  const chain = new Map<string, string>();
  const placeOf = (channel: number, topic: string, partition = 0): string => `${channel} ${topic}/${partition}`;

  const take = ({ channel, topic, partition, after, upto, events: come }: EventsFrame): void => {
    const place = placeOf(channel, topic, partition);
    if (chain.get(place) !== after) breaks.push(`${place}: after ${after}, expected ${chain.get(place)}`);
    chain.set(place, upto);
    for (const event of come) events.push({ ...event, topic });
  };
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    if (frame.ref) answers.set(frame.ref, frame);
    const { channel = 0, positions = [] } = frame.subscribed ?? {};
    for (const { topic, partition, offset } of positions) chain.set(placeOf(channel, topic, partition), offset);
    if (frame.gap) breaks.push(`gap: ${JSON.stringify(frame.gap)}`);
    if (frame.events) take(frame.events);
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  let lastRef = 0;
  return {
    events,
    breaks,
    async request(frame) {
      lastRef += 1;
      const ref = `r${lastRef}`;
      socket.send(JSON.stringify({ ref, ...frame }));
      return until(`the answer to ${ref}`, () => answers.get(ref));
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    [Symbol.dispose]: () => socket.terminate(),
  };
}
