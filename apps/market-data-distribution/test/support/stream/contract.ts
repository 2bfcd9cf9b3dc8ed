/** One face for a client of any wire, so that a test can say the same on all of them. */
import type { Ports } from "../service.ts";

export interface Frame {
  readonly ref: string;
  /** The member of ServerFrame that is set. */
  readonly kind: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface StreamClient {
  /** Every frame but those of events, oldest first. */
  readonly frames: readonly Frame[];
  /** From now on every frame goes there, too. */
  listen(listener: (frame: Frame) => void): void;
  /** A client frame, given as its JSON. Over SSE only `subscribe`, once. */
  send(frame: object): void;
  readonly closed: Promise<Closed>;
  readonly isClosed: boolean;
  /** Stops and goes on with reading from its socket. */
  pause(): void;
  resume(): void;
  /** Goes without a word. */
  vanish(): void;
}

export interface Wire {
  readonly name: string;
  /** Whether clients can send more than a subscribe. */
  readonly duplex: boolean;
  connect(ports: Ports): Promise<StreamClient>;
}

/** What all clients share: `take` is given each frame, `end` the end. */
export function createInbox() {
  const frames: Frame[] = [];
  const listeners: ((frame: Frame) => void)[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<Closed>();
  let isClosed = false;
  return {
    take(frame: Frame): void {
      if (frame.kind !== "events") frames.push(frame);
      for (const listener of listeners) listener(frame);
    },
    end(how: Closed): void {
      isClosed = true;
      resolve(how);
    },
    face: {
      frames,
      listen: (listener: (frame: Frame) => void) => void listeners.push(listener),
      closed,
      get isClosed() {
        return isClosed;
      },
    },
  };
}

/** Keeps the getter of the inbox's face alive, which a spread would not. */
export function clientOf(
  inbox: ReturnType<typeof createInbox>,
  own: Omit<StreamClient, keyof ReturnType<typeof createInbox>["face"]>,
): StreamClient {
  return Object.assign(inbox.face, own);
}
