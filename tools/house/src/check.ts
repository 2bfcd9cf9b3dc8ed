/** One rule of the house, checked over a checkout. */

/** What is wrong, one line a finding, written for the one who has to put it right. Empty: nothing. `root` is the checkout. */
export type Check = (root: string) => readonly string[];
