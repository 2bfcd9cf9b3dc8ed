import { WebSocket } from "ws";
import { ERROR_CODES } from "../../errors.ts";

/** Codes with which `ws` itself ends a connection whose bytes it cannot take, and what the client is told instead. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [1002, "The bytes are no WebSocket frames."],
  [1007, "A text message is not UTF-8."],
  [1008, "A message came in too many fragments."],
  [1009, "The frame is longer than the limit in welcome.limits.maxFrameBytes."],
]);

/**
 * A server's WebSocket that ends broken connections with this protocol's own code for them: 3501, do not come back the same way.
 * Whoever closes it, `ws` for the client too, does so here.
 */
export class SessionSocket extends WebSocket {
  /** Told before the close frame is sent, and before the connection is cut. */
  onLeaving: (() => void) | undefined;

  override close(code?: number, data?: string | Buffer): void {
    this.onLeaving?.();
    // Only ws's receiver closes with such a code and no reason.
    const refusal = code === undefined || data !== undefined ? undefined : REFUSALS.get(code);
    if (refusal === undefined) super.close(code, data);
    else super.close(ERROR_CODES.bad_frame.close, refusal);
  }

  override terminate(): void {
    this.onLeaving?.();
    super.terminate();
  }
}
