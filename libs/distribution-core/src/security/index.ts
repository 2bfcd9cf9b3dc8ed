export * from "./contract.ts";
export { createLoopbackGuard } from "./loopback-guard.ts";
