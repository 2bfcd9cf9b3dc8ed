/** What a shell may have made of a filter: an unquoted `>` is a redirection to it, and the service gets what is before that. */
import { DistributionClientError } from "@distribution/client";
import { RefusedError } from "./service/api.ts";

/** A line to add to the message of the failure. Empty: the filter is not why, or nothing seems to be missing at its end. */
export function quotingHint(failure: unknown, filter: unknown): string {
  const coded = failure instanceof RefusedError || failure instanceof DistributionClientError;
  if (!coded || failure.code !== "invalid_filter" || typeof filter !== "string" || !endsEarly(filter)) return "";
  return "\n  If the shell cut it short: the whole expression has to be quoted, as in --filter 'data.trade.price > 1000'.";
}

/** A name alone, or an operator, a dot or a comma at the end. */
const SOMETHING_FOLLOWS = /^[\w.\s]*$|[-=<>!&|+*/%?:,.]\s*$/;

/** Only a guess, of what the service has refused: brackets and quotes within strings count, too. */
const endsEarly = (filter: string): boolean =>
  SOMETHING_FOLLOWS.test(filter) ||
  countOf(filter, /[([]/g) > countOf(filter, /[)\]]/g) ||
  countOf(filter, /["']/g) % 2 === 1;

const countOf = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
