/** A history on its way to the client: as one page, or as a stream of lines. */
import type { Response } from "express";
import { toDistributionError } from "../../errors.ts";
import type { HistoryRequest, PlacedEvent, Queries } from "../../tail/contract.ts";
import { type BodyWriter, ClientGone, createBodyWriter } from "./body-writer.ts";
import type { RequestContext } from "./context.ts";
import type { EndpointOptions } from "./endpoint-options.ts";
import type { CursorBuilder } from "./history-query.ts";
import type { PlacedEventWriter } from "./placed-event.ts";
import { problemOf } from "./problem.ts";

export interface HistoryAnswer {
  readonly queries: Queries;
  readonly request: HistoryRequest;
  readonly cursor: CursorBuilder;
  readonly json: PlacedEventWriter;
  readonly response: Response;
  readonly context: RequestContext;
  readonly options: Pick<EndpointOptions, "limits" | "writer" | "logger">;
}

/** Collected before it is sent: a failure in the midst of a page is still a problem document. */
export async function sendPage(
  { queries, request, cursor, json, response, options }: HistoryAnswer,
  limit: number,
): Promise<void> {
  const events: PlacedEvent[] = [];
  const { pageBytes } = options.limits;
  let bytes = 0;
  const complete = await take(queries, request, limit, (event) => {
    events.push(event);
    cursor.add(event);
    bytes += event.bytes.length;
    return bytes < pageBytes && !response.destroyed;
  });
  const writer = createBodyWriter(response, options.writer);
  await ignoreGone(async () => {
    await writer.write('{"events":[');
    for (const [index, event] of events.entries()) await writer.write((index > 0 ? "," : "") + json(event));
    writer.end(`],${closing(cursor, complete)}}`);
  });
}

export async function sendStream(reading: HistoryAnswer, limit: number): Promise<void> {
  const { queries, request, cursor, json, response, options } = reading;
  const writer = createBodyWriter(response, options.writer);
  let begun = false;
  await ignoreGone(async () => {
    try {
      const complete = await take(queries, request, limit, async (event) => {
        begun = true;
        cursor.add(event);
        await writer.write(`${json(event)}\n`);
        return true;
      });
      writer.end(`{${closing(cursor, complete)}}\n`);
    } catch (failure) {
      if (!begun || failure instanceof ClientGone) throw failure;
      breakOff(failure, writer, reading);
    }
  });
}

/** Gives up to `limit` events to `give`, or until it answers false. True when the history ended first. */
async function take(
  queries: Queries,
  request: HistoryRequest,
  limit: number,
  give: (event: PlacedEvent) => boolean | Promise<boolean>,
): Promise<boolean> {
  let rest = limit;
  for await (const list of queries.history(request)) {
    for (const event of list) {
      const answer = give(event);
      rest -= 1;
      if (!(typeof answer === "boolean" ? answer : await answer) || rest === 0) return false;
    }
  }
  return true;
}

function closing(cursor: CursorBuilder, complete: boolean): string {
  const token = cursor.cursor();
  return `${token === undefined ? "" : `"cursor":${JSON.stringify(token)},`}"complete":${complete}`;
}

/** The status is out: the last line says what went wrong, and the broken connection that the stream is not whole. */
function breakOff(failure: unknown, writer: BodyWriter, { context, options }: HistoryAnswer): void {
  const error = toDistributionError(failure);
  options.logger.error({ requestId: context.id, code: error.code, err: failure }, "A history stream broke off.");
  writer.breakOff(`${JSON.stringify({ error: problemOf(error, context.id) })}\n`);
}

async function ignoreGone(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (failure) {
    if (!(failure instanceof ClientGone)) throw failure;
  }
}
