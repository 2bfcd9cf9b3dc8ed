export { attachWebSocket, WEBSOCKET_PATH, type WebSocketOptions } from "./attach.ts";
