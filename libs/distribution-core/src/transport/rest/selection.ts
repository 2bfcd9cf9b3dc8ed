/** The parameters that choose events of a topic: their keys and a filter. */
import { atPath } from "../../errors.ts";
import type { FilterParser } from "../../routing/contract.ts";
import type { Filter } from "../../subscriptions/contract.ts";
import type { TopicDefinition } from "../../topics.ts";
import { optionalQuery, type Parameter, text, textList } from "./parameters.ts";

const MAX_KEY_BYTES = 256;
/** What fits into a target of the usual length; the filter's own bound on cost is the language's business. */
const MAX_FILTER_BYTES = 4096;

export function keysParameter(maxItems: number): Parameter<readonly string[] | undefined> {
  return optionalQuery(textList({ maxItems, maxItemBytes: MAX_KEY_BYTES }), {
    description: `Only events of these keys, comma-separated, at most ${maxItems}. Absent: all.`,
    example: "XNAS:AAPL,XNAS:MSFT",
  });
}

export const filterParameter: Parameter<string | undefined> = optionalQuery(text({ maxBytes: MAX_FILTER_BYTES }), {
  description: "A CEL expression over the envelope and `data`; only events for which it is true are given.",
  example: 'data.symbol == "AAPL"',
});

/** Throws `invalid_filter` or `filter_too_costly`, at the parameter's own path. */
export function parseTopicFilter(
  parse: FilterParser,
  source: string | undefined,
  topic: TopicDefinition,
): Filter | undefined {
  if (source === undefined) return undefined;
  return atPath("query.filter", () => parse(source, { message: topic.message }));
}
