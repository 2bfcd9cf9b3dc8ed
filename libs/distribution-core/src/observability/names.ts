/** Every metric, once. docs/metrics.md is generated from this list. Seconds and bytes, as Prometheus asks. */

export interface MetricDefinition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
}

export const METRICS = {
  distribution_ingest_events_total: { type: "counter", help: "Events published and durable, by topic." },
  distribution_ingest_bytes_total: { type: "counter", help: "Bytes of events published and durable, by topic." },
  distribution_ingest_duplicates_total: { type: "counter", help: "Events known before by source and id, by topic." },
  distribution_ingest_refused_total: { type: "counter", help: "Publish requests refused, by error code." },
  distribution_ingest_sequence_gaps_total: {
    type: "counter",
    help: "Steps over 1 in a source's sequence of a key, by topic.",
  },
  distribution_ingest_out_of_order_total: {
    type: "counter",
    help: "Steps back in a source's sequence of a key, by topic.",
  },
  distribution_route_matches_total: { type: "counter", help: "Events a route sent on, by route." },
  distribution_tail_events_total: { type: "counter", help: "Events read from the log by the tail, by topic." },
  distribution_match_events_total: { type: "counter", help: "Interest classes that events matched, by topic." },
  distribution_delivered_events_total: { type: "counter", help: "Events handed to a wire, by wire." },
  distribution_delivered_bytes_total: { type: "counter", help: "Bytes handed to a wire, by wire." },
  distribution_undelivered_events_total: {
    type: "counter",
    help: "Ledger entries of ended and live subscriptions, by reason.",
  },
  distribution_redelivered_events_total: { type: "counter", help: "Events delivered again after a nack or a timeout." },
  distribution_sessions: { type: "gauge", help: "Open sessions, by wire." },
  distribution_subscriptions: { type: "gauge", help: "Live subscriptions." },
  distribution_interest_classes: { type: "gauge", help: "Interest classes: one match, one encoding, one buffer each." },
  distribution_lagging_subscriptions: {
    type: "gauge",
    help: "Subscriptions behind the head, catching up from ring or log.",
  },
  distribution_ring_bytes: { type: "gauge", help: "Bytes held by the ring, by topic." },
  distribution_table_keys: { type: "gauge", help: "Keys held by the table, by topic." },
  distribution_table_bytes: { type: "gauge", help: "Bytes held by the table, by topic." },
  distribution_hop_seconds: { type: "histogram", help: "Time from one stamp of an event to the next, by hop." },
  distribution_session_closed_total: { type: "counter", help: "Sessions the service ended, by code." },
  distribution_http_requests_total: { type: "counter", help: "HTTP requests, by route and status." },
  process_event_loop_delay_seconds: { type: "gauge", help: "Event loop delay since the last scrape, by quantile." },
  process_cpu_seconds_total: { type: "counter", help: "User and system CPU time." },
  process_resident_memory_bytes: { type: "gauge", help: "Resident set size." },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
