import { once } from "node:events";
import { createRequire } from "node:module";
import { connect as connectSocket } from "node:net";
import { ClientFrame } from "@distribution/proto-types/distribution/v1/frames";
import { createEchoHost, type EchoHost, readServerFrame } from "@distribution/testkit/wire";
import {
  Client,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DistributionError } from "../../../src/errors.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { createLoopbackGuard } from "../../../src/security/index.ts";
import { attachGrpc, CLOSE_KEY, CODE_KEY, type GrpcOptions, type GrpcWire } from "../../../src/transport/grpc/index.ts";
import { createRecordingLogger } from "./http-bench.ts";

let wire: GrpcWire;
let host: EchoHost;
let clients: Client[] = [];

const options = (): GrpcOptions => ({
  address: "127.0.0.1:0",
  host,
  ingest: { publish: () => Promise.reject(new Error("not part of this test")) },
  guard: createLoopbackGuard(),
  runtime: systemRuntime,
  logger: createRecordingLogger(),
  limits: { closeTimeoutMs: 200 },
});

beforeEach(async () => {
  host = createEchoHost({ maxFrameBytes: 1000 });
  wire = await attachGrpc(options());
});

afterEach(async () => {
  for (const client of clients) client.close();
  clients = [];
  await wire.close();
});

function connect(): Client {
  const client = new Client(`127.0.0.1:${wire.port}`, credentials.createInsecure());
  clients.push(client);
  return client;
}

const asIs = (bytes: Buffer): Buffer => bytes;

function check(service: string): Promise<unknown> {
  const { Check } = healthService as unknown as { Check: import("@grpc/grpc-js").MethodDefinition<object, object> };
  return new Promise((resolve, reject) => {
    connect().makeUnaryRequest(
      Check!.path,
      Check!.requestSerialize,
      Check!.responseDeserialize,
      { service },
      (error, answer) => {
        if (error) reject(error);
        else resolve((answer as { status: unknown }).status);
      },
    );
  });
}

describe("the gRPC server", () => {
  it("answers health checks for itself and for the service as it is told", async () => {
    for (const service of ["", "distribution.v1.Distribution"]) {
      wire.setServing(false);
      expect(await check(service)).toBe("NOT_SERVING");
      wire.setServing(true);
      expect(await check(service)).toBe("SERVING");
    }
    await expect(check("unknown")).rejects.toMatchObject({ code: 5 });
  });

  it("says what it serves to tools that ask by reflection", async () => {
    const reflection = reflectionClient();
    const answers: {
      list_services_response?: { service: { name: string }[] };
      file_descriptor_response?: { file_descriptor_proto: Buffer[] };
    }[] = [];
    const call = reflection["ServerReflectionInfo"]!();
    call.on("data", (answer: (typeof answers)[number]) => answers.push(answer));
    call.write({ list_services: "" });
    call.write({ file_containing_symbol: "distribution.v1.Subscribe" });
    call.write({ file_containing_symbol: "distribution.v1.EventBatch" });
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    expect(answers[0]!.list_services_response?.service.map(({ name }) => name)).toEqual([
      "distribution.v1.Distribution",
    ]);
    for (const [answer, text] of [
      [answers[1], "frames.proto"],
      [answers[2], "event.proto"],
    ] as const) {
      expect(Buffer.concat(answer?.file_descriptor_response?.file_descriptor_proto ?? []).toString("latin1")).toContain(
        text,
      );
    }
    call.end();
    reflection.close();
  });

  it("goes on sending to a client that has said all it has to say", async () => {
    const call = connect().makeBidiStreamRequest("/distribution.v1.Distribution/Stream", asIs, asIs);
    const kinds: string[] = [];
    call.on("data", (message: Buffer) => kinds.push(readServerFrame("proto", message).kind));
    call.on("error", () => {});
    call.write(Buffer.from(ClientFrame.encode({ ref: "", frame: { $case: "ping", value: { time: 1n } } }).finish()));
    call.end();
    await vi.waitFor(() => expect(kinds).toEqual(["pong"]));
    expect(host.live()).toHaveLength(1);
    call.cancel();
    await vi.waitFor(() => expect(host.live()).toHaveLength(0));
  });

  it("ends a stream with OK where nothing went wrong, else with the error's status and codes", async () => {
    for (const [close, status, code] of [
      [1000, 0, undefined],
      [1001, 14, undefined],
      [3503, 7, "forbidden"],
    ] as const) {
      const call = connect().makeBidiStreamRequest("/distribution.v1.Distribution/Stream", asIs, asIs);
      const ended = new Promise<ServiceError>((resolve) =>
        call.on("status", (outcome) => resolve(outcome as ServiceError)),
      );
      call.on("error", () => {});
      call.on("data", () => {});
      await vi.waitFor(() => expect(host.live()).toHaveLength(1));
      host.live()[0]!.connection.close(close, "that is all");
      const outcome = await ended;
      expect(outcome).toMatchObject({ code: status, details: status === 0 ? "OK" : "that is all" });
      expect(outcome.metadata.get(CODE_KEY)[0]).toBe(code);
      expect(outcome.metadata.get(CLOSE_KEY)[0]).toBe(String(close));
      await vi.waitFor(() => expect(host.live()).toHaveLength(0));
    }
  });

  it.each([
    ["a page's request", "POST /distribution.v1.Distribution/Stream HTTP/1.1\r\nContent-Type: application/grpc"],
    ["a WebSocket", "GET /api/v1/stream HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket"],
    ["a change to HTTP/2", "GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "],
  ])("closes on %s in HTTP/1.1, which is all that browsers speak on a plain connection", async (_, head) => {
    const socket = connectSocket(wire.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.write(`${head}\r\nHost: rebound.example\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0`);
    await once(socket, "close");
    // SETTINGS (RFC 9113, 6.5) without any, then GOAWAY (6.8).
    const frames = Buffer.concat(chunks);
    expect([frames[3], frames[12]]).toEqual([4, 7]);
    expect(host.sessions).toHaveLength(0);
  });

  it("refuses an address that is taken", async () => {
    const failure = await attachGrpc({ ...options(), address: `127.0.0.1:${wire.port}` }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DistributionError);
    expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining(String(wire.port)) });
  });

  it("stops though a tool still watches its health", async () => {
    const { Watch } = healthService as unknown as { Watch: import("@grpc/grpc-js").MethodDefinition<object, object> };
    const call = connect().makeServerStreamRequest(Watch!.path, Watch!.requestSerialize, Watch!.responseDeserialize, {
      service: "",
    });
    const statuses: unknown[] = [];
    call.on("data", (answer: { status: unknown }) => statuses.push(answer.status));
    call.on("error", () => {});
    await vi.waitFor(() => expect(statuses).toEqual(["NOT_SERVING"]));
    await wire.close();
  });
});

/** The reflection service's own definition, as @grpc/reflection ships it; proto-loader is its dependency. */
function reflectionClient() {
  const require = createRequire(createRequire(import.meta.url).resolve("@grpc/reflection"));
  const { loadSync } = require("@grpc/proto-loader") as typeof import("@grpc/proto-loader");
  const file = require.resolve("../proto/grpc/reflection/v1/reflection.proto");
  const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, oneofs: true }));
  const { grpc } = loaded as unknown as {
    grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } };
  };
  return new grpc.reflection.v1.ServerReflection(`127.0.0.1:${wire.port}`, credentials.createInsecure());
}
