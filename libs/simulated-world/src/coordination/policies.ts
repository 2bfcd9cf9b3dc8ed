/** What policies say of a decision before anybody approves it. */
import { ViolationSeverity } from "@distribution/proto-types/coordination/v1/coordination";
import { absolute, amountText, fractionOf, fractionText, thousandths } from "../engine/decimals.ts";
import { KINDS } from "../engine/kinds.ts";
import { priceOf } from "../market/prices.ts";
import { navOf } from "../portfolio/portfolios.ts";
import type { Simulation } from "../simulation.ts";
import type { Decision } from "../state.ts";
import { tellPolicy } from "./voice.ts";

interface Verdict {
  readonly severity: ViolationSeverity;
  readonly limit: string;
  readonly actual: string;
}

interface Policy {
  readonly id: string;
  readonly text: string;
  /** Undefined: the decision keeps to it. */
  judge(world: Simulation, decision: Decision): Verdict | undefined;
}

const { WARNING, BLOCKING } = ViolationSeverity;

const AMOUNT_ONE = 10_000_000_000n;
const NOTIONAL_WARNING = 250_000n * AMOUNT_ONE;
const NOTIONAL_BLOCK = 400_000n * AMOUNT_ONE;
/** Of nav, at twelve places. */
const EXPOSURE_WARNING = 20_000_000_000n;
const EXPOSURE_BLOCK = 28_000_000_000n;
/** Thousandths. */
const CONFIDENCE_WARNING = 300;
const CONFIDENCE_BLOCK = 240;

const POLICIES: readonly Policy[] = [
  {
    id: "largest-notional",
    text: "The decision is larger than one decision may be.",
    judge(world, { quantity, instrument }) {
      const actual = quantity * priceOf(world, instrument);
      return over(actual, NOTIONAL_WARNING, NOTIONAL_BLOCK, amountText);
    },
  },
  {
    id: "largest-exposure",
    text: "The portfolio would hold more of the instrument than it may.",
    judge(world, { portfolio, instrument, direction, quantity }) {
      const owner = world.state.portfolios[portfolio]!;
      const after = owner.holdings[instrument]!.quantity + BigInt(direction) * quantity;
      const actual = fractionOf(absolute(after * priceOf(world, instrument)), navOf(owner));
      return over(actual, EXPOSURE_WARNING, EXPOSURE_BLOCK, fractionText);
    },
  },
  {
    id: "least-confidence",
    text: "The strategies are less sure of the decision than they have to be.",
    judge(_world, { confidence }) {
      if (confidence >= CONFIDENCE_WARNING) return undefined;
      const blocks = confidence < CONFIDENCE_BLOCK;
      const limit = thousandths(blocks ? CONFIDENCE_BLOCK : CONFIDENCE_WARNING);
      return { severity: blocks ? BLOCKING : WARNING, limit, actual: thousandths(confidence) };
    },
  },
];

/** Tells what every policy says. Returns the first one that blocks. */
export function judge(world: Simulation, decision: Decision): string | undefined {
  let blocking: string | undefined;
  for (const policy of POLICIES) {
    const verdict = policy.judge(world, decision);
    const value = { policyId: policy.id, passed: verdict === undefined };
    tellPolicy(world, KINDS.policyChecked, decision, () => ({ $case: "policyChecked", value }));
    if (!verdict) continue;
    tellPolicy(world, KINDS.policyViolated, decision, () => ({
      $case: "policyViolated",
      value: { policyId: policy.id, text: policy.text, ...verdict },
    }));
    if (verdict.severity === BLOCKING) blocking ??= policy.id;
  }
  return blocking;
}

function over(actual: bigint, warning: bigint, block: bigint, text: (value: bigint) => string): Verdict | undefined {
  if (actual <= warning) return undefined;
  const blocks = actual > block;
  return { severity: blocks ? BLOCKING : WARNING, limit: text(blocks ? block : warning), actual: text(actual) };
}
