/** Reads one log of a foreign topic, record by record, and waits at its head. */
import type { ForeignReader, ForeignRecord, ReadFrom } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { failureOf } from "../failures.ts";
import { BEGINNING, beforeEntry, comparePlaces, type EntryId, formatOffset, type Place } from "../offset.ts";
import type { Settings } from "../options.ts";
import { PortError, type PortMessage, type PortReader, type PortStart, type PulsarPort } from "../port.ts";
import { assertKept, positionGone, startOf } from "../read/bounds.ts";
import { check, wallMs } from "../read/opening.ts";
import { damagedRecord, foreignRecord, placeOf, WHOLE_ENTRY } from "./record.ts";
import type { ForeignLog, ForeignState, ForeignTopicsAdmin } from "./topics.ts";

export interface ForeignParts {
  readonly settings: Settings;
  readonly port: PulsarPort;
  readonly admin: ForeignTopicsAdmin;
}

/** Bytes that are taken from the client at a time. */
const TAKE_BYTES = 1024 * 1024;

/** Throws `unknown_topic`, `position_gone`, `invalid_request`. */
export async function openForeignReader(
  parts: ForeignParts,
  log: ForeignLog,
  from: ReadFrom,
  onClose: (reader: ForeignReader) => void,
): Promise<ForeignReader> {
  const state = await parts.admin.state(log);
  const { start, begin } = beginningOf(parts.settings, log, state, from);
  const reader = new LogReader(parts, log, state.topic.epoch, start, onClose);
  await reader.open(begin);
  return reader;
}

/** The position before the first record, and from where the client is to read for that. */
function beginningOf(
  settings: Settings,
  { partition }: ForeignLog,
  { topic, stats }: ForeignState,
  from: ReadFrom,
): { readonly start: Place; readonly begin: PortStart } {
  const wanted = check(from);
  const nowMs = wallMs(settings);
  // An empty ledger comes and goes: a place in it would be gone with it.
  const oldest = stats.last === undefined ? BEGINNING : startOf(topic, partition, stats, nowMs);
  if (wanted === "earliest" || (wanted === "latest" && stats.last === undefined)) {
    return { start: oldest, begin: { at: "earliest" } };
  }
  if (wanted === "latest") {
    const last = stats.last!;
    return { start: { ...last, index: WHOLE_ENTRY }, begin: { after: last } };
  }
  if ("time" in wanted) {
    throw fieldError(
      "invalid_request",
      "from.time",
      "is not offered for topics of others; read from earliest or latest",
    );
  }
  const { place, epoch } = wanted;
  if (epoch !== topic.epoch) {
    throw positionGone(topic, partition, place, `epoch ${epoch} is over, it is epoch ${topic.epoch} now`);
  }
  // Whoever took this place holds what comes after it by a subscription.
  if (comparePlaces(place, BEGINNING) === 0) return { start: place, begin: { at: "earliest" } };
  assertKept(topic, partition, stats, place, nowMs);
  return { start: place, begin: { entry: place } };
}

class LogReader implements ForeignReader {
  readonly start: { readonly epoch: string; readonly offset: string };
  readonly #parts: ForeignParts;
  readonly #log: ForeignLog;
  readonly #epoch: string;
  readonly #onClose: (reader: ForeignReader) => void;
  #port: PortReader | undefined;
  /** Of the last record that was taken in, or before the first. */
  #at: Place;
  #rest: ForeignRecord[] = [];
  #closed = false;

  constructor(
    parts: ForeignParts,
    log: ForeignLog,
    epoch: string,
    start: Place,
    onClose: (reader: ForeignReader) => void,
  ) {
    this.#parts = parts;
    this.#log = log;
    this.#epoch = epoch;
    this.#at = start;
    this.#onClose = onClose;
    this.start = { epoch, offset: formatOffset(start) };
  }

  async open(from: PortStart): Promise<void> {
    const { port, settings } = this.#parts;
    const options = { topic: this.#log.url, from, queueBytes: settings.readAheadBytes, compacted: false };
    const opened = await port.read(options).catch((failure) => {
      throw failureOf(failure, this.#name);
    });
    this.#port = opened;
    if (this.#closed) await opened.close();
  }

  async next(maxRecords: number): Promise<readonly ForeignRecord[]> {
    try {
      while (!this.#closed && this.#rest.length === 0) {
        await this.#receive();
      }
    } catch (failure) {
      if (this.#closed) return [];
      await this.close();
      throw failureOf(failure, this.#name);
    }
    return this.#rest.splice(0, maxRecords);
  }

  get #name(): string {
    return `${this.#log.topic}/${this.#log.partition}`;
  }

  async #receive(): Promise<void> {
    let messages: readonly PortMessage[];
    try {
      messages = await this.#port!.receive(TAKE_BYTES);
    } catch (failure) {
      if (this.#closed || !(failure instanceof PortError) || failure.entry === undefined) throw failure;
      const { entry, message, data } = failure;
      const place = { ledger: entry.ledger, entry: entry.entry, index: WHOLE_ENTRY };
      await this.#takeIn(place, () => damagedRecord(this.#epoch, place, message, data));
      // A reader that has met damage is of no more use.
      await this.#port!.close();
      return this.open({ after: entry });
    }
    for (const message of messages) {
      await this.#takeIn(placeOf(message.place), () => foreignRecord(this.#epoch, message));
    }
    if (messages.length === 0) await this.close();
  }

  async #takeIn(place: Place, record: () => ForeignRecord): Promise<void> {
    if (comparePlaces(place, this.#at) <= 0) return;
    if (place.ledger !== this.#at.ledger) await this.#follow(place);
    this.#rest.push(record());
    this.#at = place;
  }

  /** Asks, where a ledger begins, whether the topic is the same, and still has the ledger before: what is deleted are the oldest. */
  async #follow(next: EntryId): Promise<void> {
    const before = this.#at;
    const { topic, stats } = await this.#parts.admin.state(this.#log);
    const { partition } = this.#log;
    if (topic.epoch !== this.#epoch) {
      throw positionGone(topic, partition, before, `the topic was deleted; its epoch is ${topic.epoch} now`);
    }
    if (comparePlaces(before, BEGINNING) === 0 || stats.ledgers.some(({ id }) => id === before.ledger)) return;
    const first = formatOffset(beforeEntry(next));
    throw positionGone(topic, partition, before, `what follows may have been deleted up to ${first}`);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#rest = [];
    this.#onClose(this);
    await this.#port?.close();
  }
}
