/** What happens becomes events here: ids, envelopes, silence during an outage, and bad ones between where the scenario says so. */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { DOMAINS, type WorldDomain } from "../names.ts";
import type { TellerState } from "../state.ts";
import type { WorldEvent } from "../world-event.ts";
import { badEventAfter } from "./bad-data.ts";
import { bytesOf, type DomainMessage, type Kind } from "./kinds.ts";
import { Random, seededState } from "./random.ts";

export interface TellerOptions {
  readonly tag: string;
  readonly startNs: bigint;
  readonly domains: readonly WorldDomain[];
  readonly badShare: number;
  /** Events held at which an outage ends. */
  readonly heldEvents: number;
}

/** Streams of randomness beside the world's own: what is bad changes nothing of what is good. */
const BAD_STREAM = 100;

export function newTellerState(seed: number): TellerState {
  const each = <T>(value: (index: number) => T): Record<WorldDomain, T> =>
    Object.fromEntries(DOMAINS.map((domain, index) => [domain, value(index)])) as Record<WorldDomain, T>;
  return {
    counts: each(() => 0),
    bad: each((index) => seededState(seed, BAD_STREAM + index)),
    silent: undefined,
    held: [],
  };
}

export class Teller {
  /** Everything told so far, of all domains. */
  count = 0;
  readonly #options: TellerOptions;
  readonly #state: TellerState;
  readonly #wanted: Readonly<Record<WorldDomain, boolean>>;
  /** One for all, so that its buffer grows once. */
  readonly #writer = new BinaryWriter();
  #told: WorldEvent[] = [];
  #nowNs: bigint;

  constructor(options: TellerOptions, state: TellerState) {
    this.#options = options;
    this.#state = state;
    this.#nowNs = options.startNs;
    this.#wanted = Object.fromEntries(DOMAINS.map((domain) => [domain, options.domains.includes(domain)])) as Record<
      WorldDomain,
      boolean
    >;
  }

  /** World time as events state it: Unix ns. */
  get nowNs(): bigint {
    return this.#nowNs;
  }

  /** `us`: microseconds since the start. */
  setNow(us: number): void {
    this.#nowNs = this.nsAt(us);
  }

  nsAt(us: number): bigint {
    return this.#options.startNs + BigInt(us) * 1000n;
  }

  /** `make` is called for events that are given out only. `sequence` 0: the key has none. */
  tell<Message extends DomainMessage>(
    kind: Kind<Message>,
    key: string,
    subject: string,
    sequence: number,
    make: () => Message,
  ): void {
    const { domain } = kind;
    this.count += 1;
    this.#state.counts[domain] += 1;
    if (this.#wanted[domain]) this.#give(kind, key, subject, sequence, make());
    if (this.#state.held.length >= this.#options.heldEvents) this.endSilence();
  }

  beSilent(domain: WorldDomain): void {
    this.#state.silent = domain;
  }

  /** What happened meanwhile is told now, in its order. */
  endSilence(): void {
    const { held } = this.#state;
    for (const event of held) this.#told.push({ ...event, at: this.#nowNs });
    this.#state.held = [];
    this.#state.silent = undefined;
  }

  take(): WorldEvent[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  #give<Message extends DomainMessage>(
    kind: Kind<Message>,
    key: string,
    subject: string,
    sequence: number,
    message: Message,
  ): void {
    const { domain, topic } = kind;
    const event: Event = {
      id: `${this.#options.tag}-${this.#state.counts[domain]}`,
      source: SOURCES[domain],
      type: kind.type,
      subject,
      time: this.#nowNs,
      key,
      // The service's own definition of the type says it.
      class: EventClass.UNSPECIFIED,
      contentType: "application/protobuf",
      data: bytesOf(kind, message, this.#writer),
      dataSchema: "",
      sequence: BigInt(sequence),
      ingested: 0n,
      priority: 0,
      extensions: {},
    };
    const { badShare } = this.#options;
    const out = domain === this.#state.silent ? this.#state.held : this.#told;
    out.push({ at: this.#nowNs, domain, topic, event });
    if (badShare === 0) return;
    const random = new Random(this.#state.bad[domain]);
    if (random.chance(badShare)) {
      out.push({ at: this.#nowNs, domain, topic, ...badEventAfter(event, kind as Kind, message, random) });
    }
    this.#state.bad[domain] = random.state;
  }
}

const SOURCES = Object.fromEntries(DOMAINS.map((domain) => [domain, `/simulator/${domain}`])) as Record<
  WorldDomain,
  string
>;
