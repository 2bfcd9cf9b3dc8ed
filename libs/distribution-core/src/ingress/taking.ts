/** Brings entries in: publishes them in order, makes dead letters of what is refused for good, and waits where that helps. */
import { DistributionError, type ErrorCode, toDistributionError } from "../errors.ts";
import { type PackedBatch, packMessages } from "../events/index.ts";
import type { Entry } from "./entries.ts";

/** A publish takes no more events and bytes; a single event may be larger. */
const PUBLISH_EVENTS = 500;
const PUBLISH_BYTES = 1024 * 1024;

/** How often what fails by a defect is tried, with growing pauses: some 20 s. Then the record it comes down to is given up. */
const DEFECT_TRIES = 10;

/** After this, ms, ingest may have forgotten what of a publish became durable although it was refused. */
const LOOK_UP_EVERY_MS = 60_000;

/** No record's fault: every other one would be refused likewise, until somebody mends the service or its broker. */
const OPERATORS: ReadonlySet<ErrorCode> = new Set(["unknown_topic", "unauthenticated", "forbidden"]);

export interface TakingHost {
  /** Nothing more is to be tried. */
  readonly isStopped: boolean;
  nowMs(): number;
  /** Makes known, durably, that something is published now. Rejects when that cannot be kept, or is not ours to do any more. */
  announce(): Promise<void>;
  /** Rejects as ingest does. */
  publish(batch: PackedBatch): Promise<unknown>;
  /** Rejects while the letter can't be kept. */
  bury(entry: Entry, error: DistributionError): Promise<void>;
  /** Those that are not in the log. */
  missing(entries: readonly Entry[]): Promise<readonly Entry[]>;
  /** Waits before another try; resolves at once when it was stopped. */
  rest(error: DistributionError): Promise<void>;
  /** Something came in. */
  goesOn(): void;
}

type Made = Entry & { readonly made: { readonly message: Uint8Array } };

export class Taking {
  readonly #host: TakingHost;
  #left: Made[];
  /** Events of the next publish at most: fewer while it is looked for whom to blame. */
  #most = PUBLISH_EVENTS;
  /** By a defect, since a record was given up for one. */
  #tries = 0;
  /** When it was sure last what of `left` is in the log, monotonic ms. */
  #lookedUpAt: number;

  constructor(host: TakingHost) {
    this.#host = host;
    this.#left = [];
    this.#lookedUpAt = host.nowMs();
  }

  /** False: it was stopped before everything was in. Never rejects. */
  async run(entries: readonly Entry[]): Promise<boolean> {
    for (const entry of entries) {
      if ("refusal" in entry.made && !(await this.#bury(entry, entry.made.refusal))) return false;
    }
    this.#left = entries.filter((entry): entry is Made => "message" in entry.made);
    while (this.#left.length > 0) {
      if (!(await this.#until(() => this.#host.announce()))) return false;
      const chunk = this.#chunk();
      const failure = await this.#publish(chunk);
      if (failure === undefined) {
        this.#left.splice(0, chunk.length);
        this.#most = Math.min(PUBLISH_EVENTS, 2 * this.#most);
        this.#host.goesOn();
      } else if (this.#host.isStopped || !(await this.#failed(failure, chunk))) return false;
    }
    return true;
  }

  #chunk(): readonly Made[] {
    let bytes = 0;
    let to = 0;
    while (to < this.#left.length && to < this.#most) {
      bytes += this.#left[to]!.made.message.length;
      if (to > 0 && bytes > PUBLISH_BYTES) break;
      to += 1;
    }
    return this.#left.slice(0, to);
  }

  async #publish(chunk: readonly Made[]): Promise<DistributionError | undefined> {
    try {
      await this.#host.publish(packMessages(chunk.map(({ made }) => made.message)));
      return undefined;
    } catch (failure) {
      return toDistributionError(failure);
    }
  }

  /** False when it was stopped meanwhile. */
  async #failed(failure: DistributionError, chunk: readonly Made[]): Promise<boolean> {
    const named = blamedBy(failure);
    if (this.#mayPass(failure, named)) return this.#again(failure);
    const blamed = chunk.length === 1 ? 0 : named;
    if (blamed === undefined || blamed >= chunk.length) {
      // Whose fault it is comes out by halves.
      this.#most = Math.ceil(chunk.length / 2);
      return true;
    }
    this.#tries = 0;
    if (!(await this.#bury(chunk[blamed]!, ofEvent(failure)))) return false;
    this.#left.splice(blamed, 1);
    return true;
  }

  #mayPass({ code, definition }: DistributionError, named: number | undefined): boolean {
    if (code === "internal") return this.#tries < DEFECT_TRIES;
    return definition.retry || (named === undefined && OPERATORS.has(code));
  }

  async #again(failure: DistributionError): Promise<boolean> {
    if (failure.code === "internal") this.#tries += 1;
    const { nowMs, missing } = this.#host;
    await this.#host.rest(failure);
    if (nowMs() - this.#lookedUpAt < LOOK_UP_EVERY_MS) return !this.#host.isStopped;
    return this.#until(async () => {
      const at = nowMs();
      const left = new Set(await missing(this.#left));
      this.#left = this.#left.filter((entry) => left.has(entry));
      this.#lookedUpAt = at;
    });
  }

  #bury(entry: Entry, error: DistributionError): Promise<boolean> {
    return this.#until(async () => {
      await this.#host.announce();
      await this.#host.bury(entry, error);
    });
  }

  #until(run: () => Promise<void>): Promise<boolean> {
    return until(this.#host, run);
  }
}

/** Tries, however often it takes; false when it was stopped and the last try failed. */
export async function until(host: Pick<TakingHost, "isStopped" | "rest">, run: () => Promise<void>): Promise<boolean> {
  for (;;) {
    try {
      await run();
      return true;
    } catch (failure) {
      if (host.isStopped) return false;
      await host.rest(toDistributionError(failure));
      if (host.isStopped) return false;
    }
  }
}

const PLACE = /^events\[(\d+)\]/;

/** The place in the batch that ingest names in `events[i]`. */
function blamedBy({ errors }: DistributionError): number | undefined {
  const match = PLACE.exec(errors[0]?.path ?? "");
  return match ? Number(match[1]) : undefined;
}

/** The same said of the event alone: its place in the batch that was tried means nothing to whoever reads the letter. */
function ofEvent({ code, message, errors, cause }: DistributionError): DistributionError {
  const named = (text: string): string => text.replace(PLACE, "event");
  const about = errors.map((error) => ({ path: named(error.path), message: error.message }));
  // A defect says nothing of itself but where it comes from.
  const why = code === "internal" && cause instanceof Error ? `${message} ${cause.message}` : message;
  return new DistributionError(code, named(why), { errors: about, cause });
}
