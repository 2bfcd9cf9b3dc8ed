/** Codecs of states. */
import { deserialize, serialize } from "node:v8";
import type { Codec } from "./contract.ts";

/** Of objects, arrays, maps, sets, texts, numbers, bigints and bytes, in V8's own format, which newer versions read too. */
export function plainData<State>(): Codec<State> {
  return { encode: serialize, decode: (bytes) => deserialize(bytes) as State };
}

/** Of a message of generated code: `messageCodec(OrderState)`. */
export function messageCodec<State>(message: {
  encode(state: State): { finish(): Uint8Array };
  decode(bytes: Uint8Array): State;
}): Codec<State> {
  return { encode: (state) => message.encode(state).finish(), decode: (bytes) => message.decode(bytes) };
}
