import {
  type ClosedWith,
  clientMessage,
  type ReceivedFrame,
  readServerFrame,
  type WireClient,
  type WireFixture,
} from "@distribution/testkit/wire";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Ingest } from "../../../src/ingest/contract.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { createLoopbackGuard } from "../../../src/security/index.ts";
import { attachGrpc, CLOSE_KEY } from "../../../src/transport/grpc/index.ts";
import { createRecordingLogger } from "./http-bench.ts";

const STREAM = "/distribution.v1.Distribution/Stream";
const asIs = (bytes: Buffer): Buffer => bytes;

/** These tests do not publish. */
const NO_INGEST: Ingest = { publish: () => Promise.reject(new Error("not part of this test")) };

export const grpcFixture: WireFixture = {
  name: "grpc",
  wire: "grpc",
  format: "proto",
  duplex: true,
  pausable: true,
  crowd: 1000,
  flooded: "paused",
  async start(host, limits) {
    const wire = await attachGrpc({
      address: "127.0.0.1:0",
      host,
      ingest: NO_INGEST,
      guard: createLoopbackGuard(),
      runtime: systemRuntime,
      logger: createRecordingLogger(),
      limits,
    });
    // Several, as HTTP/2 clients keep to about a hundred streams a connection.
    const channels = Array.from({ length: 10 }, (_, index) => channelTo(wire.port, index));
    let next = 0;
    return {
      ...wire,
      connect(token) {
        next += 1;
        return connect(channels[next % channels.length]!, token);
      },
      async stop() {
        for (const channel of channels) channel.close();
      },
    };
  },
};

/** Channels of equal options share one connection: a number of their own keeps them apart. */
function channelTo(port: number, index: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "distribution.test_channel": index,
  });
}

async function connect(channel: Client, token?: string): Promise<WireClient> {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const call = channel.makeBidiStreamRequest(STREAM, asIs, asIs, metadata);
  const received: ReceivedFrame[] = [];
  call.on("data", (message: Buffer) => received.push(readServerFrame("proto", message)));
  call.on("error", (_error: ServiceError) => {});
  const closed = new Promise<ClosedWith>((resolve) => {
    call.on("status", ({ code, details, metadata: trailer }) => {
      resolve({ code: Number(trailer.get(CLOSE_KEY)[0] ?? code), reason: details });
    });
  });
  return {
    received,
    closed,
    send: (frame) => void call.write(clientMessage("proto", frame)),
    sendGarbage: (bytes) => void call.write(bytes),
    pause: () => void call.pause(),
    resume: () => void call.resume(),
    vanish: () => call.cancel(),
  };
}
