export type { GapNotice, Outlet } from "./contract.ts";
export { type Cursors, cursorsTopic, openCursors } from "./cursors.ts";
export type { LogPlace } from "./lane-cursor.ts";
export { LEDGER_REASONS, type Ledger, type LedgerReading, type LedgerReason } from "./ledger.ts";
export { createScheduler, type Scheduler } from "./scheduler.ts";
export { resolveStart, type Start, type StartRequest } from "./start.ts";
export { type SlowPolicy, Subscription, type SubscriptionOptions, type SubscriptionProfile } from "./subscription.ts";
export { createTokenCodec, type TokenCodec } from "./token.ts";
