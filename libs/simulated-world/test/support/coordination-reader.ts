/** What holds of decisions, policies and conflicts, whoever made them. */
import {
  Action,
  type CoordinationEvent,
  type DecisionCoordinated,
  ViolationSeverity,
} from "@distribution/proto-types/coordination/v1/coordination";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { exact } from "./exact.ts";

import type { IntelligenceReader } from "./intelligence-reader.ts";
import { found, must, same } from "./must.ts";

type Payload = NonNullable<CoordinationEvent["payload"]>;

type Name = "coordinated" | "approved" | "rejected" | "superseded" | "executed" | "expired";

/** From the comments of the schema. */
const MAY_FOLLOW: Readonly<Record<Name, readonly Name[]>> = {
  coordinated: ["approved", "rejected", "superseded", "expired"],
  approved: ["executed", "superseded", "expired"],
  rejected: [],
  superseded: [],
  executed: [],
  expired: [],
};

const NAMES = {
  decisionCoordinated: "coordinated",
  decisionApproved: "approved",
  decisionRejected: "rejected",
  decisionSuperseded: "superseded",
  decisionExecuted: "executed",
  decisionExpired: "expired",
} as const;

const TYPE_OF = (payload: string): string => {
  const kebab = payload.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `coordination.${kebab}.v1`;
};

export interface DecisionSeen {
  readonly made: CoordinationEvent;
  readonly terms: DecisionCoordinated;
  state: Name;
  /** What a policy said; and a violation that stands for a check before it. */
  failed: string | undefined;
  blocked: boolean;
}

/** What execution knows of a decision when it is said to be executed. */
export interface Executed {
  readonly orders: readonly string[];
  readonly filled: bigint;
  readonly open: number;
}

export class CoordinationReader {
  readonly decisions = new Map<string, DecisionSeen>();
  readonly counts = new Map<string, number>();
  readonly #conflicts = new Map<string, readonly string[] | undefined>();
  readonly #intelligence: IntelligenceReader;
  readonly #executed: (decision: string) => Executed;

  constructor(intelligence: IntelligenceReader, executed: (decision: string) => Executed) {
    this.#intelligence = intelligence;
    this.#executed = executed;
  }

  read(event: Event, message: CoordinationEvent): void {
    const { payload } = message;
    must(payload !== undefined, "it carries something");
    same(event.type, TYPE_OF(payload.$case), "type");
    same(event.subject, message.instrument, "subject");
    same(event.time, message.eventTime, "time");
    this.counts.set(payload.$case, (this.counts.get(payload.$case) ?? 0) + 1);
    switch (payload.$case) {
      case "conflictDetected":
        same(event.key, payload.value.conflictId, "key");
        must(payload.value.decisionIds.length >= 2, "a conflict has two sides");
        for (const id of payload.value.decisionIds) this.#expectOpen(id, message.instrument);
        this.#conflicts.set(payload.value.conflictId, payload.value.decisionIds);
        break;
      case "conflictResolved":
        same(String(payload.value.decisionIds), String(this.#conflicts.get(payload.value.conflictId)), "sides");
        this.#conflicts.set(payload.value.conflictId, undefined);
        if (payload.value.winningDecisionId !== "") {
          this.#expectOpen(payload.value.winningDecisionId, message.instrument);
        }
        break;
      default:
        same(event.key, message.decisionId, "key");
        this.#readDecision(event, message, payload);
    }
  }

  /** Conflicts that nobody settled yet. */
  get openConflicts(): number {
    return [...this.#conflicts.values()].filter((ids) => ids !== undefined).length;
  }

  #readDecision(event: Event, message: CoordinationEvent, payload: Payload): void {
    if (payload.$case === "decisionCoordinated") {
      this.#begin(event, message, payload.value);
      return;
    }
    const seen = found(this.decisions.get(message.decisionId), "the decision was coordinated");
    same(aboutText(message), aboutText(seen.made), "what it is about");
    if (payload.$case === "policyChecked") {
      same(seen.state, "coordinated", "state");
      same(seen.failed, undefined, "a violation that was not told");
      if (!payload.value.passed) seen.failed = payload.value.policyId;
    } else if (payload.$case === "policyViolated") {
      same(payload.value.policyId, seen.failed, "policy that was checked");
      seen.failed = undefined;
      if (payload.value.severity === ViolationSeverity.BLOCKING) seen.blocked = true;
      must(payload.value.limit !== payload.value.actual, "a violation is off the limit");
    } else if (payload.$case in NAMES) {
      this.#step(event, seen, payload);
    }
  }

  #begin(event: Event, message: CoordinationEvent, terms: DecisionCoordinated): void {
    const { decisionId, instrument } = message;
    must(!this.decisions.has(decisionId), "the id is new");
    this.decisions.set(decisionId, { made: message, terms, state: "coordinated", failed: undefined, blocked: false });
    must(exact(terms.quantity) > 0n, "quantity is above zero");
    // The price that it was made at has six places at most.
    same((exact(terms.notional) * 10n ** 6n) % exact(terms.quantity), 0n, "what notional leaves over");
    must(terms.validUntil > event.time, "it is valid for a while");
    must(terms.action === Action.BUY || terms.action === Action.SELL, "it buys or sells");
    if (message.strategy !== "rebalance") must(terms.intelligenceIds.length > 0, "it rests on intelligence");
    const symbol = instrument.split(":")[1] ?? "";
    for (const id of terms.intelligenceIds) {
      if (message.strategy === "netting") must(this.#intelligence.known.has(id), "its source was told of");
      else this.#intelligence.expectValid(id, symbol, event.time);
    }
  }

  #step(event: Event, seen: DecisionSeen, payload: Payload): void {
    const next = NAMES[payload.$case as keyof typeof NAMES];
    must(MAY_FOLLOW[seen.state].includes(next), `${next} may follow ${seen.state}`);
    seen.state = next;
    const { made, terms, blocked } = seen;
    if (blocked) same(next, "rejected", "what follows a blocking policy");
    if (next === "expired") must(event.time >= terms.validUntil, "it expires in its time");
    else must(event.time <= terms.validUntil, "it is valid still");
    if (payload.$case === "decisionSuperseded") {
      must(payload.value.supersededBy !== made.decisionId, "another takes its place");
      this.#expectOpen(payload.value.supersededBy, made.instrument);
    }
    const { orders, filled, open } = this.#executed(made.decisionId);
    same(open, 0, "orders that are open");
    if (payload.$case === "decisionExecuted") {
      same(String(payload.value.orderIds), String(orders), "orders");
      same(exact(payload.value.filledQuantity), filled, "filled quantity");
      must(filled > 0n && filled <= exact(terms.quantity), "some of it is filled, and no more than it is");
    } else {
      same(filled, 0n, "what is filled of a decision that was not executed");
    }
  }

  #expectOpen(id: string, instrument: string): void {
    const { made, state } = found(this.decisions.get(id), `decision ${id} was coordinated`);
    same(made.instrument, instrument, "instrument");
    must(state === "coordinated" || state === "approved", "it has not ended");
  }
}

const aboutText = ({ strategy, portfolioId, instrument }: CoordinationEvent): string =>
  `${strategy} ${portfolioId} ${instrument}`;
