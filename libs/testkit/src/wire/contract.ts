/** What a wire's test brings so that the conformance suite can drive it with a real client. */
import type { FrameFormat, SessionHost, WireName } from "@distribution/core/transport/wires";

/** What a client got, in the order it came: the kind of a server frame and its fields. */
export interface ReceivedFrame {
  readonly kind: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface ClosedWith {
  /** The close code, by whatever means the wire brings it to the client; 0 when it came with none. */
  readonly code: number;
  readonly reason: string;
}

export interface WireClient {
  readonly received: readonly ReceivedFrame[];
  /** Sends a client frame, given as its JSON. */
  send(frame: object): void;
  /** Sends bytes that are no client frame. */
  sendGarbage(bytes: Buffer): void;
  /** Stops and goes on with reading from the socket. */
  pause(): void;
  resume(): void;
  /** Goes without a word. */
  vanish(): void;
  /** Resolves when the connection is over. */
  readonly closed: Promise<ClosedWith>;
}

export interface RunningWire {
  connections(): number;
  /** Ends the wire as a service does when it stops. */
  close(): Promise<void>;
  /** `token`: the credential that the client shows. Rejects when the server refuses before there is a connection: with `{ code }`. */
  connect(token?: string): Promise<WireClient>;
  /** Lets go of what the wire was attached to. */
  stop(): Promise<void>;
}

export interface WireFixture {
  readonly name: string;
  readonly wire: WireName;
  readonly format: FrameFormat;
  /** Whether clients send frames once they are connected. */
  readonly duplex: boolean;
  /** Whether `pause` stops a client's socket. */
  readonly pausable: boolean;
  /** How many connections a test opens at once, in steps of 50: 1,000 where its clients bear it. */
  readonly crowd: number;
  /** What a client asks without reading leads to: the server stops reading, or ends the connection. */
  readonly flooded: "paused" | "closed";
  start(host: SessionHost, limits: WireTestLimits): Promise<RunningWire>;
}

export interface WireTestLimits {
  readonly heartbeatMs: number;
  readonly closeTimeoutMs: number;
}
