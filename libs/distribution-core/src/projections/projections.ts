/**
 * The projections of a service: fed from its log, each partition read once for all of them, and checkpointed.
 *
 * A partition is read from where the one furthest behind is; those ahead let pass what they have. When the log no longer has
 * what one of them needs next, that one is built anew, from all of its partitions.
 */
import type { Broker } from "../brokers/contract.ts";
import { fieldError, toDistributionError } from "../errors.ts";
import type { Logger, Metrics } from "../observability/index.ts";
import type { Runtime, Timer } from "../runtime/index.ts";
import type { Tail } from "../tail/index.ts";
import { restoreProjection, saveProjection } from "./checkpoint.ts";
import type { Projection } from "./contract.ts";
import type { CheckpointFiles } from "./files.ts";
import { createLane, type Fed, type Lane } from "./lane.ts";
import { observeProjection } from "./observe.ts";
import { createPace } from "./pace.ts";

export interface ProjectionSettings {
  /** Absent: none are kept; every start builds from the log. */
  readonly files?: CheckpointFiles | undefined;
  /** Milliseconds between two checkpoints. Default 30,000. */
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
  const { broker, tail, runtime, logger, metrics } = options;
  const feds: Fed[] = options.projections.map(({ intake }) => ({ intake, lanes: [], rebuilding: true, taken: 0 }));
  const lanes = createLanes(options, feds, () => wake());
  const checkpoints = createCheckpoints(options, feds);
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
  const turn = (): void => {
    if (!open || running) return;
    running = true;
    pace.begin();
    for (let lane = oldestOf(lanes); lane; lane = oldestOf(lanes)) {
      if (lane.take(pace.spent)) continue;
      wake();
      break;
    }
    running = false;
    for (const fed of feds) fed.rebuilding &&= !fed.lanes.every(isThere);
    if (lanes.every(isThere)) started.resolve();
  };
  const wake = (): void => {
    if (awake || !open) return;
    awake = true;
    runtime.timers.soon(() => {
      awake = false;
      turn();
    });
  };
  const refresh = (): void => {
    if (fresh) return;
    fresh = true;
    // Until the reader waits for something, all that it reads is of one moment.
    queueMicrotask(() => {
      fresh = false;
    });
    turn();
  };

  for (const fed of feds) {
    fed.intake.attach({
      logger,
      compareOffsets: (a, b) => broker.compareOffsets(a, b),
      refresh,
      rebuilding: () => fed.rebuilding,
      lag: () => fed.lanes.reduce((sum, { cursor }) => sum + cursor.lag, 0),
    });
    observeProjection(metrics, fed.intake);
  }

  return {
    async start() {
      await checkpoints.restore();
      if (closed) return;
      open = true;
      tail.listen({ name: "projections", events: wake, lost: wake });
      timer = runtime.timers.every(options.checkpointEveryMs ?? 30_000, () => void checkpoints.save());
      wake();
      await started.promise;
    },
    troubles: () => [
      ...feds
        .filter((fed) => fed.rebuilding)
        .map(({ intake }) => `projection ${intake.name} is being built from the log`),
      ...lanes.flatMap(({ name, cursor }) =>
        cursor.trouble ? [`projections of ${name}: ${cursor.trouble.message}`] : [],
      ),
    ],
    async close() {
      closed = true;
      open = false;
      timer?.cancel();
      await Promise.all(lanes.map(({ cursor }) => cursor.close()));
      await checkpoints.save();
      for (const { intake } of feds) intake.close();
      started.resolve();
    },
  };
}

/** One a partition of the topics that are read; each is told which projections read it, and they which it is. */
function createLanes(options: ProjectionsOptions, feds: readonly Fed[], onChange: () => void): readonly Lane[] {
  const names = feds.map(({ intake }) => intake.name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice)
    throw fieldError("invalid_request", "projections", `two have the name ${twice}; checkpoints need one for each`);
  const topics = new Set(feds.flatMap(({ intake }) => intake.topics));
  return [...topics].flatMap((topic) => {
    const readers = feds.filter(({ intake }) => intake.topics.includes(topic));
    const tails = options.tail.partitions(topic);
    if (tails.length === 0) {
      const path = `projection ${readers[0]!.intake.name}: sources`;
      throw fieldError(
        "invalid_request",
        path,
        `${topic} is no topic of this service; give it with the service's topics`,
      );
    }
    return tails.map((tail) => {
      const lane = createLane({ ...options, tail, readers, onChange });
      for (const fed of readers) fed.lanes.push(lane);
      return lane;
    });
  });
}

/** As far as it can come for now. */
const isThere = ({ cursor }: Lane): boolean => cursor.caughtUp || cursor.trouble?.passing === false;

/** Of the lanes with something to take the one whose events were appended first; none while one that catches up is read. */
function oldestOf(lanes: readonly Lane[]): Lane | undefined {
  let oldest: Lane | undefined;
  let appendedAt = 0n;
  let waits = false;
  for (const lane of lanes) {
    const next = lane.cursor.next();
    if (!next) waits ||= lane.cursor.busy && !lane.cursor.caughtUp;
    else if (!oldest || next.stored.appendedAt < appendedAt) {
      oldest = lane;
      ({ appendedAt } = next.stored);
    }
  }
  return waits ? undefined : oldest;
}

function createCheckpoints({ files, runtime, logger }: ProjectionsOptions, feds: readonly Fed[]) {
  const parts = files && { files, runtime };
  /** What was taken when it was saved; missing before it was restored: until then what is on disk is better. */
  const saved = new Map<Fed, number>();
  let saving: Promise<void> = Promise.resolve();

  const saveAll = async (): Promise<void> => {
    for (const [fed, before] of parts ? saved : []) {
      const { intake, taken } = fed;
      if (taken === before) continue;
      try {
        await saveProjection(intake, parts!);
        saved.set(fed, taken);
      } catch (failure) {
        const fields = { projection: intake.name, err: failure };
        logger.warn(fields, "A projection's checkpoint was not saved; a start now would read more of the log.");
      }
    }
  };

  return {
    async restore(): Promise<void> {
      for (const fed of feds) {
        const { intake } = fed;
        try {
          if (parts) await restoreProjection(intake, parts);
        } catch (failure) {
          const { message } = toDistributionError(failure);
          const fields = { projection: intake.name, reason: message, err: failure };
          logger.warn(fields, "A projection's checkpoint is ignored; it is built from the log.");
        }
        saved.set(fed, fed.taken);
      }
    },
    /** One after the other. */
    save(): Promise<void> {
      saving = saving.then(saveAll);
      return saving;
    },
  };
}
