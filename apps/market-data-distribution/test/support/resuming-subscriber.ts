/** A subscriber that goes on where it was, on whatever process the service is now. */
import type { History, Observer } from "@distribution/testkit/history";
import type { Ports } from "./service.ts";
import type { Wire } from "./stream/contract.ts";
import { type Subscription, subscribe } from "./stream/subscription.ts";
import { TRADES } from "./trades.ts";

/** How it tells where it was: the newest token, or the position it reached in each partition. */
export type Resume = "token" | "positions";

export class ResumingSubscriber {
  readonly name: string;
  readonly #wire: Wire;
  readonly #resume: Resume;
  readonly #observer: Observer;
  readonly #seen = new Set<string>();
  #subscription: Subscription | undefined;

  constructor(wire: Wire, resume: Resume, history: History) {
    this.name = `${wire.name}, by ${resume}`;
    this.#wire = wire;
    this.#resume = resume;
    this.#observer = history.observer(this.name);
  }

  get seen(): ReadonlySet<string> {
    return this.#seen;
  }

  get breaks(): readonly string[] {
    return this.#subscription?.breaks ?? [];
  }

  /** From the earliest the first time. */
  async connect(ports: Ports): Promise<void> {
    const before = this.#subscription;
    const client = await this.#wire.connect(ports);
    // Tokens come with every frame where every frame is acknowledged, and over SSE.
    const acknowledge = this.#resume === "token" && this.#wire.duplex;
    const request = {
      topics: [TRADES],
      from: before === undefined ? { earliest: true } : this.#startAfter(before),
      ...(acknowledge && { profile: { level: "DELIVERY_LEVEL_AT_LEAST_ONCE" } }),
    };
    this.#subscription = await subscribe(client, request, {
      acknowledge,
      onEvent: ({ event }) => {
        this.#seen.add(event.id);
        this.#observer.saw(event.id);
      },
    });
    if (!this.#subscription.subscribed.recovered) throw new Error(`${this.name} was not recovered.`);
  }

  leave(): void {
    this.#subscription?.client.vanish();
  }

  /** Resolves when the connection of before is over. */
  async ended(): Promise<void> {
    await this.#subscription?.client.closed;
  }

  #startAfter(before: Subscription): object {
    if (this.#resume === "positions") return { after: { positions: before.positions() } };
    return before.token === undefined ? { earliest: true } : { token: before.token };
  }
}
