/** The events of the fan-out bench. */

/** Bytes of one event as it is published: the 200 that peers are measured with. */
export const EVENT_BYTES = 200;

/** Stands once in every event and nowhere else, so that events can be counted in any framing without parsing it. */
export const MARK = Buffer.from("~ev!");

/** A distinct JSON event of EVENT_BYTES. */
export function createEvent(sequence: number): string {
  const head = `{"mark":"${MARK}","sequence":${sequence},"text":"`;
  return `${head.padEnd(EVENT_BYTES - 2, "x")}"}`;
}
