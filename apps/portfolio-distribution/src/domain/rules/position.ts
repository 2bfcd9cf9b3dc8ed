/** A position: its value is quantity times price, exactly, and only an execution changes its quantity, each once. */
import {
  checkAbout,
  checkDecimal,
  checkFollows,
  checkInstrument,
  checkProduct,
  checkText,
  illegal,
  memberOf,
  type PortfolioInput,
  TEXT_LIMITS,
  type Timed,
  type ValueOf,
} from "./checks.ts";
import { type Executions, hasExecution, NO_EXECUTIONS, withExecution } from "./executions.ts";

export interface PositionState extends Timed {
  readonly quantity: string;
  readonly executions: Executions;
}

/** Executions of a position that are known again at least. An older one that comes again is refused by its time. */
export const MAX_EXECUTIONS = 1_000;

const DECIMALS = ["quantity", "price", "value", "cost"] as const;

/** Of a position that nothing is known of any quantity is taken: the log may begin later than it did. */
export function nextPosition(
  before: PositionState | undefined,
  input: PortfolioInput,
  maxExecutions = MAX_EXECUTIONS,
): PositionState {
  const { payload } = input;
  const position = memberOf(payload, "position");
  const { instrument, quantity, price, value, executionId } = position;
  checkInstrument(instrument, "data.position.instrument");
  checkAbout(input, `${payload.portfolioId}/${instrument}`);
  for (const name of DECIMALS) checkDecimal(position[name], `data.position.${name}`);
  checkText(position.orderId, TEXT_LIMITS.id, "data.position.order_id");
  checkText(executionId, TEXT_LIMITS.id, "data.position.execution_id");
  checkProduct(value, [quantity, price], "data.position.value", "quantity * price");
  const what = `${payload.portfolioId}'s position in ${instrument}`;
  checkFollows(before, payload, what);
  if (before) checkExecution(before, position, what);
  const executions = before?.executions ?? NO_EXECUTIONS;
  const { asOf } = payload;
  if (executionId === "") return { asOf, quantity, executions };
  return { asOf, quantity, executions: withExecution(executions, nameOf(position), maxExecutions) };
}

/** Of its execution: venues number them by order. Different ones have different names. */
const nameOf = ({ orderId, executionId }: ValueOf<"position">): string => `${orderId.length} ${orderId}/${executionId}`;

function checkExecution(before: PositionState, position: ValueOf<"position">, what: string): void {
  const { orderId, executionId, quantity } = position;
  if (executionId === "" && quantity !== before.quantity) {
    const change = `${what} is ${before.quantity}, and this says ${quantity}`;
    throw illegal("data.position.execution_id", `${change}; name the execution that changed it.`);
  }
  if (executionId !== "" && hasExecution(before.executions, nameOf(position))) {
    const of = orderId === "" ? "" : ` of order ${orderId}`;
    const known = `Execution ${executionId}${of} has changed ${what} before`;
    throw illegal("data.position.execution_id", `${known}; leave it out where only the price is new.`);
  }
}
