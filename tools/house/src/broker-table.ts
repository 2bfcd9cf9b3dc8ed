/** What the brokers can do, as a table of docs/brokers.md. */
import { EMBEDDED_CAPABILITIES } from "@distribution/broker-embedded";
import { KAFKA_CAPABILITIES } from "@distribution/broker-kafka";
import { PULSAR_CAPABILITIES } from "@distribution/broker-pulsar";

type Capabilities = typeof EMBEDDED_CAPABILITIES;

const BROKERS = { embedded: EMBEDDED_CAPABILITIES, Kafka: KAFKA_CAPABILITIES, Pulsar: PULSAR_CAPABILITIES };

/** In the order of the contract. The compiler knows when one is missing. */
const MEANINGS: Readonly<Record<keyof Capabilities, string>> = {
  transactions: "A call that writes to several partitions is all or nothing.",
  groups: "Competing consumers share the events of topics.",
  individualAck: "Events are settled one by one.",
  delayedRedelivery: "An event that is given back comes again after a delay.",
  keyShared: "An event that is held back holds back its own key only.",
  nativeDeduplication: "The broker itself knows events again by source and id. Ingest does so on every broker.",
  compaction: "The latest event of every key is kept, older ones may go.",
  exactTruncation: "Truncation cuts between any two events, not only between records.",
};

export function brokerTable(): string {
  const head = ["| capability | what it says | ", ...Object.keys(BROKERS).map((name) => `${name} | `)]
    .join("")
    .trimEnd();
  const rows = Object.entries(MEANINGS).map(([capability, meaning]) => {
    const marks = Object.values(BROKERS).map((each) => (each[capability as keyof Capabilities] ? "yes" : "no"));
    return `| \`${capability}\` | ${meaning} | ${marks.join(" | ")} |`;
  });
  return [head, "|---|---|---|---|---|", ...rows].join("\n");
}
