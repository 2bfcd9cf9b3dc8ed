export { createHops, type Hops } from "./hops.ts";
export { createLogger, type Logger } from "./log.ts";
export { type Counter, createMetrics, type Histogram, type Labels, type Metrics } from "./metrics.ts";
export { METRICS, type MetricDefinition, type MetricName } from "./names.ts";
