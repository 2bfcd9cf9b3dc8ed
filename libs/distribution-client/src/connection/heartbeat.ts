/** Heartbeats both ways: this side is heard once an interval, and a service that is silent for two of them is gone. */

export interface HeartbeatOptions {
  /** As the service's `welcome` said, ms. */
  readonly intervalMs: number;
  ping(): void;
  silent(): void;
}

export interface Heartbeat {
  /** Anything came. */
  heard(): void;
  /** Anything was sent. */
  sent(): void;
  stop(): void;
}

const SILENT_INTERVALS = 2;
/** Looks an interval. */
const LOOKS = 4;

export function startHeartbeat({ intervalMs, ping, silent }: HeartbeatOptions): Heartbeat {
  const lookMs = Math.max(1, intervalMs / LOOKS);
  let heardAt = performance.now();
  let sentAt = heardAt;
  let lookedAt = heardAt;
  const timer = setInterval(() => {
    const now = performance.now();
    // A process or browser tab that was suspended hears late what came meanwhile: give it the time to.
    if (now - lookedAt > intervalMs) heardAt = now;
    lookedAt = now;
    if (now - heardAt > SILENT_INTERVALS * intervalMs) silent();
    // One look early: the service must not wait longer than its interval.
    else if (now - sentAt >= intervalMs - lookMs) ping();
  }, lookMs);
  return {
    heard: () => {
      heardAt = performance.now();
    },
    sent: () => {
      sentAt = performance.now();
    },
    stop: () => clearInterval(timer),
  };
}
