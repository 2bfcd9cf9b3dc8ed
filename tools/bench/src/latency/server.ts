/** `server.ts ours|relay`: who takes events from one publisher, answers it, and gives them to all subscribers. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { TOPIC } from "../fanout/protocols.ts";
import { benchTopic, startBenchService } from "../service/bench-service.ts";
import { PUBLISHER_PATH, type RelayName } from "./relay.ts";

/** Answered with the port. */
const SERVERS: Readonly<Record<RelayName, () => Promise<number>>> = {
  ours: async () => {
    const bench = await startBenchService({ topics: [benchTopic(TOPIC)] });
    process.once("SIGTERM", () => void bench[Symbol.asyncDispose]().then(() => process.exit()));
    return bench.port;
  },
  relay: async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (publisher, { url }) => {
      if (url !== PUBLISHER_PATH) return;
      publisher.on("message", (message) => {
        const text = String(message);
        for (const client of server.clients) if (client !== publisher) client.send(text);
        // The reference is the frame's first field.
        publisher.send(`${text.slice(0, text.indexOf(","))}}`);
      });
    });
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
};

process.send?.(await SERVERS[process.argv[2] as RelayName]());
