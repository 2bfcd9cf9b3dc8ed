import { checkNote } from "@distribution/broker-common";
import { expect, test } from "vitest";

test("a note of printable ASCII is kept, up to 200 characters", () => {
  for (const note of ["", "begun 1.2.3 4; ~", "x".repeat(200)]) expect(() => checkNote(note)).not.toThrow();
});

test.each([
  ["a letter beyond ASCII", "ä"],
  ["a line end", "a\n"],
  ["201 characters", "x".repeat(201)],
])("a note with %s is refused, naming the field", (_what, note) => {
  expect(() => checkNote(note)).toThrow(
    expect.objectContaining({ code: "invalid_request", errors: [expect.objectContaining({ path: "progress.note" })] }),
  );
});
