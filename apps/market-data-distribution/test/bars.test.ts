import { Big } from "big.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BarBuilderOptions, type BarOfInstrument, createBarBuilder } from "../src/domain/bars.ts";
import { thrownBy } from "./support/market.ts";

const SECOND = 1_000_000_000n;
const at = (seconds: number): bigint => 1_600_000_000n * SECOND + BigInt(Math.round(seconds * 1e9));
const tradeAt = (seconds: number, price: string, size = "1", instrument = "v:A") => ({
  instrument,
  time: at(seconds),
  price,
  size,
});
const builder = (options: Partial<BarBuilderOptions> = {}) => createBarBuilder({ intervals: ["1s"], ...options });

describe("a bar", () => {
  it("is told once, when the feed's time is the lateness past its end", () => {
    const bars = builder({ latenessMs: 500 });
    bars.advance(at(0));
    for (const [seconds, price] of [
      [0.1, "5"],
      [0.2, "7"],
      [0.3, "4"],
      [0.9, "6"],
    ] as const) {
      bars.add(tradeAt(seconds, price, "0.1"));
    }
    expect(bars.advance(at(1.499_999_999))).toEqual([]);
    expect(bars.advance(at(1.5))).toEqual([
      {
        instrument: "v:A",
        bar: {
          interval: "1s",
          start: at(0),
          end: at(1),
          open: "5",
          high: "7",
          low: "4",
          close: "6",
          volume: "0.4",
          tradeCount: 4n,
          revision: 0,
        },
      },
    ]);
    expect(bars.advance(at(10))).toEqual([]);
  });

  it("takes the trade at its first nanosecond and not the one at its end", () => {
    const bars = builder({ latenessMs: 0 });
    bars.add(tradeAt(0, "1"));
    bars.add(tradeAt(0.999_999_999, "2"));
    bars.add(tradeAt(1, "3"));
    expect(bars.advance(at(1)).map(({ bar }) => [bar.open, bar.close, bar.tradeCount])).toEqual([["1", "2", 2n]]);
  });

  it("is made for each interval and instrument, and for none without trades", () => {
    const bars = builder({ intervals: ["1s", "5s"], latenessMs: 0 });
    bars.add(tradeAt(0, "1"));
    bars.add(tradeAt(3, "2", "1", "v:B"));
    const told = bars.advance(at(5)).map(({ instrument, bar }) => `${instrument} ${bar.interval} ${bar.start - at(0)}`);
    expect(told).toEqual(["v:A 1s 0", "v:B 1s 3000000000", "v:A 5s 0", "v:B 5s 0"]);
  });

  it("goes by exchange time, and by arrival among equal times", () => {
    const bars = builder();
    bars.add(tradeAt(0.5, "5"));
    bars.add(tradeAt(0.2, "2"));
    bars.add(tradeAt(0.2, "3"));
    bars.add(tradeAt(0.5, "6"));
    expect(bars.flush()[0]?.bar).toMatchObject({ open: "2", close: "6" });
  });
});

describe("a late trade", () => {
  it("corrects a bar that was told, which comes again with the next revision", () => {
    const bars = builder({ latenessMs: 0 });
    bars.add(tradeAt(0.5, "5"));
    bars.advance(at(1));
    expect(bars.add(tradeAt(0.4, "4")).bars[0]?.bar).toMatchObject({
      open: "4",
      close: "5",
      revision: 1,
      tradeCount: 2n,
    });
    expect(bars.add(tradeAt(0.6, "6")).bars[0]?.bar).toMatchObject({ close: "6", revision: 2 });
  });

  it("makes a bar of its own where there was none, told at the next step of time", () => {
    const bars = builder({ latenessMs: 0 });
    bars.advance(at(5));
    expect(bars.add(tradeAt(2.5, "5"))).toEqual({ bars: [], missed: [] });
    expect(bars.advance(at(5.1))).toHaveLength(1);
  });

  it("is missed by the bar once the time for corrections is over", () => {
    const bars = builder({ latenessMs: 0, correctionMs: 2000 });
    bars.add(tradeAt(0.5, "5"));
    bars.advance(at(2.999_999_999));
    expect(bars.add(tradeAt(0.6, "6")).missed).toEqual([]);
    bars.advance(at(3));
    expect(bars.add(tradeAt(0.7, "7"))).toEqual({ bars: [], missed: ["1s"] });
    expect(bars.size).toBe(0);
  });
});

