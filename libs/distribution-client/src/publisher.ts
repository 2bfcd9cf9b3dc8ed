/** Publishing that outlives a connection: what is not answered is sent again, which the events' ids make harmless. */
import { TransitSet } from "@distribution/collections";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { Position } from "@distribution/proto-types/distribution/v1/frames";
import { type BackoffOptions, backoffMs } from "./connection/backoff.ts";
import type { Session } from "./connection/session.ts";
import { DistributionClientError, toClientError } from "./errors.ts";

export interface Published {
  /** One for each event, in their order; they are durable. */
  readonly positions: readonly Position[];
  /** How many of them the service knew already, by source and id. */
  readonly duplicates: number;
}

export interface PublisherOptions {
  readonly timeoutMs: number;
  /** Publishes that wait for their answer. More are refused with `overloaded`. */
  readonly maxPending: number;
  readonly backoff: BackoffOptions;
}

interface Pending {
  readonly topic: string;
  readonly events: Event[];
  readonly deadline: ReturnType<typeof setTimeout>;
  retry: ReturnType<typeof setTimeout> | undefined;
  attempts: number;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: DistributionClientError) => void;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #pending = new TransitSet<Pending>();
  #session: Session | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#pending.size;
  }

  publish(topic: string, events: Event[], timeoutMs = this.#options.timeoutMs): Promise<Published> {
    const { maxPending } = this.#options;
    if (this.#pending.size >= maxPending) {
      const message = `${maxPending} publishes wait for their answers, the most there may be; await some of them first.`;
      return Promise.reject(new DistributionClientError("overloaded", message));
    }
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#fail(pending, timeoutError(timeoutMs)), timeoutMs);
      const pending: Pending = { topic, events, deadline, retry: undefined, attempts: 0, resolve, reject };
      this.#pending.add(pending);
      this.#send(pending);
    });
  }

  attach(session: Session): void {
    this.#session = session;
    for (const pending of [...this.#pending]) {
      clearTimeout(pending.retry);
      this.#send(pending);
    }
  }

  detach(): void {
    this.#session = undefined;
  }

  end(error: DistributionClientError): void {
    for (const pending of [...this.#pending]) this.#fail(pending, error);
  }

  #send(pending: Pending): void {
    const session = this.#session;
    if (!session) return;
    const { topic, events } = pending;
    try {
      session.request(
        { $case: "publish", value: { topic, events } },
        {
          answered: (answer) => {
            if (answer.$case === "published") this.#settle(pending, () => pending.resolve(answer.value));
          },
          failed: (error) => this.#failed(pending, session, error),
        },
      );
    } catch (failure) {
      this.#fail(pending, toClientError(failure, "misuse", "The events can't be encoded."));
    }
  }

  #failed(pending: Pending, session: Session, error: DistributionClientError): void {
    // The next session takes it up again.
    if (session.over || !this.#pending.has(pending)) return;
    if (!error.retryable) {
      this.#fail(pending, error);
      return;
    }
    const delayMs = (error.retryAfterMs ?? 0) + backoffMs(pending.attempts, this.#options.backoff, Math.random());
    pending.attempts += 1;
    pending.retry = setTimeout(() => this.#send(pending), delayMs);
  }

  #fail(pending: Pending, error: DistributionClientError): void {
    this.#settle(pending, () => pending.reject(error));
  }

  #settle(pending: Pending, how: () => void): void {
    if (!this.#pending.delete(pending)) return;
    clearTimeout(pending.deadline);
    clearTimeout(pending.retry);
    how();
  }
}

const timeoutError = (ms: number): DistributionClientError =>
  new DistributionClientError(
    "timeout",
    `The publish was not answered within ${ms} ms. Whether the events are in is not known: publish them again with the same ids.`,
  );
