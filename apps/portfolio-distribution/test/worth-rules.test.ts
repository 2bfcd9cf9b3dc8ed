/** What events of portfolios and positions have to be, and what may follow what. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PortfolioInput } from "../src/domain/rules/checks.ts";
import { nextPosition } from "../src/domain/rules/position.ts";
import { nextState } from "../src/domain/rules/state.ts";
import { at, INSTRUMENT, inputOf, mark, position, state } from "./support/events.ts";
import { byMessage, fold, refusal } from "./support/rules.ts";

describe("a state of a portfolio", () => {
  it("is taken where nav is cash and positions, exactly, also below zero and at any length", () => {
    const long = { cash: "-12345678901234567890.000000000000000001", positionsValue: "0.3", nav: "" };
    expect(fold(nextState, state())).toEqual({ asOf: at(0) });
    expect(fold(nextState, state({}, { ...long, nav: "-12345678901234567889.700000000000000001" }))).toBeDefined();
    // As binary floats the sum is 0.30000000000000004.
    expect(fold(nextState, state({}, { cash: "0.1", positionsValue: "0.2", nav: "0.3" }))).toBeDefined();
  });

  it.each(
    byMessage([
      [state({}, { nav: "100.51" }), "invalid_event data.state.nav: It is 100.51; cash + positions_value is 100.5."],
      [state({}, { nav: "" }), "invalid_event data.state.nav: It is required: a decimal number like -12.345."],
      [state({}, { cash: "90.250" }), 'invalid_event data.state.cash: "90.250" is no decimal number in canonical form'],
      [
        state({ key: "income" }),
        'invalid_event key: It is "income"; an event with this payload has the key "growth" (partitionkey in CloudEvents).',
      ],
      [state({ portfolio: "a/b" }), 'invalid_event data.portfolio_id: "a/b" is no such id'],
      [state({ portfolio: "x".repeat(65) }), "invalid_event data.portfolio_id"],
      [state({ more: { currency: "" } }), "invalid_event data.currency: State the currency"],
      [state({ more: { asOf: "0" } }), "invalid_event data.as_of: It is 0; state a time after 1973 in nanoseconds"],
      [state({ more: { asOf: "1767623400123" } }), "invalid_event data.as_of: It is 1767623400123; state a time"],
      [{ ...state(), data: position().data }, "invalid_event data.state: It is required here."],
    ]),
  )("is refused: %s", (expected, told) => {
    expect(refusal(() => fold(nextState, told))).toContain(expected);
  });

  it("does not go back in time, and may be told again for the same time", () => {
    expect(fold(nextState, state({ seconds: 2 }), state({ seconds: 2 }), state({ seconds: 3 }))).toEqual({
      asOf: at(3),
    });
    expect(refusal(() => fold(nextState, state({ seconds: 2 }), state({ seconds: 1.999 })))).toBe(
      "illegal_transition data.as_of: It is 2026-01-05T14:30:01.999Z, and Portfolio growth has been told as of " +
        "2026-01-05T14:30:02Z; time does not go back.",
    );
  });

  it("is exact for all amounts: the sum is taken and nothing beside it", () => {
    const amount = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    fc.assert(
      fc.property(amount, amount, (cash, value) => {
        const text = (cents: bigint) => cents.toString();
        const fields = { cash: text(cash), positionsValue: text(value), nav: text(cash + value) };
        expect(refusal(() => fold(nextState, state({}, fields)))).toBe("none");
        expect(refusal(() => fold(nextState, state({}, { ...fields, nav: text(cash + value + 1n) })))).toContain("nav");
      }),
    );
  });
});

describe("a position", () => {
  const next = (before: ReturnType<typeof nextPosition> | undefined, input: PortfolioInput) =>
    nextPosition(before, input);

  it("is taken where its value is quantity times price, exactly", () => {
    const fields = { quantity: "-0.0000001", price: "123456789.000001", value: "-12.3456789000001" };
    expect(fold(next, position({}, fields))).toMatchObject({ quantity: "-0.0000001" });
    expect(refusal(() => fold(next, position({}, { ...fields, value: "-12.3456789000002" })))).toBe(
      "invalid_event data.position.value: It is -12.3456789000002; quantity * price is -12.3456789000001.",
    );
  });

  it("changes its quantity by an execution only", () => {
    const first = position({}, { executionId: "e-1" });
    const priced = mark({ seconds: 1 }, { quantity: "10", price: "2", value: "20" });
    const sold = { quantity: "4", price: "2", value: "8" };
    expect(fold(next, first, priced, position({ seconds: 2 }, { ...sold, executionId: "e-2" }))).toMatchObject({
      quantity: "4",
    });
    expect(refusal(() => fold(next, first, priced, mark({ seconds: 2 }, sold)))).toBe(
      `illegal_transition data.position.execution_id: growth's position in ${INSTRUMENT} is 10, and this says 4; ` +
        "name the execution that changed it.",
    );
  });

  it("is not changed by an execution twice; those of another order have other numbers", () => {
    const first = position({}, { orderId: "o-1", executionId: "e-1" });
    const again = position({ seconds: 1 }, { orderId: "o-1", executionId: "e-1", quantity: "20", value: "30" });
    expect(refusal(() => fold(next, first, again))).toBe(
      `illegal_transition data.position.execution_id: Execution e-1 of order o-1 has changed growth's position in ` +
        `${INSTRUMENT} before; leave it out where only the price is new.`,
    );
    const other = position({ seconds: 1 }, { orderId: "o-2", executionId: "e-1", quantity: "20", value: "30" });
    expect(fold(next, first, other)).toMatchObject({ quantity: "20" });
    // Without an order, and where the parts together read the same.
    const bare = (seconds: number, orderId: string, executionId: string) =>
      position({ seconds }, { orderId, executionId });
    expect(fold(next, bare(0, "a", "b/c"), bare(1, "a/b", "c"))).toBeDefined();
    expect(refusal(() => fold(next, bare(0, "", "a"), bare(1, "", "a")))).toContain("Execution a has changed");
  });

  it("may begin with any quantity: the log may begin later than it did", () => {
    expect(fold(next, mark({}, { quantity: "10" }))).toMatchObject({ quantity: "10" });
  });

  it.each(
    byMessage([
      [position({}, { instrument: "TEC04" }), "invalid_event data.position.instrument"],
      [position({ key: "growth/other:X" }), "invalid_event key"],
      [position({}, { price: "01.5" }), 'invalid_event data.position.price: "01.5" is no decimal number in canonical'],
      [position({}, { cost: "" }), "invalid_event data.position.cost: It is required"],
      [
        position({}, { executionId: "x".repeat(129) }),
        "invalid_event data.position.execution_id: It has 129 characters",
      ],
      [position({}, { orderId: "x".repeat(129) }), "invalid_event data.position.order_id: It has 129 characters"],
    ]),
  )("is refused: %s", (expected, told) => {
    expect(refusal(() => fold(next, told))).toContain(expected);
  });

  it("does not go back in time", () => {
    const back = position({ seconds: 1 }, { executionId: "e-2" });
    expect(refusal(() => fold(next, position({ seconds: 2 }), back))).toContain("illegal_transition data.as_of");
  });

  it("knows executions again for as long as it is told to, and leaves the state before as it was", () => {
    const fill = (number: number) => inputOf(position({ seconds: number }, { executionId: `e-${number}` }));
    let now = nextPosition(undefined, fill(0), 3);
    const first = now;
    for (let number = 1; number < 50; number += 1) {
      const before = now;
      now = nextPosition(now, fill(number), 3);
      for (const known of [number, number - 1, number - 2].filter((each) => each >= 0)) {
        const again = inputOf(
          position({ seconds: number }, { executionId: `e-${known}`, quantity: "11", value: "16.5" }),
        );
        expect(refusal(() => nextPosition(now, again, 3))).toContain("execution_id");
      }
      expect(refusal(() => nextPosition(before, fill(number), 3))).toBe("none");
    }
    expect(refusal(() => nextPosition(first, fill(1), 3))).toBe("none");
    expect(now.executions.older.size + now.executions.newer.size + now.executions.last.size).toBeLessThanOrEqual(6);
  });
});
