/** What all sessions have to write at the end of a turn of the event loop: one write to each socket. */
import type { Runtime } from "../runtime/index.ts";
import type { EncodedFrame } from "./contract.ts";
import type { SessionLimits } from "./session-limits.ts";
import type { SessionOutput } from "./session-output.ts";

export interface OutboxOptions {
  readonly runtime: Runtime;
  readonly limits: SessionLimits;
  /** After the writes of a turn. */
  readonly onFlushed: () => void;
}

interface Broadcast {
  readonly outputs: readonly SessionOutput[];
  readonly frame: EncodedFrame;
  readonly events: number;
}

export class Outbox {
  readonly #options: OutboxOptions;
  /** Those with something to write, and an empty list to take its place. */
  #queued: SessionOutput[] = [];
  #spare: SessionOutput[] = [];
  /** The turn's first frame, as long as nothing else is said: its sessions hear of it when it is written, and are walked through once. */
  #broadcast: Broadcast | undefined;
  #scheduled = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  queue(output: SessionOutput): void {
    this.#queued.push(output);
    this.#schedule();
  }

  /** As if each were sent the frame, but later, if that can make no difference. */
  broadcast(outputs: readonly SessionOutput[], frame: EncodedFrame, events: number): void {
    // A copy: who joins its class from now on is not meant, and who leaves it, over this very frame even, is.
    const broadcast = { outputs: outputs.slice(), frame, events };
    const { maxTurnBytes, maxTurnEvents } = this.#options.limits;
    if (this.#scheduled || frame.payload.length >= maxTurnBytes || events >= maxTurnEvents) {
      sendToAll(broadcast);
    } else {
      this.#broadcast = broadcast;
      this.#schedule();
    }
  }

  /** Before anything else is said to a session: what came first is sent first. */
  settle(): void {
    const broadcast = this.#broadcast;
    if (broadcast === undefined) return;
    this.#broadcast = undefined;
    sendToAll(broadcast);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.runtime.timers.soon(() => this.#flush());
  }

  #flush(): void {
    const { runtime, onFlushed } = this.#options;
    const now = Math.trunc(runtime.clock.monotonicMs());
    const broadcast = this.#broadcast;
    this.#broadcast = undefined;
    this.#scheduled = false;
    if (broadcast !== undefined) {
      const { outputs, frame, events } = broadcast;
      for (const output of outputs) output.write(frame, events, now);
    }
    const list = this.#queued;
    this.#queued = this.#spare;
    for (const output of list) output.flush(now);
    this.#spare = list;
    list.length = 0;
    onFlushed();
  }
}

function sendToAll({ outputs, frame, events }: Broadcast): void {
  for (const output of outputs) output.send(frame, events);
}
