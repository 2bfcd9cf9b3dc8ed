/** The groups in which the core's operations are shown. */
export const CORE_TAGS = [
  { name: "topics", description: "What there is to publish to and to read." },
  { name: "events", description: "Publishing events and reading them back." },
  { name: "service", description: "The service itself and its documents." },
] as const;
