/**
 * The projections of a service: fed from its log, each partition read once for all of them, and checkpointed.
 *
 * A partition is read from where the one furthest behind is; those ahead let pass what they have. When the log no longer has
 * what one of them needs next, that one is built anew, from all of its partitions, and the others go on without it.
 */
import type { Broker } from "../brokers/contract.ts";
import { fieldError } from "../errors.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import { createPace, type Pace, type Runtime, type Timer } from "../runtime/index.ts";
import type { Tail } from "../tail/index.ts";
import { createCheckpoints } from "./checkpoints.ts";
import type { Place, Projection } from "./contract.ts";
import type { CheckpointFiles } from "./files.ts";
import { createGroups, isDamaged } from "./groups.ts";
import type { Fed, Lane } from "./lane.ts";
import { observeProjection } from "./observe.ts";

export interface ProjectionSettings {
  /** Absent: none are kept; every start builds from the log. */
  readonly files?: CheckpointFiles | undefined;
  /** Milliseconds between two checkpoints, or more where one takes more than a twentieth of that. Default 30,000. */
  readonly checkpointEveryMs?: number | undefined;
  /** How far back a projection without a checkpoint reads the log. Milliseconds; absent: to its beginning. */
  readonly rebuildMs?: number | undefined;
}

export interface ProjectionsOptions extends ProjectionSettings {
  readonly broker: Pick<Broker, "read" | "admin" | "compareOffsets">;
  readonly tail: Tail;
  readonly projections: readonly Pick<Projection<unknown>, "intake">[];
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Projections {
  /**
   * Resolves when every projection has what was in the log, or as much of it as can be read: `troubles` says what cannot.
   * To be called once.
   */
  start(): Promise<void>;
  /** What keeps projections behind, for people; empty when nothing does. */
  troubles(): readonly string[];
  /** Takes nothing more, and saves what there is. */
  close(): Promise<void>;
}

/** Throws `invalid_request` for a name that two have, and for a topic that the service does not have. */
export function createProjections(options: ProjectionsOptions): Projections {
  const { broker, tail, runtime, logger, metrics, checkpointEveryMs = 30_000 } = options;
  const feds = options.projections.map(
    ({ intake }): Fed => ({ intake, lanes: [], rebuilding: true, taken: 0, lost: new Set() }),
  );
  assertNamedOnce(feds);
  const groups = createGroups({ ...options, feds, onChange: () => wake() });
  const checkpoints = createCheckpoints({ ...options, checkpointEveryMs }, feds);
  const started = Promise.withResolvers<void>();
  const pace = createPace(runtime);
  let awake = false;
  let running = false;
  let fresh = false;
  /** From the end of restoring to the close. */
  let open = false;
  let closed = false;
  let timer: Timer | undefined;

  /** Takes what is there, for one turn. */
  const turn = (take: (pace: Pace) => boolean): void => {
    if (!open || running) return;
    running = true;
    const done = take(pace);
    running = false;
    if (!done) wake();
    if (groups.areThere) started.resolve();
  };
  const wake = (): void => {
    if (awake || !open) return;
    awake = true;
    runtime.timers.soon(() => {
      awake = false;
      turn(groups.take);
    });
  };
  const refresh = (): void => {
    if (fresh) return;
    fresh = true;
    // Until the reader waits for something, all that it reads is of one moment.
    queueMicrotask(() => {
      fresh = false;
    });
    turn(groups.refresh);
  };

  for (const fed of feds) {
    fed.intake.attach({
      logger,
      compareOffsets: (a, b) => broker.compareOffsets(a, b),
      refresh,
      rebuilding: () => fed.rebuilding,
      lag: () => fed.lanes.reduce((sum, { cursor }) => sum + cursor.lag, 0),
      lack: (lag, place) => lackOf(fed, lag, place),
      damage: () => fed.lanes.filter(isDamaged).map(troubleOf)[0],
      now: () => runtime.clock.wallNs(),
      timers: runtime.timers,
    });
    observeProjection(metrics, fed.intake);
  }

  tail.listen({ name: "projections", events: wake, lost: wake, added: groups.add });
  return {
    async start() {
      await checkpoints.restore();
      if (closed) return;
      open = true;
      timer = runtime.timers.every(checkpointEveryMs, checkpoints.saveWhenDue);
      wake();
      await started.promise;
    },
    troubles() {
      const building = feds.filter(({ rebuilding }) => rebuilding);
      // At the head it is the tail's trouble, which tells of it itself.
      const troubled = groups.lanes.filter(({ cursor }) => cursor.trouble && !cursor.atHead);
      return [
        ...building.map(({ intake }) => `projection ${intake.name} is being built from the log`),
        // Two that read a partition each on its own may have the same to say.
        ...new Set(troubled.map((lane) => `projections of ${troubleOf(lane)}`)),
      ];
    },
    async close() {
      closed = true;
      open = false;
      timer?.cancel();
      await groups.close();
      await checkpoints.save();
      for (const { intake } of feds) intake.close();
      started.resolve();
    },
  };
}

function assertNamedOnce(feds: readonly Fed[]): void {
  const names = feds.map(({ intake }) => intake.name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice)
    throw fieldError("invalid_request", "projections", `two have the name ${twice}; checkpoints need one for each`);
}

const troubleOf = ({ name, cursor }: Lane): string => `${name}: ${cursor.trouble!.message}`;

/** See `Projection.lack`. */
function lackOf({ intake, rebuilding, lanes }: Fed, lag: number, place?: Place): string | undefined {
  if (rebuilding) return `projection ${intake.name} is being built from the log`;
  for (const lane of lanes) {
    if (place && (lane.partition !== place.partition || lane.topic !== place.topic)) continue;
    if (lane.cursor.trouble) return `projection ${intake.name} cannot read ${troubleOf(lane)}`;
    if (lane.cursor.lag > lag) return `projection ${intake.name} is more than ${lag} events behind in ${lane.name}`;
  }
  return undefined;
}
