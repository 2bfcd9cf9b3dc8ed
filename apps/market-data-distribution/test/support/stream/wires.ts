import type { Wire } from "./contract.ts";
import { grpc } from "./grpc.ts";
import { socketio } from "./socketio.ts";
import { sse } from "./sse.ts";
import { websocket } from "./websocket.ts";

/** Every wire and format that a subscriber can choose. */
export const WIRES: readonly Wire[] = [websocket("json"), websocket("proto"), socketio, grpc, sse];
