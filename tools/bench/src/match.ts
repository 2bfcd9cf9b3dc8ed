/**
 * How many events a second are matched against many filters: the index, JSON bytes in and ids out, beside what one would write
 * without it: a loop over JavaScript predicates on the parsed payload, and a loop over CEL programs.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { createMatcher, type MatchBuffer, parseFilter } from "@distribution/core/subscriptions";
import { parse } from "@marcbachmann/cel-js";
import { type BenchFilter, filtersOf, MIXES, type Mix, payloadsOf } from "./match-data.ts";

export interface MatchBenchOptions {
  readonly mixes?: readonly Mix[];
  readonly counts?: readonly number[];
  /** Time for each figure, milliseconds. */
  readonly ms?: number;
  /** Also measure the two loops; slow at 100,000 filters. */
  readonly loops?: boolean;
}

export interface MatchBenchRow {
  readonly mix: Mix;
  readonly filters: number;
  /** Events per second of CPU time. */
  readonly index: number;
  readonly predicates: number | undefined;
  readonly programs: number | undefined;
  /** Of the index to the loop of predicates. */
  readonly ratio: number | undefined;
  readonly matchesPerEvent: number;
  /** Microseconds to add one filter, the mean over all; parsing apart. */
  readonly addMicros: number;
  readonly removeMicros: number;
}

const EVENTS = 20_000;
/** Events on which the loops are held against the index. */
const CHECKED = 100;

interface Stored {
  readonly bytes: Uint8Array;
  readonly bounds: Uint32Array;
  readonly payloads: readonly Uint8Array[];
}

export function benchMatch(options: MatchBenchOptions = {}): MatchBenchRow[] {
  const stored = store(payloadsOf(EVENTS));
  const rows: MatchBenchRow[] = [];
  for (const mix of options.mixes ?? MIXES) {
    for (const count of options.counts ?? [10, 1_000, 10_000, 100_000])
      rows.push(benchOne(mix, count, stored, options));
  }
  return rows;
}

function benchOne(
  mix: Mix,
  count: number,
  stored: Stored,
  { ms = 1_000, loops = true }: MatchBenchOptions,
): MatchBenchRow {
  const texts = filtersOf(mix, count);
  const filters = texts.map(({ cel }) => parseFilter(cel, {}));
  const matcher = createMatcher({});
  const addMicros = microsEach(count, (i) => matcher.add(i, filters[i], []));
  const out: MatchBuffer = { ids: new Uint32Array(1024), count: 0 };
  let matches = 0;
  const { bytes, bounds } = stored;
  const index = perSecond(ms, (i) => {
    matcher.match(bytes, bounds[2 * i]!, bounds[2 * i + 1]!, out);
    matches += out.count;
  });
  const matchesPerEvent = matches / index.events;
  const expected = (event: number): number => {
    matcher.match(bytes, bounds[2 * event]!, bounds[2 * event + 1]!, out);
    return out.count;
  };
  const predicates = loops ? loopOver(predicatesOf(texts), stored, ms / 2, expected) : undefined;
  const programs = loops && count <= 10_000 ? loopOver(programsOf(texts), stored, ms / 2, expected) : undefined;
  const removeMicros = microsEach(count, (i) => matcher.remove(i));
  const ratio = predicates && index.rate / predicates;
  return {
    mix,
    filters: count,
    index: index.rate,
    predicates,
    programs,
    ratio,
    matchesPerEvent,
    addMicros,
    removeMicros,
  };
}

type Ask = (data: unknown) => boolean;

/** What one would write in JavaScript, compiled. */
function predicatesOf(texts: readonly BenchFilter[]): Ask[] {
  return texts.map(({ script }) => new Function("d", `return ${script}`) as Ask);
}

/** CEL by its evaluator; an error (an absent field) is no match. */
function programsOf(texts: readonly BenchFilter[]): Ask[] {
  return texts.map(({ cel }) => {
    const program = parse(cel);
    return (data) => {
      try {
        return program({ data }) === true;
      } catch {
        return false;
      }
    };
  });
}

