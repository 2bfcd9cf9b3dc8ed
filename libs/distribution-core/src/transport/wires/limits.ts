/** What the wires have in common to be set. */
export interface WireLimits {
  /**
   * `write` says "full" over this many bytes that the kernel has not taken. Bytes, default 64 KiB. On WebSocket and SSE not below
   * Node's own high-water mark of the socket (64 KiB), since only from there on does a socket tell when it drained.
   */
  readonly highWaterBytes: number;
  /** Over this many bytes of answers that the client does not read, nothing more is read from it. Bytes, default 256 KiB. */
  readonly readPauseBytes: number;
  /** A connection that was closed and whose peer does not take the rest is destroyed after this. Milliseconds, default 5,000. */
  readonly closeTimeoutMs: number;
  /** How often the wire itself asks or shows that the other side is there. Milliseconds, default 10,000. */
  readonly heartbeatMs: number;
}

export const DEFAULT_WIRE_LIMITS: WireLimits = {
  highWaterBytes: 64 * 1024,
  readPauseBytes: 256 * 1024,
  closeTimeoutMs: 5_000,
  heartbeatMs: 10_000,
};
