/**
 * Back-pressure. A WebSocket of browsers and Node hands over whatever comes, so the socket can't hold the service back: credit
 * does. The service sends no more first deliveries than it was given credit for, keeps its cursor, and goes on from the log.
 */

export interface CreditOptions {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** What waits in the buffer or is in the consumer's hands. */
  held(): { readonly events: number; readonly bytes: number };
  grant(events: number): void;
}

export interface Credit {
  /** A new session: it has no credit from this side yet. */
  begin(): void;
  /** A frame of first deliveries came. */
  spend(events: number, bytes: number): void;
  /** Gives what there is room for, when it is worth a frame. */
  replenish(): void;
}

/** Credit until the first event has shown how much events weigh here. */
const FIRST_EVENTS = 16;
/** Weight of a new frame in the moving average of event sizes. */
const SMOOTHING = 0.1;
/** Credit is given when this part of the buffer is free, not for every event. */
const WORTH = 4;

export function createCredit({ maxEvents, maxBytes, held, grant }: CreditOptions): Credit {
  let outstanding = 0;
  /** Bytes of an event. Undefined: none came yet. */
  let average: number | undefined;
  let open = false;
  const replenish = (): void => {
    if (!open) return;
    const { events, bytes } = held();
    const fits = average === undefined ? FIRST_EVENTS : Math.floor((maxBytes - bytes) / average);
    // An event larger than the whole bound must come too, alone.
    const room = Math.max(Math.min(maxEvents - events, fits), events === 0 ? 1 : 0);
    const missing = room - outstanding;
    if (missing <= 0 || (outstanding > 0 && missing < maxEvents / WORTH)) return;
    outstanding += missing;
    grant(missing);
  };
  return {
    begin() {
      outstanding = 0;
      open = true;
      replenish();
    },
    spend(events, bytes) {
      outstanding -= events;
      if (events > 0) average = smoothed(average, bytes / events);
    },
    replenish,
  };
}

const smoothed = (average: number | undefined, sample: number): number =>
  average === undefined ? sample : average + SMOOTHING * (sample - average);
