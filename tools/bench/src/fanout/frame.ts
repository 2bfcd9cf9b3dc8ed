/** WebSocket frames, made by hand (RFC 6455, section 5.2). Up to 65,535 bytes. */

/** As a server sends it: whole and unmasked. */
export const textFrame = (text: string): Buffer => frame(TEXT, Buffer.from(text), 0, Buffer.alloc(0));

/** As a client sends it: masked, with the key 0, which leaves the payload as it is. */
export const clientTextFrame = (text: string): Buffer => frame(TEXT, Buffer.from(text), 0x80, Buffer.alloc(4));
export const clientBinaryFrame = (payload: Uint8Array): Buffer => frame(BINARY, payload, 0x80, Buffer.alloc(4));

const TEXT = 0x81;
const BINARY = 0x82;
const SHORT = 126;

function frame(opcode: number, payload: Uint8Array, mask: number, key: Buffer): Buffer {
  if (payload.length > 0xffff) throw new Error("a frame of more than 65,535 bytes");
  const short = payload.length < SHORT;
  const header = Buffer.from([opcode, mask | (short ? payload.length : SHORT)]);
  const length = Buffer.alloc(short ? 0 : 2);
  if (!short) length.writeUInt16BE(payload.length);
  return Buffer.concat([header, length, key, payload]);
}
