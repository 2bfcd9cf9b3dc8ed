/** Bounds of one session, and of all of them. */
export interface SessionLimits {
  readonly maxSessions: number;
  readonly maxSubscriptions: number;
  /** Subscriptions of one session that want the very same: each is matched and encoded by itself (docs/adr/0002). */
  readonly maxCopies: number;
  /** Topics or patterns in one subscribe. */
  readonly maxTopics: number;
  /** Keys in one subscribe, and their length in bytes. */
  readonly maxKeys: number;
  readonly maxKeyBytes: number;
  readonly maxProjection: number;
  /** Events unacknowledged at a time: the most a profile may ask for, and what it gets when it does not ask. */
  readonly maxWindow: number;
  readonly defaultWindow: number;
  readonly minAckTimeoutMs: number;
  readonly maxAckTimeoutMs: number;
  readonly defaultAckTimeoutMs: number;
  /** Flushes a second in mode latest. */
  readonly maxRate: number;
  readonly minLedgerIntervalMs: number;
  readonly maxNackDelayMs: number;
  readonly maxEventBytes: number;
  /** Bytes of answers that wait for a socket that is full, before the session is ended as too slow. */
  readonly maxWaitingBytes: number;
  /**
   * What one session takes in one turn of the event loop, in bytes and in events. One frame may go over it; then its
   * subscriptions fall behind and go on from the ring in the next turn, sessions in turns.
   */
  readonly maxTurnBytes: number;
  readonly maxTurnEvents: number;
  readonly heartbeatMs: number;
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = {
  maxSessions: 20_000,
  maxSubscriptions: 1_000,
  maxCopies: 16,
  maxTopics: 64,
  maxKeys: 10_000,
  maxKeyBytes: 256,
  maxProjection: 64,
  maxWindow: 10_000,
  defaultWindow: 1_000,
  minAckTimeoutMs: 100,
  maxAckTimeoutMs: 3_600_000,
  defaultAckTimeoutMs: 30_000,
  maxRate: 1_000,
  minLedgerIntervalMs: 100,
  maxNackDelayMs: 3_600_000,
  maxEventBytes: 1024 * 1024,
  maxWaitingBytes: 4 * 1024 * 1024,
  maxTurnBytes: 512 * 1024,
  maxTurnEvents: 10_000,
  heartbeatMs: 15_000,
};
