/**
 * How many messages the broker may send ahead: a bound in messages, and one in bytes by the mean size of those that came.
 * Permits are the broker's: it counts every message of a batch, and sends a whole batch for the last permit.
 */
export interface Window {
  /** An entry came in. */
  arrived(messages: number, bytes: number): void;
  /** An entry left the queue, or was dropped. */
  left(messages: number, bytes: number): void;
  /** Permits to give now, 0: none. They count as given. */
  due(): number;
  /** A new subscription: the broker has no permits, and the queue what it has. */
  restart(): void;
  /** More waits than the bound allows by far: messages became larger than the mean that permits were given for. */
  readonly overrun: boolean;
  readonly queuedBytes: number;
}

/** Until the first message tells its size, this many share `queueBytes`. */
const FIRST_PERMITS = 16;
const OVERRUN = 4;

export function createWindow(queueMessages: number, queueBytes: number): Window {
  let mean = queueBytes / FIRST_PERMITS;
  let known = false;
  let given = 0;
  let queued = 0;
  let bytesQueued = 0;
  return {
    arrived(messages, bytes) {
      given -= messages;
      queued += messages;
      bytesQueued += bytes;
      const size = bytes / Math.max(messages, 1);
      // Larger ones are believed sooner than smaller ones.
      mean = known ? mean + (size - mean) * (size > mean ? 0.5 : 0.125) : size;
      known = true;
    },
    left(messages, bytes) {
      queued -= messages;
      bytesQueued -= bytes;
    },
    due() {
      const target = Math.max(1, Math.min(queueMessages, Math.floor(queueBytes / mean)));
      const have = given + queued;
      if (have * 2 > target || bytesQueued > queueBytes) return 0;
      given += target - have;
      return target - have;
    },
    restart() {
      given = 0;
    },
    get overrun() {
      return bytesQueued > OVERRUN * queueBytes && bytesQueued > OVERRUN * mean;
    },
    get queuedBytes() {
      return bytesQueued;
    },
  };
}
