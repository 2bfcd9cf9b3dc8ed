/** What happened and cannot be undone: health tells of it for a while, so that somebody who looks now and then sees it. */
import type { Clock } from "../runtime/index.ts";

export interface Notices {
  tell(text: string): void;
  all(): readonly string[];
}

const KEPT_MS = 600_000;
/** The newest. */
const KEPT = 20;

export function createNotices(clock: Pick<Clock, "monotonicMs">): Notices {
  let told: { readonly text: string; readonly at: number }[] = [];
  return {
    tell(text) {
      told = [...told.filter((one) => one.text !== text), { text, at: clock.monotonicMs() }].slice(-KEPT);
    },
    all: () => told.filter(({ at }) => clock.monotonicMs() - at < KEPT_MS).map(({ text }) => text),
  };
}
