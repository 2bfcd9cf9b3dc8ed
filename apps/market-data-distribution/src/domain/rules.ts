/** What a book change has to be beside what event-types.ts says as data: each of its levels is looked at before it is taken. */
import { fieldError } from "@distribution/core/errors";
import type { IngestService } from "@distribution/core/ingest";
import { type BookChange, NormalizedMarketDataEvent } from "@distribution/proto-types/market_data/v1/market_data";
import { validLevels } from "./books.ts";
import { TOPICS } from "./topics.ts";

export function govern(ingest: Pick<IngestService, "govern">): void {
  ingest.govern({
    ...{ topic: TOPICS.books, payload: NormalizedMarketDataEvent, by: [] },
    next(_state: undefined, { payload: { payload } }) {
      if (payload?.$case === "book") assertUsable(payload.value);
      return undefined;
    },
  });
}

/** By the read model, and by whoever compares prices as texts. */
function assertUsable(change: BookChange): void {
  for (const [index, level] of validLevels(change).entries()) {
    for (const name of ["price", "size"] as const) {
      if (change.levels[index]![name] === level[name]) continue;
      const right = `has to be ${JSON.stringify(level[name])}: equal numbers are equal texts.`;
      throw fieldError("invalid_event", `data.book.levels[${index}].${name}`, right);
    }
  }
}
