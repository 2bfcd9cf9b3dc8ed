/** What a portfolio is worth: nav is cash and positions, exactly. */
import {
  checkAbout,
  checkDecimal,
  checkFollows,
  checkSum,
  memberOf,
  type PortfolioInput,
  type Timed,
} from "./checks.ts";

export function nextState(before: Timed | undefined, input: PortfolioInput): Timed {
  const { payload } = input;
  const { nav, cash, positionsValue } = memberOf(payload, "state");
  checkAbout(input, payload.portfolioId);
  checkDecimal(nav, "data.state.nav");
  checkDecimal(cash, "data.state.cash");
  checkDecimal(positionsValue, "data.state.positions_value");
  checkSum(nav, [cash, positionsValue], "data.state.nav", "cash + positions_value");
  checkFollows(before, payload, `Portfolio ${payload.portfolioId}`);
  return { asOf: payload.asOf };
}
