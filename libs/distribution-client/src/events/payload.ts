/** From the payload on the wire to what the consumer works with. */
import { DistributionClientError } from "../errors.ts";
import type { WireEvent } from "../wire/frames.ts";
import { isJsonType } from "./media.ts";

export interface PayloadDecoder<T> {
  /** Payloads that are not JSON, for example `NormalizedMarketDataEvent.decode` of ts-proto. */
  bytes?(payload: Uint8Array): T;
  /** Payloads that are JSON, parsed. */
  json?(value: unknown): T;
}

/** A function stands for `{ bytes: function }`. */
export type Decode<T> = ((payload: Uint8Array) => T) | PayloadDecoder<T>;

/**
 * Without a decoder: JSON becomes its value, no payload `undefined`, anything else stays bytes. With one, an event that it has no
 * function for, or fails on, throws `undecodable`.
 */
export function decodePayload<T>(event: WireEvent, decode: Decode<T> | undefined): T {
  const { contentType, id } = event.envelope;
  const decoder = typeof decode === "function" ? { bytes: decode } : decode;
  try {
    if (event.json || isJsonType(contentType)) {
      const value = event.json ? event.json.value : parseJson(event.payload);
      if (decoder === undefined) return value as T;
      if (decoder.json) return decoder.json(value);
      throw undecodable(id, `is ${contentType}, and decode has no json function; give one`);
    }
    if (event.payload === undefined || decoder === undefined) return event.payload as T;
    if (decoder.bytes) return decoder.bytes(event.payload);
    throw undecodable(id, `is ${contentType}, and decode has no bytes function; give one, or ask for payload: "json"`);
  } catch (failure) {
    if (failure instanceof DistributionClientError) throw failure;
    throw undecodable(id, `(${contentType}) does not decode: ${String(failure)}`, failure);
  }
}

const parseJson = (payload: Uint8Array | undefined): unknown =>
  payload === undefined ? undefined : JSON.parse(new TextDecoder().decode(payload));

const undecodable = (id: string, what: string, cause?: unknown): DistributionClientError =>
  new DistributionClientError("undecodable", `The payload of event ${id} ${what}.`, { cause });
