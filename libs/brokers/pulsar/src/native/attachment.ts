/**
 * A reader of the native client from a place on, without a gap. That client gives messages without a thread of libuv's each only to a
 * listener, and drops those that arrive before JavaScript has the reader in hand. So there are two ways:
 *
 * - `direct`: where it is known which message comes first at the latest, the reader begins there. If another one is seen first,
 *   or none, this is given up.
 * - `back`: the reader begins at the end, and goes back. What it has in hand at that moment counts as acknowledged, with all that lies
 *   before, and is not given again: then what comes first lies behind what was seen before, and it goes back once more.
 */
import { setImmediate as turn } from "node:timers/promises";
import { pause } from "@distribution/core/runtime";
import type { MessagePlace } from "../port.ts";
import type { NativeApi, NativeId } from "./client.ts";
import { compareMessages, idBytes } from "./ids.ts";
import { type Hear, type Listening, type ListenOptions, listen } from "./listening.ts";

export interface AttachOptions extends ListenOptions {
  readonly api: NativeApi;
  /** The first message that is wanted, if it is still there; undefined: the oldest that is. */
  readonly from: MessagePlace | undefined;
  /** Of what lies before `from` some may be given as well. False: enough, nothing more comes. */
  readonly take: Hear;
}

/** When nothing has come until then, what came may have been dropped. */
const SILENCE_MS = 100;

export async function attach(options: AttachOptions): Promise<Listening> {
  const { api, from } = options;
  if (from === undefined) return goBack(options, api.MessageId.earliest());
  const start = api.MessageId.deserialize(idBytes(before(from)));
  return (await goDirectly(options, start, from)) ?? goBack(options, start);
}

/** The client gives what follows a place; of a batch, the batch of the place where that names none of its messages. */
function before({ ledger, entry, batchIndex }: MessagePlace): Pick<MessagePlace, "ledger" | "entry" | "batchIndex"> {
  return batchIndex > 0 ? { ledger, entry, batchIndex: batchIndex - 1 } : { ledger, entry: entry - 1n, batchIndex: -1 };
}

async function goDirectly(options: AttachOptions, start: NativeId, from: MessagePlace): Promise<Listening | undefined> {
  const { promise: decided, resolve: decide } = Promise.withResolvers<void>();
  let whole: boolean | undefined;
  const listening = await listen(options, start, (message) => {
    whole ??= compareMessages(message.place, from) <= 0;
    decide();
    return whole && options.take(message);
  });
  await Promise.race([decided, pause(options.runtime, SILENCE_MS)]);
  whole ??= false;
  if (whole) return listening;
  await listening.close();
  return undefined;
}

async function goBack(options: AttachOptions, start: NativeId): Promise<Listening> {
  /** The first of what was seen, all of which comes again. */
  let seen: MessagePlace | undefined;
  let isBack = false;
  let whole = false;
  let decided = Promise.withResolvers<void>();
  const listening = await listen(options, options.api.MessageId.latest(), (message) => {
    const { place } = message;
    if (isBack && (seen === undefined || compareMessages(place, seen) <= 0)) whole = true;
    if (isBack) decided.resolve();
    if (whole) return options.take(message);
    isBack = false;
    if (seen === undefined || compareMessages(place, seen) < 0) seen = place;
    return true;
  });
  // What was dropped is done with by then.
  await turn();
  await turn();
  while (!listening.closed) {
    decided = Promise.withResolvers<void>();
    await listening.seek(start);
    isBack = true;
    if (seen === undefined) break;
    await Promise.race([decided.promise, pause(options.runtime, SILENCE_MS)]);
    if (whole) break;
    isBack = false;
  }
  return listening;
}
