/** Where field readers put what they find. */

/**
 * Takes the values of one event by slot number. A slot that is given several values holds the last, or, where it was made for
 * the elements of a list, all of them. Called on the hot path: implementations neither throw nor keep `bytes`.
 */
export interface FieldSink {
  /** UTF-8 in `bytes[start, end)`, free of escapes. */
  text(slot: number, bytes: Uint8Array, start: number, end: number): void;
  /** An integer or double as the nearest double. */
  number(slot: number, value: number): void;
  boolean(slot: number, value: boolean): void;
  /** A JSON null. */
  nothing(slot: number): void;
  /** There, but a list, an object or bytes: equal to no constant. */
  structure(slot: number): void;
  /** Not there after all. */
  clear(slot: number): void;
}
