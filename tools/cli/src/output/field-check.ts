/** Tells the one at the keyboard of `--fields` that nothing has: an empty column says nothing of a slip of the pen. */
import type { Terminal } from "../terminal.ts";

/** What a record may have. */
export interface KnownFields {
  has(path: string): boolean;
  /** For people. */
  readonly names: readonly string[];
}

export interface FieldCheckOptions<R> {
  readonly fields: readonly string[];
  readonly terminal: Terminal;
  readonly read: (record: R, path: string) => unknown;
  /** Asked once, when the first record lacks a field. */
  readonly known: (record: R) => KnownFields | Promise<KnownFields>;
}

/** Judges by the first record, once. */
export function createFieldCheck<R>({ fields, terminal, read, known }: FieldCheckOptions<R>) {
  let done = fields.length === 0;
  return async (record: R): Promise<void> => {
    if (done) return;
    done = true;
    const missing = fields.filter((path) => read(record, path) === undefined);
    if (missing.length === 0) return;
    const { has, names } = await known(record);
    const unknown = missing.filter((path) => !has(path));
    if (unknown.length === 0) return;
    const list = unknown.map((path) => `"${path}"`).join(", ");
    terminal.say(terminal.tintNote("warn", `--fields: there is no ${list}; there are ${names.join(", ")}`));
  };
}

/** Of a record that says by itself what it may have: its own names. */
export const ownFields = (record: object): KnownFields => ({ has: () => false, names: Object.keys(record) });
