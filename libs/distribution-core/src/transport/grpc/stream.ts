/** Stream: a session on a bidirectional call. */
import type { handleBidiStreamingCall } from "@grpc/grpc-js";
import { ERROR_CODES } from "../../errors.ts";
import type { Logger } from "../../observability/index.ts";
import type { Runtime } from "../../runtime/index.ts";
import type { EncodedFrame, SessionHost, SessionPeer } from "../contract.ts";
import { type ConnectionSet, openSession, type WireLimits } from "../wires/index.ts";
import { GrpcConnection } from "./connection.ts";
import { grpcCredential } from "./credential.ts";

export interface StreamOptions {
  readonly host: SessionHost;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly limits: WireLimits;
  readonly connections: ConnectionSet;
}

/** A client that half-closes goes on receiving: tools send what they have and then listen. */
export function createStream(options: StreamOptions): handleBidiStreamingCall<Buffer, EncodedFrame> {
  const { host, runtime, logger, limits, connections } = options;
  return (call) => {
    let peer: SessionPeer | undefined;
    const end = (): void => {
      connection.ended();
      heartbeats.cancel();
      connections.delete(connection);
      peer?.closed();
      peer = undefined;
    };
    const connection = new GrpcConnection({
      call,
      credential: grpcCredential(call),
      limits,
      runtime,
      onDrained: () => peer?.drained(),
      onDestroyed: end,
    });
    // HTTP/2 pings find out whether the peer is there: while the call lives, it is.
    const heartbeats = runtime.timers.every(limits.heartbeatMs, () => peer?.heard());
    connections.add(connection);
    call.on("cancelled", end);
    call.on("data", (message: Buffer) => {
      if (message.length <= host.maxFrameBytes) peer?.receive(message);
      else connection.close(ERROR_CODES.bad_frame.close, tooLong(host.maxFrameBytes));
    });
    peer = openSession(host, connection, logger);
  };
}

const tooLong = (limit: number): string => `A frame has at most ${limit} bytes. Publish with the Publish call.`;
