/** What whoever has a partition notes beside its progress: what it is about to publish, for whoever has it next. */
import type { Offset } from "../brokers/contract.ts";

export interface Begun {
  /** Of the last record that may have been published, though it is not settled. */
  readonly offset: Offset;
  /** Nothing of it was published before: Unix nanoseconds. */
  readonly since: bigint;
  /** After this nobody waits for it to become durable: Unix nanoseconds. */
  readonly until: bigint;
}

const SHAPE = /^begun (\S+) (\d{1,20}) (\d{1,20})$/;

/** Nothing was begun: no note. */
export const noteOf = (begun: Begun | undefined): string =>
  begun === undefined ? "" : `begun ${begun.offset} ${begun.since} ${begun.until}`;

export function readNote(note: string): Begun | undefined {
  const [, offset, since, until] = SHAPE.exec(note) ?? [];
  return offset === undefined ? undefined : { offset, since: BigInt(since!), until: BigInt(until!) };
}
