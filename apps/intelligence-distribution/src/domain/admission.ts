/** What a finding must be to be taken: the checks of `findings.ts`, the key of its event, and an id that nobody has used. */
import { fieldError } from "@distribution/core/errors";
import type { TransitionRule } from "@distribution/core/ingest";
import type { Projection } from "@distribution/core/projections";
import { FINDING, type Finding } from "./findings.ts";
import { FINDING_TYPES, TOPICS } from "./topics.ts";

/** The ids that a publish claims for one symbol: the first `count` of these. Later states share the map of those before them. */
export interface Claims {
  readonly ids: ReadonlyMap<string, number>;
  readonly count: number;
}

/**
 * One a topic that findings are published on; copies come from there, whatever topic the publisher named. An id is known when its
 * finding is kept, and, of the same symbol, while it is on its way: `data.intelligence_id` is then refused with `event_conflict`.
 */
export function admissionRules(findings: Projection<Finding>): readonly TransitionRule<Claims, Finding>[] {
  return FINDING_TYPES.map((type) => ({
    topic: TOPICS[type],
    payload: FINDING,
    // Nothing depends on what came before, but the id, which is asked of all symbols.
    current: () => undefined,
    reached: (position) => findings.reached(position),
    beside: FINDING_TYPES.filter((other) => other !== type).map((other) => TOPICS[other]),
    next(claims, { envelope: { key }, payload: { symbol, intelligenceId } }) {
      if (key !== symbol) {
        throw fieldError("invalid_event", "key", `must be the symbol, "${symbol}"; it is ${JSON.stringify(key)}.`);
      }
      if (findings.find(intelligenceId)) throw taken(intelligenceId, "a finding that is kept");
      return claim(claims, intelligenceId);
    },
  }));
}

function claim({ ids, count }: Claims = { ids: new Map(), count: 0 }, id: string): Claims {
  const place = ids.get(id);
  if (place !== undefined && place < count) throw taken(id, "another finding of this publish");
  // Only the newest state adds to the map that it shares; an older one takes a copy of what is its own.
  const own = ids.size === count ? (ids as Map<string, number>) : new Map([...ids].slice(0, count));
  own.set(id, count);
  return { ids: own, count: count + 1 };
}

function taken(id: string, by: string) {
  const remedy =
    "Give every finding an id of its own; to repeat one, send the event as it was, with the same source and id.";
  return fieldError("event_conflict", "data.intelligence_id", `"${id}" is the id of ${by}. ${remedy}`);
}
