/** Frames as this library works with them: the generated types, but for events, whose payload stays apart until it is read. */
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { ClientFrame, Events, ServerFrame, Snapshot } from "@distribution/proto-types/distribution/v1/frames";

/** An event as it came. */
export interface WireEvent {
  readonly envelope: Omit<Event, "data">;
  /** As the wire carried it; undefined: the event has none, or came as a JSON value. */
  readonly payload: Uint8Array | undefined;
  /** Present where the wire carried a JSON value. */
  readonly json?: { readonly value: unknown };
  /** Of the event on the wire, bytes (characters in JSON): what it is taken to cost in memory. */
  readonly size: number;
}

export type EventsFrame = Omit<Events, "events"> & { readonly events: readonly WireEvent[] };
export type SnapshotFrame = Omit<Snapshot, "events"> & { readonly events: readonly WireEvent[] };

type OtherFrame = Exclude<NonNullable<ServerFrame["frame"]>, { $case: "events" | "snapshot" }>;

export type ServerMessage =
  | OtherFrame
  | { readonly $case: "events"; readonly value: EventsFrame }
  | { readonly $case: "snapshot"; readonly value: SnapshotFrame };

export interface Received {
  /** Of the request that this answers; "" for none. */
  readonly ref: string;
  /** Undefined: of a kind that this version does not know. */
  readonly message: ServerMessage | undefined;
}

export type ClientMessage = NonNullable<ClientFrame["frame"]>;

/** The two forms of one protocol. Both throw on what they can't read. */
export interface FrameCodec {
  /** WebSocket subprotocol. */
  readonly protocol: string;
  encode(ref: string, message: ClientMessage): Uint8Array<ArrayBuffer> | string;
  decode(data: unknown): Received;
}

export type WireFormat = "proto" | "json";
