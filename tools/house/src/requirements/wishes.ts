/** The mission's wishes, what is said of them, and where the two meet. */
import { join } from "node:path";
import { readTable } from "./table.ts";

const WISH_COLUMNS = ["service", "story", "title", "priority", "bullet", "capability"] as const;
const MARK_COLUMNS = ["capability", "services", "state", "where", "test", "note"] as const;

export const STATES = ["done", "partly", "not yet"] as const;
export type State = (typeof STATES)[number];

/** One line of docs/requirements.tsv: the mission's five columns, and the capability that would fulfil it. */
export type Wish = Readonly<Record<(typeof WISH_COLUMNS)[number], string>>;

/** One line of docs/capabilities.tsv. `services` is a comma-separated list; `where` and `test` are paths in the checkout. */
export type Mark = Readonly<Record<(typeof MARK_COLUMNS)[number], string>>;

export const MISSION_COLUMNS = WISH_COLUMNS.slice(0, 5);

export const readWishes = (root: string): readonly Wish[] =>
  readTable(join(root, "docs/requirements.tsv"), WISH_COLUMNS);

export const readMarks = (root: string): readonly Mark[] =>
  readTable(join(root, "docs/capabilities.tsv"), MARK_COLUMNS);

export const servicesOf = (mark: Mark): readonly string[] => mark.services.split(",");

/** What is said of a wish; undefined is "not yet". */
export const markOf = (wish: Wish, marks: readonly Mark[]): Mark | undefined =>
  marks.find((mark) => mark.capability === wish.capability && servicesOf(mark).includes(wish.service));
