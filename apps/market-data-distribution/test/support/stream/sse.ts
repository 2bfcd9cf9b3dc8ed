import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Ports } from "../service.ts";
import { type Closed, clientOf, createInbox, type Wire } from "./contract.ts";
import { frameOfJson } from "./frames.ts";

interface Subscribe {
  readonly topics: readonly string[];
  readonly keys?: readonly string[];
  readonly filter?: string;
  readonly format?: string;
  readonly from?: { readonly earliest?: boolean; readonly token?: string };
}

/** `subscribe` becomes the request, `from.token` the header with which an EventSource resumes. */
export const sse: Wire = {
  name: "SSE",
  duplex: false,
  async connect(ports) {
    const inbox = createInbox();
    let asked: ClientRequest | undefined;
    let answer: IncomingMessage | undefined;
    return clientOf(inbox, {
      send(frame) {
        asked = ask(ports, (frame as { subscribe: Subscribe }).subscribe);
        asked.on("error", ({ message }) => inbox.end({ code: 0, reason: message }));
        asked.on("response", (response) => {
          answer = response;
          read(response, inbox);
        });
      },
      pause: () => void answer?.pause(),
      resume: () => void answer?.resume(),
      vanish: () => void asked?.destroy(),
    });
  },
};

function ask(ports: Ports, { topics: [topic = ""], keys, filter, format, from }: Subscribe): ClientRequest {
  const query = new URLSearchParams();
  if (keys) query.set("keys", keys.join(","));
  if (filter) query.set("filter", filter);
  if (format) query.set("format", format);
  if (from?.earliest) query.set("from", "earliest");
  const headers = {
    accept: "text/event-stream",
    ...(from?.token !== undefined && { "last-event-id": from.token }),
  };
  const path = `/api/v1/topics/${topic}/events?${query}`;
  return request({ host: "127.0.0.1", port: ports.public, path, headers, agent: false }).end();
}

function read(response: IncomingMessage, inbox: ReturnType<typeof createInbox>): void {
  let told: Closed | undefined;
  let rest = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string): string =>
        block
          .split("\n")
          .filter((line) => line.startsWith(`${name}: `))
          .map((line) => line.slice(name.length + 2))
          .join("\n");
      if (field("data") === "") continue;
      const data = JSON.parse(field("data")) as object;
      if (field("event") === "close") told = data as Closed;
      else inbox.take(frameOfJson(data));
    }
  });
  response.on("error", () => {});
  response.on("close", () => inbox.end(told ?? { code: 0, reason: `HTTP ${response.statusCode}` }));
}
