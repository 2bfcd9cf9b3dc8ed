/** Two portfolios with a little of everything, for tests that read. */
import {
  at,
  attribution,
  breach,
  completion,
  INSTRUMENT,
  mark,
  performance,
  position,
  proposal,
  state,
} from "./events.ts";
import { askUntil, tell } from "./rest.ts";
import type { Ports } from "./service.ts";

/** Its symbol has a slash. */
export const OTHER = "cme:6E/Z5";
/** The position with the highest value. */
export const OPEN = "west:FIN01-USD";

/** Seconds after the start of the tests' time, as answers write them. */
export const ns = (seconds: number): string => String(at(seconds));

/** All that can be asked of it. */
export const ADDRESSES = [
  "/portfolios",
  "/portfolio/growth/state",
  "/portfolio/growth/history",
  "/portfolio/growth/performance",
  "/portfolio/growth/attribution",
  "/portfolio/growth/positions",
  `/portfolio/growth/positions/${INSTRUMENT}/history`,
  "/portfolio/growth/breaches",
  "/portfolio/growth/rebalances",
];

/** Resolves when the read models have all of it. */
export async function tellGrowth(ports: Ports): Promise<void> {
  const held = (seconds: number, instrument: string, quantity: string, price: string, value: string, id: string) =>
    position({ seconds }, { instrument, quantity, price, value, executionId: id });
  await tell(
    ports,
    state({ seconds: 0 }, { nav: "100.5" }),
    state({ seconds: 10 }, { nav: "101.5", cash: "91.25" }),
    state({ seconds: 10 }, { nav: "101.75", cash: "91.5" }),
    state({ seconds: 20 }, { nav: "102.5", cash: "92.25" }),
    state({ portfolio: "income", seconds: 5 }),
    held(0, INSTRUMENT, "10", "1.5", "15", "e-1"),
    mark({ seconds: 1 }, { quantity: "10", price: "1.25", value: "12.5" }),
    held(2, OTHER, "-2", "1.1", "-2.2", "e-2"),
    held(3, OPEN, "100", "9", "900", "e-3"),
    held(4, "east:OLD-USD", "1", "1", "1", "e-4"),
    held(5, "east:OLD-USD", "0", "1", "0", "e-5"),
    performance({ seconds: 0 }, { periodReturn: "0.01" }),
    performance({ seconds: 10 }, { periodReturn: "0.02", benchmark: "", benchmarkReturn: "" }),
    performance({ seconds: 20 }, { periodReturn: "0.03", benchmark: "OTHER", benchmarkReturn: "0.5" }),
    performance({ seconds: 30 }, { period: "PERIOD_INCEPTION", periodReturn: "0.4" }),
    attribution({ seconds: 0 }),
    attribution({ seconds: 10 }, { contributions: [] }),
    breach({ seconds: 0 }),
    breach({ seconds: 1 }, { kind: "LIMIT_KIND_POSITION_SIZE", instrument: INSTRUMENT, limit: "9", actual: "10" }),
    breach({ seconds: 2 }),
    proposal({ seconds: 0 }),
    proposal({ seconds: 1 }, { rebalanceId: "r-2", trades: [] }),
    completion({ seconds: 2 }),
  );
  const last = (path: string, wanted: string) =>
    askUntil(ports, path, ({ body }) => JSON.stringify(body).includes(wanted));
  await last("/portfolio/growth/state", '"102.5"');
  await last("/portfolio/income/state", '"100.5"');
  await last("/portfolio/growth/positions/east:OLD-USD/history", '"e-5"');
  await last("/portfolio/growth/performance?period=inception", '"0.4"');
  await last("/portfolio/growth/attribution", ns(10));
  await last("/portfolio/growth/breaches", ns(2));
  await last("/portfolio/growth/rebalances", '"completed"');
}
