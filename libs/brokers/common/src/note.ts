import { fieldError } from "@distribution/core/errors";

/** What every engine can keep beside a group's progress, whatever else it keeps there. */
const NOTE = /^[\x20-\x7e]{0,200}$/;

/** Throws `invalid_request` on the note of a `ForeignProgress` that could not be kept, or not be understood again. */
export function checkNote(note: string): void {
  if (NOTE.test(note)) return;
  throw fieldError("invalid_request", "progress.note", "must be ASCII without line ends, at most 200 characters");
}
