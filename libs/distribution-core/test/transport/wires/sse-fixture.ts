import { type IncomingMessage, request } from "node:http";
import {
  type ClosedWith,
  type ReceivedFrame,
  readServerFrame,
  type WireClient,
  type WireFixture,
} from "@distribution/testkit/wire";
import express, { type ErrorRequestHandler } from "express";
import { ERROR_CODES, type ErrorCode, toDistributionError } from "../../../src/errors.ts";
import { systemRuntime } from "../../../src/runtime/index.ts";
import { createEventStreams, type EventStreams } from "../../../src/transport/sse/index.ts";
import { createRecordingLogger, type HttpBench, openHttp } from "./http-bench.ts";

export const sseFixture: WireFixture = {
  name: "sse",
  wire: "sse",
  format: "json",
  duplex: false,
  pausable: true,
  crowd: 1000,
  flooded: "paused",
  async start(host, limits) {
    const streams = createEventStreams({ host, runtime: systemRuntime, logger: createRecordingLogger(), limits });
    const http = await openEventStreams(streams);
    return {
      connections: streams.connections,
      close: streams.close,
      connect: (token) => connect(http.port, token),
      stop: () => http.stop(),
    };
  },
};

/** The streams as a REST layer mounts them: what they reject with becomes problem details. */
export function openEventStreams(streams: EventStreams): Promise<HttpBench> {
  const app = express();
  app.get("/api/v1/topics/:topic/events", streams.handleEventStream);
  const answerProblem: ErrorRequestHandler = (failure, _request, response, _next) => {
    const { code, message, errors, definition } = toDistributionError(failure);
    response.status(definition.http).json({ code, detail: message, errors });
  };
  app.use(answerProblem);
  return openHttp(app);
}

/** One event of a stream, as WHATWG HTML 9.2.6 reads it. */
export interface StreamedEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** Feeds on text and gives the events that are whole; comments are left out. */
export function createStreamParser(): (text: string) => StreamedEvent[] {
  let rest = "";
  return (text) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    return blocks.filter((block) => !block.startsWith(":")).map(parseBlock);
  };
}

function parseBlock(block: string): StreamedEvent {
  const fields = block.split("\n").map((line) => /^(\w+): ?(.*)$/s.exec(line) ?? ["", "", ""]);
  const valuesOf = (name: string): string[] => fields.filter((field) => field[1] === name).map((field) => field[2]!);
  return { event: valuesOf("event")[0] ?? "message", id: valuesOf("id")[0], data: valuesOf("data").join("\n") };
}

async function connect(port: number, token?: string): Promise<WireClient> {
  const headers = { accept: "text/event-stream", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  const asked = request({ port, host: "127.0.0.1", path: "/api/v1/topics/t/events", headers, agent: false });
  asked.on("error", () => {});
  asked.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.on("response", resolve);
    asked.on("error", reject);
  });
  if (response.statusCode !== 200) throw await refusalOf(response);
  const received: ReceivedFrame[] = [];
  let told: ClosedWith = { code: 0, reason: "" };
  const parse = createStreamParser();
  response.setEncoding("utf8").on("data", (text: string) => {
    for (const { event, data } of parse(text)) {
      if (event === "close") told = JSON.parse(data) as ClosedWith;
      else received.push(readServerFrame("json", data));
    }
  });
  response.on("error", () => {});
  return {
    received,
    closed: new Promise((resolve) => response.on("close", () => resolve(told))),
    send: () => {},
    sendGarbage: () => {},
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    vanish: () => void asked.destroy(),
  };
}

async function refusalOf(response: IncomingMessage): Promise<Error & { code: number | undefined }> {
  const chunks: Buffer[] = await response.toArray();
  const { code } = JSON.parse(Buffer.concat(chunks).toString()) as { code: ErrorCode };
  const definition = ERROR_CODES[code];
  return Object.assign(new Error(code), { code: "close" in definition ? definition.close : undefined });
}
