export * from "./contract.ts";
export { createLoopbackGuard } from "./loopback-guard.ts";
export { createSealer, type Sealer } from "./sealer.ts";
