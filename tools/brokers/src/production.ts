/** What services run on in production. A service that is not named has its default there too. */
export const PRODUCTION: Readonly<Record<string, "kafka" | "pulsar">> = {
  portfolio: "pulsar",
  coordination: "pulsar",
  "market-data": "pulsar",
  intelligence: "kafka",
  execution: "kafka",
};
