/** What a domain says of a topic whose events follow on each other. */
import type { Position } from "../brokers/contract.ts";
import type { EventHead } from "../events/index.ts";

export interface JudgedEvent<Payload> {
  readonly envelope: EventHead;
  readonly payload: Payload;
}

/** What a rule knows of the log: a projection. */
export interface RuleModel {
  readonly name: string;
  /** Resolves when what it says has the event at the position in it. */
  reached(position: Position): Promise<void>;
  /**
   * Why it does not know what the log has in the partition, or anywhere in its topics where none is given; for people, with its
   * name. Undefined: it does, but for at most `lag` events of a partition, which are on their way.
   */
  lack(lag: number, place?: { readonly topic: string; readonly partition: number }): string | undefined;
}

/** What may follow what, on one topic. */
export interface TransitionRule<State, Payload> {
  readonly topic: string;
  /** Given a view of what was published: what is to be kept has to be copied, as generated code does. */
  readonly payload: { decode(bytes: Uint8Array): Payload };
  /**
   * The projections of this topic that the rule asks. What an event claims is free again when all of them have the event; where one
   * does not follow the event's partition, events with claims are refused with `unavailable`.
   */
  readonly by: readonly RuleModel[];
  /** Projections of which more is asked than what the event's own partition has: nothing at all may be lacking in them. */
  readonly beside?: readonly RuleModel[];
  /**
   * What the event rests on or changes, by names of the whole service, such as `finding i-1`. Of publishes that have a name in
   * common, of whatever topics, one is judged when what the one before did is in the projections; they come to it in the order in
   * which they came in. The first name is that of the state: events of one publish that have it in common follow each other.
   * None: the event is judged by itself. Default: its key on this topic, and none where there is no `current`.
   */
  claims?(event: JudgedEvent<Payload>): readonly string[];
  /** The state that the log has left the key in; undefined: nothing is known of it. It is not changed by whoever asks. */
  current?(key: string, event: JudgedEvent<Payload>): State | undefined;
  /**
   * The state after the event. Throws `illegal_transition`, at a path below the event such as `type`, when it cannot
   * follow; the message says what state the key is in and what may follow. Throws `invalid_event` for what never can,
   * and `event_conflict` for an identity of its own that another event has.
   */
  next(state: State | undefined, event: JudgedEvent<Payload>): State | undefined;
}
