export { attachSocketIo, SOCKETIO_PATH, type SocketIoOptions } from "./attach.ts";
export { CLOSED_EVENT, FRAME_EVENT } from "./packet.ts";
