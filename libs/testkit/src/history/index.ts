/** The history checker: what was published against what was seen. Works on any broker, service or client that has event ids. */
export { createHistory, type History, type Observer, type ObserverOptions, type Outcome } from "./history.ts";
export { assertFaultless, type Fault, type FaultKind, type HistoryReport } from "./report.ts";