/** Events per second; checks on the way that the loop finds as many as the index. */
function loopOver(all: readonly Ask[], { payloads }: Stored, ms: number, expected: (event: number) => number): number {
  return perSecond(ms, (event) => {
    const bytes = payloads[event]!;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
    const data: unknown = JSON.parse(text);
    let found = 0;
    for (const ask of all) if (ask(data)) found++;
    if (event < CHECKED && found !== expected(event)) {
      throw new Error(`event ${event} matches ${found} filters by the loop and ${expected(event)} by the index`);
    }
  }).rate;
}

/** CPU time of this thread, milliseconds: what a busy machine takes away is not counted. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Runs over the events again and again until the time is up; a fifth of it warms up first. */
function perSecond(ms: number, run: (event: number) => void): { rate: number; events: number } {
  const warm = cpuMs() + ms / 5;
  let next = 0;
  const step = (until: number): number => {
    let events = 0;
    // The clock is read once in 256 events, but a slow loop must be able to end after few.
    for (;;) {
      run(next);
      next = next + 1 === EVENTS ? 0 : next + 1;
      events++;
      if ((events & 255) === 0 || events < 32) if (cpuMs() >= until) return events;
    }
  };
  const before = step(warm);
  const start = cpuMs();
  const events = step(start + ms);
  return { rate: (events / (cpuMs() - start)) * 1_000, events: events + before };
}

function microsEach(count: number, run: (i: number) => void): number {
  const start = cpuMs();
  for (let i = 0; i < count; i++) run(i);
  return ((cpuMs() - start) * 1_000) / count;
}

/** Events as the log keeps them, one behind the other. */
function store(payloads: readonly string[]): Stored {
  const data = payloads.map((payload) => new TextEncoder().encode(payload));
  const bounds = new Uint32Array(data.length * 2);
  const parts = data.map((payload, i) =>
    new BinaryWriter()
      .uint32(10)
      .string(`T-${i}`)
      .uint32(18)
      .string("/feeds/demo")
      .uint32(26)
      .string("market-data.trade.v1")
      .uint32(40)
      .int64(1_700_000_000_000_000_000n + BigInt(i))
      .uint32(50)
      .string(`K${i % 5_000}`)
      .uint32(56)
      .int32(2)
      .uint32(66)
      .string("application/json")
      .uint32(74)
      .bytes(payload)
      .finish(),
  );
  let at = 0;
  parts.forEach((part, i) => {
    bounds[2 * i] = at;
    at += part.length;
    bounds[2 * i + 1] = at;
  });
  return { bytes: Buffer.concat(parts), bounds, payloads: data };
}

function print(row: MatchBenchRow): void {
  const thousand = (rate: number | undefined): string =>
    rate === undefined ? "-" : (rate / 1_000).toFixed(rate < 10_000 ? 2 : 0);
  const cells = [
    row.mix.padEnd(6),
    String(row.filters).padStart(7),
    thousand(row.index).padStart(7),
    thousand(row.predicates).padStart(8),
    thousand(row.programs).padStart(8),
    (row.ratio === undefined ? "-" : row.ratio.toFixed(0)).padStart(6),
    row.matchesPerEvent.toFixed(2).padStart(9),
    row.addMicros.toFixed(1).padStart(6),
    row.removeMicros.toFixed(1).padStart(6),
  ];
  console.log(cells.join("  "));
}

if (import.meta.main) {
  const [mixes, counts] = process.argv.slice(2);
  console.log("mix     filters  index/ms  loop/ms  CEL/ms  ratio  matches  add us  remove us");
  for (const row of benchMatch({
    ...(mixes && mixes !== "all" ? { mixes: mixes.split(",") as Mix[] } : {}),
    ...(counts ? { counts: counts.split(",").map(Number) } : {}),
    loops: !process.argv.includes("--index-only"),
  })) {
    print(row);
  }
}
