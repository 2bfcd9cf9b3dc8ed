/** The consumer's answers: what is handled is settled here, and told to the service where it wants to know. */
import type { Position } from "@distribution/proto-types/distribution/v1/frames";
import type { ReceivedEvent } from "../events/received-event.ts";
import type { ClientMessage } from "../wire/frames.ts";
import { type Acks, createAcks } from "./acks.ts";
import type { Outcome } from "./consumption.ts";
import type { Lanes } from "./lanes.ts";

export interface AnswersOptions {
  readonly lanes: Lanes;
  readonly atLeastOnce: boolean;
  /** The consumer's progress answers for it. */
  readonly auto: boolean;
  /** For events whose handler failed, ms. */
  readonly nackDelayMs: number;
  /** Does nothing without a session: the next one resumes before what is not settled. */
  send(message: (subscription: number) => ClientMessage): void;
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #acks: Acks;

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#acks = createAcks((positions) =>
      options.send((subscription) => ({ $case: "ack", value: { subscription, token: "", positions } })),
    );
  }

  ack(position: Position | undefined): void {
    if (this.#options.atLeastOnce && this.#settle(position)) this.#acks.add(position);
  }

  nack(positions: readonly Position[], delayMs: number): void {
    if (!this.#options.atLeastOnce) return;
    const refused = positions.filter((position) => this.#options.lanes.lane(position)?.nack(position));
    if (refused.length === 0) return;
    this.#options.send((subscription) => ({ $case: "nack", value: { subscription, positions: refused, delayMs } }));
  }

  /** Settled before, and sent again by a session that does not know. */
  repeat(position: Position): void {
    if (this.#options.atLeastOnce) this.#acks.add(position);
  }

  /** The consumer asks for the next ones. */
  done(events: readonly ReceivedEvent<unknown>[], outcome: Outcome): void {
    const { lanes, atLeastOnce, auto, nackDelayMs } = this.#options;
    if (!atLeastOnce) {
      for (const { position } of events) this.#settle(position);
      return;
    }
    if (!auto) return;
    const open = events.flatMap(({ position }) =>
      position && lanes.lane(position)?.isTaken(position) ? position : [],
    );
    if (outcome.kind === "handled") for (const position of open) this.ack(position);
    else this.nack(open, outcome.kind === "left" ? 0 : nackDelayMs);
  }

  flush(): void {
    this.#acks.flush();
  }

  /** The session is over: the next one resumes after what waits here. */
  clear(): void {
    this.#acks.clear();
  }

  #settle(position: Position | undefined): position is Position {
    return position !== undefined && this.#options.lanes.lane(position)?.settle(position) === true;
  }
}
