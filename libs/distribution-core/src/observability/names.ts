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
  distribution_ingress_records_total: {
    type: "counter",
    help: "Records read from an ingress topic and settled, by topic.",
  },
  distribution_ingress_dead_letters_total: {
    type: "counter",
    help: "Events and records of an ingress topic that became dead letters, by topic and error code.",
  },
  distribution_ingress_breaks_total: {
    type: "counter",
    help: "Times that an ingress topic did not go on from where it was read to, by topic and reason (expired, reset).",
  },
  distribution_route_matches_total: { type: "counter", help: "Events a route sent on, by route." },
  distribution_tail_events_total: { type: "counter", help: "Events read from the log by the tail, by topic." },
  distribution_tail_stuck_partitions: {
    type: "gauge",
    help: "Partitions whose tail does not move although their log does, by topic.",
  },
  distribution_match_events_total: { type: "counter", help: "Interest classes that events matched, by topic." },
  distribution_delivered_events_total: { type: "counter", help: "Events handed to a wire, by wire." },
  distribution_delivered_bytes_total: { type: "counter", help: "Bytes handed to a wire, by wire." },
  distribution_undelivered_events_total: {
    type: "counter",
    help: "Ledger entries of ended and live subscriptions, by reason.",
  },
  distribution_gaps_total: { type: "counter", help: "Gaps that subscribers were told of, by reason." },
  distribution_redelivered_events_total: { type: "counter", help: "Events delivered again after a nack or a timeout." },
  distribution_ready: { type: "gauge", help: "1 while the service is ready as /readyz says, otherwise 0." },
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
  distribution_projection_events_total: { type: "counter", help: "Events a projection took, by projection." },
  distribution_projection_skipped_events_total: {
    type: "counter",
    help: "Events a projection could not read or apply, by projection and topic.",
  },
  distribution_projection_forgotten_keys_total: {
    type: "counter",
    help: "Keys let go because a projection was at its bound in keys or bytes, by projection.",
  },
  distribution_projection_keys: { type: "gauge", help: "Keys held by a projection." },
  distribution_projection_bytes: { type: "gauge", help: "Bytes held by a projection, as it measures its states." },
  distribution_projection_lag_events: {
    type: "gauge",
    help: "Events a projection is behind the heads of its partitions; while it reads the log, at most so many.",
  },
  distribution_hop_seconds: { type: "histogram", help: "Time from one stamp of an event to the next, by hop." },
  distribution_session_closed_total: { type: "counter", help: "Sessions the service ended, by code." },
  distribution_http_requests_total: { type: "counter", help: "HTTP requests, by route and status." },
  process_event_loop_delay_seconds: { type: "gauge", help: "Event loop delay since the last scrape, by quantile." },
  process_cpu_seconds_total: { type: "counter", help: "User and system CPU time." },
  process_resident_memory_bytes: { type: "gauge", help: "Resident set size." },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
