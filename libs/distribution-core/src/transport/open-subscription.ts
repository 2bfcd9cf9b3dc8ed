/** One subscription of a session: the core's, and what only the session knows of it. */
import type { Position } from "../brokers/contract.ts";
import type { Subscription } from "../qos/index.ts";
import type { Timer } from "../runtime/index.ts";
import type { Interest } from "../subscriptions/index.ts";
import type { SessionContext } from "./session-context.ts";

export interface OpenSubscriptionOptions {
  readonly id: number;
  readonly name: string | undefined;
  readonly interest: Interest;
  readonly core: Subscription;
  /** 0: no ledger but on request. */
  readonly ledgerIntervalMs: number;
  readonly context: Pick<SessionContext, "cursors" | "runtime">;
  readonly onLedger: (open: OpenSubscription) => void;
  readonly onFailed: (failure: unknown) => void;
}

/** How long after an ack the cursor of a durable subscription is looked at. Milliseconds. */
const CURSOR_DELAY_MS = 500;

export class OpenSubscription {
  readonly id: number;
  /** With the identity's subject before it; undefined: not durable. */
  readonly name: string | undefined;
  readonly core: Subscription;
  interest: Interest;
  paused = false;
  readonly #options: OpenSubscriptionOptions;
  readonly #ledgerTimer: Timer | undefined;
  #saving: Timer | undefined;

  /** Throws `limit_exceeded` when there is no room for one name more. */
  constructor(options: OpenSubscriptionOptions) {
    const { id, name, core, interest, context, ledgerIntervalMs } = options;
    this.id = id;
    this.name = name;
    this.core = core;
    this.interest = interest;
    this.#options = options;
    // A name begins here, even if the process dies before the first acknowledgement; without room for it nothing begins.
    if (name !== undefined) context.cursors.save(name, core.settledPositions());
    if (ledgerIntervalMs > 0) {
      this.#ledgerTimer = context.runtime.timers.every(ledgerIntervalMs, () => options.onLedger(this));
    }
  }

  /** Where it started. */
  get from(): readonly Position[] {
    return this.core.startPositions();
  }

  /** Not with every ack: a cursor costs a look at every partition. */
  saveCursorSoon(): void {
    if (this.name === undefined) return;
    this.#saving ??= this.#options.context.runtime.timers.after(CURSOR_DELAY_MS, () => this.saveCursor());
  }

  saveCursor(): void {
    this.#saving?.cancel();
    this.#saving = undefined;
    if (this.name === undefined) return;
    try {
      this.#options.context.cursors.save(this.name, this.core.settledPositions());
    } catch (failure) {
      this.#options.onFailed(failure);
    }
  }

  /** `keepCursor` false: where the name is, is none of its business any more. */
  close(keepCursor: boolean): void {
    if (keepCursor) this.saveCursor();
    this.#saving?.cancel();
    this.#ledgerTimer?.cancel();
    this.core.close();
  }
}
