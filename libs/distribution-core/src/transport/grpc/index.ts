export { attachGrpc, DEFAULT_GRPC_LIMITS, type GrpcLimits, type GrpcOptions, type GrpcWire } from "./attach.ts";
export { CLOSE_KEY, CODE_KEY, ERRORS_KEY, RETRY_AFTER_KEY } from "./status.ts";
