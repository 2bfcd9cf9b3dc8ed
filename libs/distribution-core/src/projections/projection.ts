/** One projection: events in, answers out. What feeds it is in `projections.ts`, and `feed.ts` for tests without a service. */
import type { Position } from "../brokers/contract.ts";
import { DistributionError, fieldError } from "../errors.ts";
import { formatTime } from "../events/index.ts";
import { latest, tagOf } from "./answer.ts";
import { plainData } from "./codec.ts";
import type {
  Answer,
  Entry,
  IncomingEvent,
  Index,
  Intake,
  IntakeHost,
  ListRequest,
  Page,
  PayloadType,
  Projection,
  ProjectionOptions,
  ProjectionStats,
  SortKey,
  Source,
  SourceRules,
} from "./contract.ts";
import { createEntries, type Entries } from "./entries.ts";
import { createIndexes } from "./indexes.ts";
import { createPositions, type Positions } from "./positions.ts";

/** What a topic's events do to a projection's states. `payload`: the message of the topic, such as `OrderEvent`. */
export function from<State, Payload>(
  topic: string,
  payload: PayloadType<Payload>,
  rules: SourceRules<State, Payload>,
): Source<State> {
  return { topic, payload, rules };
}

/** Of the entries' own type: `defineIndex<Order, bigint>({ name, group, sort })`. */
export function defineIndex<State, Sort extends SortKey>(index: Index<State, Sort>): Index<State, Sort> {
  return index;
}

/** For `sort`: by the time of the last change. */
export const lastChange = ({ changedAt }: Entry<unknown>): bigint => changedAt;

/** Throws `invalid_request` for options that cannot be. It answers `not_found` until a service, or a test, feeds it. */
export function createProjection<State>(options: ProjectionOptions<State>): Projection<State> {
  checkOptions(options);
  const { name, codec = plainData<State>(), indexes: defined = [] } = options;
  const host: { current: IntakeHost } = { current: NOBODY };
  const indexes = createIndexes(name, defined);
  const entries = createEntries({
    ...{ bounds: options.bounds, codec, indexes },
    sizeOf: (state) => options.sizeOf?.(state) ?? codec.encode(state).length,
    keep: (state) => options.keep?.(state) ?? false,
  });
  const topics = options.sources.map(({ topic }) => topic);
  const positions = createPositions(topics, {
    compare: (a, b) => host.current.compareOffsets(a, b),
    timers: { after: (ms, run) => host.current.timers.after(ms, run) },
    follows: (place) => host.current.lack(0, place) === undefined,
  });
  const { intake, since } = createIntake({ options, codec, entries, positions, host });

  const answer = <Value>(value: Value, tagged: readonly string[]): Answer<Value> => {
    const { completeFrom } = since();
    const damage = host.current.damage();
    const tag = tagOf([name, String(options.version), String(completeFrom), damage ?? "", ...tagged]);
    return { value, positions: positions.all(), completeFrom: damage ? host.current.now() : completeFrom, tag };
  };
  const textOf = ({ topic, partition, epoch, offset }: Position): string =>
    JSON.stringify([topic, partition, epoch, offset]);
  /** What stands for the entry as it is: the event that changed it last. */
  const stand = (key: string): string => `${key}\0${textOf(entries.get(key)!.position)}`;
  const prepare = (): void => {
    host.current.refresh();
    if (!host.current.rebuilding()) return;
    throw new DistributionError("unavailable", `${name} is being built from the log; ask again.`);
  };

  return {
    name,
    intake,
    read(key) {
      prepare();
      const held = entries.get(key);
      if (!held) throw notFound(options, key, since(), host.current.damage());
      return answer(held.entry.state, [stand(key)]);
    },
    list<Sort extends SortKey>(index: Index<State, Sort>, request: ListRequest<State, Sort>): Answer<Page<State>> {
      prepare();
      const page = indexes.page(index, request);
      return answer(page, [...page.entries.map(({ key }) => stand(key)), page.next ?? ""]);
    },
    answer(value) {
      prepare();
      return answer(value, positions.all().map(textOf));
    },
    count(index, group = "") {
      prepare();
      return indexes.count(index, group);
    },
    find(key) {
      prepare();
      return entries.get(key)?.entry;
    },
    reached: (position) => positions.reached(position),
    lack: (lag, place) => host.current.lack(lag, place),
    get stats() {
      return intake.stats;
    },
  };
}

interface IntakeParts<State> {
  readonly options: ProjectionOptions<State>;
  readonly codec: { decode(bytes: Uint8Array): State };
  readonly entries: Entries<State>;
  readonly positions: Positions;
  readonly host: { current: IntakeHost };
}

