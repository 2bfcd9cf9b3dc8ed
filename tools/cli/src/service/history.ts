/** A topic's log as a stream of lines, which says at its end whether it is whole. */
import { CliError } from "../exit.ts";
import type { EventRecord } from "../record.ts";
import type { Api, Query } from "./api.ts";

export interface HistoryLine {
  /** As the service wrote it: numbers of any length keep their digits. */
  readonly text: string;
  readonly record: EventRecord;
}

interface Closing {
  readonly complete?: boolean;
  readonly error?: { readonly code: string; readonly detail: string };
}

/** Fails when the stream ends without its closing line: then it is not whole. */
export async function* readHistory(api: Api, topic: string, query: Query): AsyncGenerator<HistoryLine> {
  const response = await api.get(`/topics/${encodeURIComponent(topic)}/events`, query, "application/x-ndjson");
  let closing: Closing | undefined;
  for await (const text of linesOf(response)) {
    const line = JSON.parse(text) as EventRecord & Closing;
    if (line.event !== undefined) {
      yield { text, record: line };
      continue;
    }
    closing = line;
    if (line.error) throw new CliError(`${line.error.code}: ${line.error.detail} The history is not whole.`);
  }
  if (closing === undefined) {
    throw new CliError("The history broke off before its end. Ask again, from the time of the last event on.");
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = "";
  try {
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (failure) {
    if (failure instanceof Error && failure.name === "AbortError") throw failure;
    throw new CliError("The connection broke while the history was read.", undefined, failure);
  }
  if (rest !== "") yield rest;
}
