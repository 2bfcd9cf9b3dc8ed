/** Filters and events for the matching bench: five ways in which subscribers of a market tend to ask. */
import { seeded } from "./harness/seeded.ts";

export type Mix = "keyed" | "keyeq" | "range" | "wild" | "zipf";
export const MIXES: readonly Mix[] = ["keyed", "keyeq", "range", "wild", "zipf"];

const SYMBOLS = 5_000;
const VENUES = ["XNAS", "XNYS", "XLON", "XETR", "XPAR", "XTKS", "XHKG", "XASX", "BATS", "ARCX"];
const SIDES = ["buy", "sell"];
const DESKS = ["rates", "equity", "fx", "credit", "commodity", "crypto"];
const HOT = "AAAA";

export function symbolAt(index: number): string {
  let text = "";
  for (let rest = index, i = 0; i < 4; i++, rest = Math.floor(rest / 26))
    text = String.fromCharCode(65 + (rest % 26)) + text;
  return text;
}

/** One filter, in CEL and as a programmer would write it in JavaScript. */
export interface BenchFilter {
  readonly cel: string;
  readonly script: string;
}

interface Term {
  readonly cel: string;
  readonly script: string;
}

export function filtersOf(mix: Mix, count: number, seed = 1): BenchFilter[] {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const symbol = (): string => (mix === "zipf" && random() < 0.3 ? HOT : symbolAt(Math.floor(random() * SYMBOLS)));
  const equal = (name: string, value: string): Term => ({
    cel: `data.${name} == "${value}"`,
    script: `d.${name} === "${value}"`,
  });
  const over = (name: string, bound: number): Term => ({
    cel: `data.${name} >= ${bound.toFixed(2)}`,
    script: `d.${name} >= ${bound.toFixed(2)}`,
  });
  const under = (name: string, bound: number): Term => ({
    cel: `data.${name} < ${bound.toFixed(2)}`,
    script: `d.${name} < ${bound.toFixed(2)}`,
  });
  const price = (): Term[] => {
    const low = 10 + random() * 980;
    return [over("price", low), under("price", low + 0.5 + random() * 3)];
  };
  const extra = (): Term[] => {
    const kind = random();
    if (kind < 0.3) return [equal("venue", pick(VENUES))];
    if (kind < 0.5) return [equal("side", pick(SIDES))];
    if (kind < 0.75) return [over("price", random() * 1000)];
    return [over("size", Math.floor(random() * 10_000))];
  };
  const wild = (): Term[] => {
    const kind = random();
    const letters = symbolAt(Math.floor(random() * SYMBOLS));
    if (kind < 0.35)
      return [
        {
          cel: `data.symbol.startsWith("${letters.slice(0, 3)}")`,
          script: `d.symbol.startsWith("${letters.slice(0, 3)}")`,
        },
      ];
    if (kind < 0.7) {
      const set = Array.from({ length: 3 }, () => JSON.stringify(symbol())).join(", ");
      return [{ cel: `data.symbol in [${set}]`, script: `[${set}].includes(d.symbol)` }];
    }
    const venue = pick(VENUES);
    const other = { cel: `data.venue != "${venue}"`, script: `d.venue !== undefined && d.venue !== "${venue}"` };
    if (kind < 0.85) return [{ cel: "has(data.flag)", script: "d.flag !== undefined" }, other, ...price()];
    return [other, equal("desk", pick(DESKS)), ...price()];
  };
  const terms: Record<Mix, () => Term[]> = {
    keyed: () => [equal("symbol", symbol()), ...extra(), ...(random() < 0.5 ? extra() : [])],
    keyeq: () => [
      equal("symbol", symbol()),
      equal("venue", pick(VENUES)),
      ...(random() < 0.5 ? [equal("side", pick(SIDES))] : []),
    ],
    range: () => [...price(), over("size", 5_000 + Math.floor(random() * 5_000))],
    wild,
    zipf: () => [equal("symbol", symbol()), ...extra(), ...extra()],
  };
  return Array.from({ length: count }, () => {
    const list = terms[mix]();
    return { cel: list.map((term) => term.cel).join(" && "), script: list.map((term) => term.script).join(" && ") };
  });
}

/** JSON payloads of about 200 bytes. */
export function payloadsOf(count: number, seed = 2): string[] {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      symbol: random() < 0.05 ? HOT : symbolAt(Math.floor(random() * SYMBOLS)),
      venue: pick(VENUES),
      side: pick(SIDES),
      price: Number((10 + random() * 990).toFixed(2)),
      size: Math.floor(random() * 10_000),
      desk: pick(DESKS),
      ...(random() < 0.1 ? { flag: "late" } : {}),
      trade: `T-${i}`,
      currency: "USD",
      conditions: ["@", "F"],
      participant: 1_700_000_000_000 + i,
    }),
  );
}