function createIntake<State>({ options, codec, entries, positions, host }: IntakeParts<State>) {
  const { name, version } = options;
  const sources = new Map(options.sources.map((source) => [source.topic, source]));
  const skipped: Record<string, number> = {};
  let events = 0;
  let completeFrom: bigint | undefined;
  /** By the processes before this one. */
  let forgottenBefore = 0;
  const forgotten = (): number => forgottenBefore + entries.forgotten;

  const change = (incoming: IncomingEvent): void => {
    const { payload, rules } = sources.get(incoming.position.topic)!;
    const event = incoming.as(payload);
    const key = rules.key ? rules.key(event) : event.envelope.key;
    if (key === undefined) return;
    const before = entries.open(key)?.entry.state;
    const state = rules.apply(before, event, key);
    if (state === undefined) {
      entries.delete(key);
      return;
    }
    try {
      entries.set({ key, state, changedAt: incoming.appendedAt }, incoming.position);
    } catch (failure) {
      // What was changed in place is neither what it was nor what it is: better not to know it.
      if (state === before) entries.forget(key);
      throw failure;
    }
  };
  const skip = ({ position }: IncomingEvent, failure: unknown): void => {
    const count = (skipped[position.topic] ?? 0) + 1;
    skipped[position.topic] = count;
    if (count > 1) return;
    host.current.logger.warn(
      { projection: name, position, err: failure },
      "A projection skipped an event that it cannot take; further ones of the topic are counted only.",
    );
  };

  const intake: Intake = {
    ...{ name, version, topics: [...sources.keys()] },
    attach(given) {
      host.current = given;
    },
    position: (topic, partition) => positions.get(topic, partition),
    begin(position, since) {
      positions.set(position);
      completeFrom = latest([completeFrom, since]);
    },
    take(incoming) {
      try {
        change(incoming);
        events += 1;
      } catch (failure) {
        skip(incoming, failure);
      }
    },
    moved: (position) => positions.set(position),
    snapshot() {
      const taken = entries.snapshot();
      return {
        ...{ positions: positions.all(), completeFrom, forgotten: forgotten() },
        ...{ keys: taken.keys, next: taken.next, end: taken.end },
        get valid() {
          return taken.valid;
        },
      };
    },
    restore: ({ key, position, changedAt, state }) =>
      entries.set({ key, changedAt, state: codec.decode(state) }, position),
    resume(place) {
      for (const position of place.positions) positions.set(position);
      completeFrom = place.completeFrom;
      forgottenBefore = place.forgotten;
    },
    reset() {
      entries.clear();
      positions.clear();
      completeFrom = undefined;
      forgottenBefore = 0;
    },
    close: () => positions.close(),
    get stats(): ProjectionStats {
      const { keys, bytes } = entries;
      const counted = { events, skipped: { ...skipped }, forgotten: entries.forgotten };
      return { keys, bytes, ...counted, lag: host.current.lag() };
    },
  };
  return { intake, since: () => ({ completeFrom, forgotten: forgotten() }) };
}

/** Feeds a projection that nobody else does: a domain's own tests. */
const NOBODY: IntakeHost = {
  logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  compareOffsets: (a, b) => (a === b ? 0 : Number.NaN),
  refresh: () => {},
  rebuilding: () => false,
  lag: () => 0,
  lack: () => undefined,
  damage: () => undefined,
  now: () => 0n,
  timers: { after: () => ({ cancel: () => {} }) },
};

function notFound<State>(
  { name, bounds, missing }: ProjectionOptions<State>,
  key: string,
  { forgotten, completeFrom }: { readonly forgotten: number; readonly completeFrom: bigint | undefined },
  damage: string | undefined,
): DistributionError {
  if (damage !== undefined) {
    const message = `Whether there is ${JSON.stringify(key)} in ${name} is not known: it cannot read ${damage}`;
    return new DistributionError("unavailable", message);
  }
  const text = [
    missing?.(key) ?? `There is nothing of ${JSON.stringify(key)} in ${name}.`,
    ...(forgotten > 0
      ? [
          `It may have been forgotten: of all that came the ${bounds.keys} keys changed last are kept, in at most ${bounds.bytes} bytes.`,
        ]
      : []),
    ...(completeFrom === undefined ? [] : [`Events before ${formatTime(completeFrom)} are not known.`]),
  ];
  return new DistributionError("not_found", text.join(" "));
}

function checkOptions<State>({ name, version, sources, bounds, indexes = [] }: ProjectionOptions<State>): void {
  const refuse = (path: string, message: string) =>
    fieldError("invalid_request", `projection ${name}: ${path}`, message);
  if (!/^[a-z0-9-]{1,64}$/.test(name)) throw refuse("name", "must be 1 to 64 of a-z, 0-9 and -");
  const numbers = { version, "bounds.keys": bounds.keys, "bounds.bytes": bounds.bytes };
  for (const [path, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw refuse(path, `must be a whole number of 1 or more; it is ${value}`);
  }
  const twice = (names: readonly string[]): string | undefined => names.find((each, at) => names.indexOf(each) < at);
  if (sources.length === 0) throw refuse("sources", "must be one or more");
  const topic = twice(sources.map((source) => source.topic));
  if (topic) throw refuse("sources", `have ${topic} twice; one source does all that a topic's events do`);
  const index = twice(indexes.map((each) => each.name));
  if (index) throw refuse("indexes", `have the name ${index} twice; cursors need one of its own for each`);
}
