/** One call of `append` on a broker without transactions: what became of its writes, and what its caller is told. */
import { type Appended, AppendUnsettled, type PartitionWrite, type Stored } from "@distribution/core/brokers";
import type { DistributionError } from "@distribution/core/errors";

type Place = Pick<PartitionWrite, "topic" | "partition">;

const everything = (): boolean => true;

/** All of a write is in the log. */
function whole(appended: Appended): Stored {
  return { epoch: appended.epoch, offsetAt: (index) => appended.offsetAt(index), has: everything };
}

/**
 * The adapter cuts writes into parts as it likes. A part that was sent is alive: it is in the log or may be, until the engine
 * has said that it did not take it. A call goes on until all of its writes are settled while one of its parts is alive, even
 * after it was answered; when none is, it can be given up whole.
 */
export class AppendCall {
  /** Monotonic, ms. */
  readonly deadline: number;
  readonly answer: Promise<readonly Appended[]>;
  readonly #answer = Promise.withResolvers<readonly Appended[]>();
  /** There once it was refused while it was not over. */
  #settled: PromiseWithResolvers<readonly (Stored | undefined)[]> | undefined;
  readonly #writes: readonly Place[];
  readonly #results: (Appended | undefined)[];
  /** Writes that were refused for good, with what of them is in the log. */
  readonly #refused = new Map<number, Stored | undefined>();
  readonly #onAnswer: (call: AppendCall) => void;
  readonly #onSettled: (call: AppendCall) => void;
  readonly #onDone: (place: Place) => void;
  /** Writes that are not settled. */
  #open: number;
  #alive = 0;
  #answered = false;
  #dropped = false;
  #abandoned = false;

  /** `writes`: to name them by. */
  constructor(
    writes: readonly Place[],
    deadline: number,
    onAnswer: (call: AppendCall) => void,
    onSettled: (call: AppendCall) => void,
    onDone: (place: Place) => void,
  ) {
    this.deadline = deadline;
    this.answer = this.#answer.promise;
    this.#writes = writes;
    this.#open = writes.length;
    this.#results = new Array<Appended | undefined>(writes.length);
    this.#onAnswer = onAnswer;
    this.#onSettled = onSettled;
    this.#onDone = onDone;
  }

  /** It was refused and nothing of it is in the log: what waits of it is not to be sent any more. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Where the first of its writes goes that is not settled. Not once all are. */
  get waitsFor(): Place {
    return this.#writes.find((_, write) => this.#isOpen(write))!;
  }

  /** Whether somebody is still at it, for all that is known. */
  get pending(): boolean {
    return this.#open > 0 && !this.#dropped && !this.#abandoned;
  }

  /** Where its writes go that are not settled. */
  get open(): readonly Place[] {
    return this.#writes.filter((_, write) => this.#isOpen(write));
  }

  /** A part is on its way. Once a part, however often it is tried. */
  sent(): void {
    this.#alive += 1;
  }

  /** The engine has not taken the part, whatever it was sent: it may be sent again, or given up. */
  unsent(): void {
    this.#alive -= 1;
    if (this.#answered && this.#alive === 0) this.#drop();
  }

  /** All of the write is in the log. */
  done(write: number, appended: Appended): void {
    if (this.#dropped || !this.#isOpen(write)) return;
    this.#results[write] = appended;
    this.#onDone(this.#writes[write]!);
    this.#close();
  }

  /** The write is refused for good, except for what is `stored` of it. Its parts that are not in the log are `unsent` before. */
  refused(write: number, error: DistributionError, stored?: Stored): void {
    if (this.#dropped || !this.#isOpen(write)) return;
    this.#refused.set(write, stored);
    this.#onDone(this.#writes[write]!);
    this.giveUp(error);
    if (!this.#dropped) this.#close();
  }

  /** Nobody is to wait any longer; what is alive goes on. A second time: nobody can tell what becomes of that. */
  giveUp(error: DistributionError): void {
    if (this.#dropped) return;
    if (this.#alive === 0) this.#drop();
    if (this.#answered) {
      this.#abandoned = true;
      return;
    }
    this.#answered = true;
    if (!this.#dropped) this.#settled = Promise.withResolvers();
    this.#answer.reject(this.#settled === undefined ? error : new AppendUnsettled(error, this.#settled.promise));
    this.#onAnswer(this);
  }

  #isOpen(write: number): boolean {
    return this.#results[write] === undefined && !this.#refused.has(write);
  }

  #drop(): void {
    this.#dropped = true;
    this.#settle();
  }

  #close(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    if (!this.#answered) {
      this.#answered = true;
      this.#answer.resolve(this.#results as readonly Appended[]);
      this.#onAnswer(this);
    }
    this.#settle();
  }

  #settle(): void {
    this.#settled?.resolve(
      Array.from(this.#results, (appended, write) =>
        appended === undefined ? this.#refused.get(write) : whole(appended),
      ),
    );
    this.#onSettled(this);
  }
}
