export type {
  GapNotice,
  Outlet,
  Scheduler,
  SlowPolicy,
  StateNotice,
  SubscriptionParts,
  SubscriptionProfile,
  Work,
} from "./contract.ts";
export { type Cursors, cursorsTopic, openCursors } from "./cursors.ts";
export type { LogPlace } from "./lane-cursor.ts";
export { LEDGER_REASONS, Ledger, type LedgerReading, type LedgerReason } from "./ledger.ts";
export { highestPriority, nextInLine } from "./overtaking.ts";
export { createScheduler } from "./scheduler.ts";
export { resolveStart, type Start, type StartRequest } from "./start.ts";
export { Subscription, type SubscriptionOptions } from "./subscription.ts";
export { createTokenCodec, type TokenCodec } from "./token.ts";
