export {
  DEFAULT_FRAME_LIMITS,
  decodeClientFrame,
  type FrameLimits,
  frameRef,
  MAX_REF_BYTES,
} from "./client-frame.ts";
export { encodedFrame, encodeServerFrame } from "./server-frame.ts";
