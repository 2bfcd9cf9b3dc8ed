/** A projection as the bytes of its checkpoint, and back: states and positions as they were at one moment. */
import type { Position } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { createPace, type Runtime } from "../runtime/index.ts";
import { createLineReader, line } from "../tail/index.ts";
import type { Intake, SavedEntry } from "./contract.ts";
import type { CheckpointFiles } from "./files.ts";

/** A line with this as JSON, then each entry: a line with an `EntryLine`, and the bytes of the state. */
interface Header {
  readonly format: typeof FORMAT;
  readonly projection: string;
  readonly version: number;
  readonly positions: readonly Position[];
  /** Unix nanoseconds. */
  readonly completeFrom?: string;
  readonly forgotten: number;
  readonly keys: number;
}

/** `lane`: index of the entry's topic and partition in the header's positions. */
type EntryLine = readonly [key: string, lane: number, offset: string, changedAt: string, stateBytes: number];

const FORMAT = 1;
/** Written at a time. */
const CHUNK_BYTES = 256 * 1024;

export interface CheckpointParts {
  readonly files: CheckpointFiles;
  readonly runtime: Pick<Runtime, "clock" | "timers">;
}

/** Rejects when it cannot be written; the checkpoint before it is then still there. Never two of one projection at a time. */
export function saveProjection(intake: Intake, { files, runtime }: CheckpointParts): Promise<void> {
  return files.write(intake.name, chunksOf(intake, runtime));
}

async function* chunksOf(intake: Intake, runtime: CheckpointParts["runtime"]): AsyncGenerator<Uint8Array> {
  const { name, version } = intake;
  const snapshot = intake.snapshot();
  try {
    const { positions, completeFrom, forgotten, keys } = snapshot;
    const since = completeFrom === undefined ? {} : { completeFrom: String(completeFrom) };
    const header: Header = { format: FORMAT, projection: name, version, positions, ...since, forgotten, keys };
    const lanes = new Map(positions.map(({ topic, partition }, at) => [`${topic}/${partition}`, at]));
    let parts: Uint8Array[] = [line(header)];
    let bytes = 0;
    const pace = createPace(runtime);
    for (let entry = snapshot.next(); entry; entry = snapshot.next()) {
      const { key, position, changedAt, state } = entry;
      const lane = lanes.get(`${position.topic}/${position.partition}`)!;
      parts.push(line([key, lane, position.offset, String(changedAt), state.length] satisfies EntryLine), state);
      bytes += state.length;
      const turn = pace.spent();
      if (bytes >= CHUNK_BYTES) {
        yield Buffer.concat(parts);
        parts = [];
        bytes = 0;
      }
      if (turn) await pace.next();
      if (!snapshot.valid)
        throw new DistributionError("unavailable", `${name} is being built anew; it is saved later.`);
    }
    yield Buffer.concat(parts);
  } finally {
    snapshot.end();
  }
}

/**
 * True when the projection is now what was saved; false when there is nothing saved. Throws a DistributionError that says
 * why what is there cannot be taken; the projection is then empty.
 */
export async function restoreProjection(intake: Intake, { files, runtime }: CheckpointParts): Promise<boolean> {
  const file = await files.read(intake.name);
  if (!file) return false;
  try {
    await restore(intake, file, runtime);
    return true;
  } catch (failure) {
    intake.reset();
    if (failure instanceof DistributionError) throw failure;
    throw new DistributionError("record_damaged", "What is in it cannot be read.", { cause: failure });
  }
}

async function restore(intake: Intake, file: Buffer, runtime: CheckpointParts["runtime"]): Promise<void> {
  const { name, version, topics } = intake;
  const reader = createLineReader(file);
  const header = reader.line() as Header;
  const refuse = (why: string): DistributionError => new DistributionError("invalid_request", why);
  if (header.format !== FORMAT) throw refuse(`It has format ${header.format}; this version reads ${FORMAT}.`);
  if (header.projection !== name) throw refuse(`It is of the projection ${header.projection}.`);
  if (header.version !== version)
    throw refuse(`It has version ${header.version} of the states; they have ${version} now.`);
  const foreign = header.positions.find(({ topic }) => !topics.includes(topic));
  if (foreign) throw refuse(`It has been at ${foreign.topic}, which is no topic of the projection any more.`);

  const pace = createPace(runtime);
  for (let at = 0; at < header.keys; at += 1) {
    const [key, lane, offset, changedAt, stateBytes] = reader.line() as unknown as EntryLine;
    const position = { ...header.positions[lane]!, offset };
    const entry: SavedEntry = { key, position, changedAt: BigInt(changedAt), state: reader.bytes(stateBytes) };
    intake.restore(entry);
    if (pace.spent()) await pace.next();
  }
  const completeFrom = header.completeFrom === undefined ? undefined : BigInt(header.completeFrom);
  intake.resume({ positions: header.positions, completeFrom, forgotten: header.forgotten });
}
