/** What rules and projections go by of an event's envelope, without decoding the event. */
import { type Envelope, EVENT_FIELD } from "./envelope.ts";
import { signed64 } from "./int64.ts";
import { utf8 } from "./slices.ts";

/** Texts as in `distribution.v1.Event`; each is made when it is asked for. */
export interface EventHead {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly key: string;
  /** Unix nanoseconds; 0: not stated. */
  readonly time: bigint;
}

/** Of what the envelope has read, which may then read on; the bytes have to stay as they are. */
export function headOf(envelope: Envelope): EventHead {
  return new ScannedHead(envelope);
}

class ScannedHead implements EventHead {
  readonly #bytes: Uint8Array;
  readonly #idStart: number;
  readonly #idEnd: number;
  readonly #sourceStart: number;
  readonly #sourceEnd: number;
  readonly #typeStart: number;
  readonly #typeEnd: number;
  readonly #subjectStart: number;
  readonly #subjectEnd: number;
  readonly #timeHi: number;
  readonly #timeLo: number;
  /** Nearly always asked for, and more than once. */
  readonly key: string;

  constructor(envelope: Envelope) {
    this.#bytes = envelope.bytes;
    this.#idStart = envelope.startOf(EVENT_FIELD.id);
    this.#idEnd = envelope.endOf(EVENT_FIELD.id);
    this.#sourceStart = envelope.startOf(EVENT_FIELD.source);
    this.#sourceEnd = envelope.endOf(EVENT_FIELD.source);
    this.#typeStart = envelope.startOf(EVENT_FIELD.type);
    this.#typeEnd = envelope.endOf(EVENT_FIELD.type);
    this.#subjectStart = envelope.startOf(EVENT_FIELD.subject);
    this.#subjectEnd = envelope.endOf(EVENT_FIELD.subject);
    this.#timeHi = envelope.timeHi;
    this.#timeLo = envelope.timeLo;
    this.key = envelope.text(EVENT_FIELD.key);
  }

  get id(): string {
    return utf8(this.#bytes, this.#idStart, this.#idEnd);
  }

  get source(): string {
    return utf8(this.#bytes, this.#sourceStart, this.#sourceEnd);
  }

  get type(): string {
    return utf8(this.#bytes, this.#typeStart, this.#typeEnd);
  }

  get subject(): string {
    return utf8(this.#bytes, this.#subjectStart, this.#subjectEnd);
  }

  get time(): bigint {
    return signed64(this.#timeHi, this.#timeLo);
  }
}
