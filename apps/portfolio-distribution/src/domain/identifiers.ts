/** Ids that keys and addresses are made of. None but an instrument has a "/", which keys put between their parts. */
import { type ErrorCode, fieldError } from "@distribution/core/errors";

export interface IdShape {
  readonly pattern: string;
  readonly expression: RegExp;
  /** For people. */
  readonly rule: string;
}

const shape = (pattern: string, rule: string): IdShape => ({ pattern, expression: new RegExp(pattern), rule });

/** Of portfolios and rebalances. */
export const ID = shape(
  "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
  '1 to 64 letters, digits, ".", "_", ":" and "-", the first a letter or digit',
);

export const INSTRUMENT = shape(
  "^[a-z0-9][a-z0-9-]{0,31}:[A-Za-z0-9.][A-Za-z0-9._/-]{0,63}$",
  "venue:symbol such as central:TEC04-USD, at most 32 and 64 characters",
);

/** Throws `code` at `path`. */
export function checkId(text: string, { expression, rule }: IdShape, path: string, code: ErrorCode): void {
  if (expression.test(text)) return;
  const shown = JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
  throw fieldError(code, path, `${shown} is no such id; write ${rule}.`);
}
