import { seeded } from "../harness/seeded.ts";
import { FIRST_PRICE, INSTRUMENTS, PRICES, symbolOf } from "../service/trades.ts";

/** Distinct filters of an instrument and a band of prices, so wide that an event meets `wanted` of them in the mean. */
export function priceBands(count: number, wanted: number): readonly string[] {
  const random = seeded(11);
  const width = Math.min(PRICES, Math.round((wanted * INSTRUMENTS * PRICES) / count));
  return Array.from({ length: count }, (_, index) => {
    const low = FIRST_PRICE + Math.floor(random() * (PRICES - width + 1));
    // Bounds between two prices, and never the same twice: equal filters would share a class.
    const bound = (value: number): string => `${value}.${String(index).padStart(6, "0")}`;
    return `data.symbol == "${symbolOf(index % INSTRUMENTS)}" && data.trade.price >= ${bound(low)} && data.trade.price < ${bound(low + width)}`;
  });
}
