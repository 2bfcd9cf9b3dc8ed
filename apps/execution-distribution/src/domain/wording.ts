/** What several endpoints say of themselves. */

export const TAG = "execution";

export const EXACT =
  "Prices, quantities and amounts are exact decimals as text, except where a rounding is stated; times are Unix nanoseconds as text.";

/** Entries in one answer when the request does not say. */
export const PAGE = { default: 100 } as const;