describe("the memory of bars", () => {
  it("is bounded against trades ahead of the feed's time", () => {
    const bars = builder({ aheadMs: 1000 });
    bars.advance(at(0));
    expect(bars.add(tradeAt(1, "1")).missed).toEqual([]);
    expect(bars.add(tradeAt(1.000_000_001, "1")).missed).toEqual(["1s"]);
  });

  it("is free after a flush, which tells only what was not told", () => {
    const bars = builder({ latenessMs: 0 });
    bars.add(tradeAt(0, "1"));
    bars.advance(at(1));
    bars.add(tradeAt(1, "2"));
    expect(bars.flush().map(({ bar }) => bar.open)).toEqual(["2"]);
    expect(bars.size).toBe(0);
    bars.advance(at(0));
    expect(bars.add(tradeAt(0, "3")).missed).toEqual([]);
  });

  it("has options within stated ranges", () => {
    expect(thrownBy(() => builder({ latenessMs: -1 }))).toMatchObject({
      code: "invalid_request",
      errors: [{ path: "latenessMs" }],
    });
    expect(() => builder({ latenessMs: 0, correctionMs: 0 })).not.toThrow();
    expect(() => builder({ aheadMs: 86_400_000 })).not.toThrow();
    expect(() => builder({ aheadMs: 86_400_001 })).toThrow(/86400000/);
    expect(() => builder({ latenessMs: 500, correctionMs: 500 })).not.toThrow();
    expect(() => builder({ latenessMs: 500, correctionMs: 499 })).toThrow(/at least latenessMs/);
  });
});

describe("any trades in any order of arrival within the time for corrections", () => {
  const trades = fc.array(
    fc.record({
      seconds: fc.integer({ min: 0, max: 9999 }).map((ms) => ms / 1000),
      price: fc.integer({ min: 1, max: 500 }).map((ticks) => Big(ticks).div(100).toFixed()),
      size: fc.integer({ min: 1, max: 99 }).map((lots) => Big(lots).div(10).toFixed()),
    }),
    { maxLength: 40 },
  );

  it("give, in their last revisions, the bars of a naive sum over the trades", () => {
    fc.assert(
      fc.property(trades, fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 }), (given, steps) => {
        const bars = builder({ intervals: ["1s", "5s"] });
        const told: BarOfInstrument[] = [];
        let now = 0;
        given.forEach(({ seconds, price, size }, index) => {
          now += steps[index] ?? 0;
          told.push(...bars.advance(at(Math.min(now, 50))));
          told.push(...bars.add(tradeAt(seconds, price, size)).bars);
        });
        told.push(...bars.flush());
        const last = new Map<string, unknown>();
        for (const { bar } of told) {
          const { revision: _, ...rest } = bar;
          last.set(`${bar.interval} ${bar.start}`, rest);
        }
        expect(last).toEqual(naiveBars(given));
      }),
    );
  });
});

interface GivenTrade {
  readonly seconds: number;
  readonly price: string;
  readonly size: string;
}

/** Group, sort, sum. */
function naiveBars(given: readonly GivenTrade[]): Map<string, unknown> {
  const bars = new Map<string, unknown>();
  for (const [interval, length] of [
    ["1s", 1],
    ["5s", 5],
  ] as const) {
    for (let start = 0; start < 10; start += length) {
      const inside = given.filter(({ seconds }) => seconds >= start && seconds < start + length);
      if (inside.length === 0) continue;
      // A stable sort: arrival decides among equal times.
      const ordered = inside.toSorted((a, b) => a.seconds - b.seconds);
      const prices = ordered.map(({ price }) => Big(price)).sort((a, b) => a.cmp(b));
      bars.set(`${interval} ${at(start)}`, {
        interval,
        start: at(start),
        end: at(start + length),
        open: ordered.at(0)?.price,
        high: prices.at(-1)?.toFixed(),
        low: prices.at(0)?.toFixed(),
        close: ordered.at(-1)?.price,
        volume: ordered.reduce((sum, { size }) => sum.plus(size), Big(0)).toFixed(),
        tradeCount: BigInt(ordered.length),
      });
    }
  }
  return bars;
}
