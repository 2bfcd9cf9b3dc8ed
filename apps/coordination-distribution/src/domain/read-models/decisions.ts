/** Every decision with its history, listed by last change, creation and urgency. */
import { createProjection, defineIndex, type Entry, from, lastChange } from "@distribution/core/projections";
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import { DECISION_STATES, type Decision, type DecisionState, nextDecision } from "../decision.ts";
import { recordOf } from "../names.ts";
import { TOPICS } from "../topics.ts";
import { bytesOfTexts, bytesOfTold, type Told, toldOf } from "./told.ts";

/** What the event said beside the state: fields of its payload. */
export interface Step extends Told {
  readonly state: DecisionState;
  readonly approvedBy?: string;
  readonly rejectedBy?: string;
  readonly reason?: string;
  readonly supersededBy?: string;
  readonly orderIds?: readonly string[];
  readonly filledQuantity?: string;
}

export interface DecisionRecord {
  readonly decision: Decision;
  /** Oldest first: three at most, as a life has no more. */
  readonly history: readonly Step[];
}

export interface DecisionList {
  readonly state?: DecisionState | undefined;
  readonly strategy?: string | undefined;
  readonly portfolioId?: string | undefined;
  readonly instrument?: string | undefined;
}

/** The name of the list of those decisions, where there is one: see `byChange`. Ids have no "/". */
export function decisionList({ state, strategy, portfolioId, instrument }: DecisionList): string {
  if (instrument !== undefined) return `instrument/${instrument}`;
  if (portfolioId !== undefined) return `portfolio/${portfolioId}`;
  if (strategy !== undefined) return state === undefined ? `strategy/${strategy}` : `strategy/${strategy}/${state}`;
  return state === undefined ? "" : `state/${state}`;
}

/** All, and those of its state: made once, as every event asks for them in every index. */
const LISTS_OF = recordOf(DECISION_STATES, (state): readonly string[] => ["", decisionList({ state })]);

const ofState = ({ state: { decision } }: Entry<DecisionRecord>): readonly string[] => LISTS_OF[decision.state];

/** Also by strategy, strategy and state, portfolio, and instrument. */
export const byChange = defineIndex<DecisionRecord, bigint>({
  name: "changed",
  group({ state: { decision } }) {
    const { state, strategy, portfolioId, instrument } = decision;
    const more = [{ strategy }, { strategy, state }, { portfolioId }, { instrument }];
    return [...LISTS_OF[state], ...more.map(decisionList)];
  },
  sort: lastChange,
});

export const byCreation = defineIndex<DecisionRecord, bigint>({
  name: "created",
  group: ofState,
  sort: ({ state: { decision } }) => decision.createdAt,
});

/** Of the same urgency by creation. */
export const byUrgency = defineIndex<DecisionRecord, bigint>({
  name: "urgency",
  group: ofState,
  sort: ({ state: { decision } }) => (BigInt(decision.urgency) << 64n) + decision.createdAt,
});

export interface Bounds {
  readonly keys: number;
  readonly bytes: number;
}

export function createDecisions(bounds: Bounds) {
  return createProjection<DecisionRecord>({
    ...{ name: "decisions", version: 1, bounds },
    // What has not ended has steps to come, which only a known decision can take.
    keep: ({ decision }) => decision.state === "coordinated" || decision.state === "approved",
    sources: [
      from(TOPICS.decisions, CoordinationEvent, {
        apply(record: DecisionRecord | undefined, event) {
          const decision = nextDecision(record?.decision, event);
          const step: Step = { state: decision.state, ...toldOf(event), ...saidBy(event.payload) };
          return { decision, history: [...(record?.history ?? []), step] };
        },
      }),
    ],
    indexes: [byChange, byCreation, byUrgency],
    sizeOf,
    missing: (id) => `There is no decision ${id}. GET /api/v1/decisions lists what is known.`,
  });
}

/** What is the step's own: of the coordination it is the decision's. */
function saidBy({ payload }: CoordinationEvent): Partial<Step> {
  switch (payload?.$case) {
    case "decisionApproved":
    case "decisionRejected":
    case "decisionSuperseded":
    case "decisionExecuted":
      return payload.value;
    default:
      return {};
  }
}

const DECISION_BYTES = 400;

function sizeOf({ decision, history }: DecisionRecord): number {
  const { strategy, portfolioId, instrument, quantity, notional, confidence, intelligenceIds } = decision;
  let bytes = DECISION_BYTES + bytesOfTexts([strategy, portfolioId, instrument, quantity, notional, confidence]);
  bytes += bytesOfTexts(intelligenceIds);
  for (const step of history) {
    const {
      approvedBy = "",
      rejectedBy = "",
      reason = "",
      supersededBy = "",
      orderIds = [],
      filledQuantity = "",
    } = step;
    bytes += bytesOfTold(step) + bytesOfTexts([approvedBy, rejectedBy, reason, supersededBy, filledQuantity]);
    bytes += bytesOfTexts(orderIds);
  }
  return bytes;
}
