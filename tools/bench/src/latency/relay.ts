/** The two that are compared: ours, and `ws` alone, which parses nothing, keeps nothing, and answers at once. */
import { joinOurs, type Step, TOPIC, upgrade } from "../fanout/protocols.ts";

export type RelayName = "ours" | "relay";

export const SUBSCRIBERS = 10;
export const PUBLISHER_PATH = "/publisher";

interface RelayClient {
  readonly subject: string;
  readonly publisher: readonly Step[];
  readonly subscriber: readonly Step[];
}

const plain = (path: string): Step => ({ send: upgrade(path), awaits: "\r\n\r\n" });

export const RELAYS: Readonly<Record<RelayName, RelayClient>> = {
  ours: {
    subject: "ours, durable",
    publisher: joinOurs("json", []),
    subscriber: joinOurs("json", [{ topics: [TOPIC] }]),
  },
  relay: { subject: "ws, relaying", publisher: [plain(PUBLISHER_PATH)], subscriber: [plain("/")] },
};

/** The same text to both: a publish frame of ours, with an event's JSON as data. */
export const publishText = (sequence: number, run: string, event: string): string =>
  `{"ref":"${sequence}","publish":{"topic":"${TOPIC}","events":[{"specversion":"1.0","id":"${run}-${sequence}",` +
  `"source":"/bench","type":"bench.event.v1","datacontenttype":"application/json","data":${event}}]}}`;
