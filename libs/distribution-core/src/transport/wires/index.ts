/** What the wires share, and the contract that they keep. */
export type { Connection, EncodedFrame, FrameFormat, SessionHost, SessionPeer, WireName } from "../contract.ts";
export { closeOf, errorCodeOf, fitReason, MAX_REASON_BYTES, sendableCode } from "./close.ts";
export { credentialOf } from "./credential.ts";
export { createHostGuard, type HostGuard } from "./host.ts";
export { DEFAULT_WIRE_LIMITS, type WireLimits } from "./limits.ts";
export { originRefusal } from "./origin.ts";
export { createSendWindow, type SendWindow } from "./send-window.ts";
export { type ConnectionSet, createConnectionSet, goingDown, openSession, type Wire } from "./wire.ts";
