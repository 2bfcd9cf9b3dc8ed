/** Writes an answer of any length: in parts, no faster than the client takes them, and never long in one turn. */
import type { Response } from "express";
import type { Timers } from "../../runtime/index.ts";

export interface BodyWriter {
  /** Resolves when the client is ready for more. Throws ClientGone. */
  write(text: string): Promise<void>;
  /** The last part. */
  end(text?: string): void;
  /** What is left, then the end of the connection without the end of the body: the client sees that it is not whole. */
  breakOff(text: string): void;
}

/** The client hung up, or took nothing for too long: nobody is left to be told. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

/** Bytes a write to the socket collects, and with them the work of one turn of the event loop: well under a millisecond. */
const PART_CHARACTERS = 32 * 1024;

export interface BodyWriterOptions {
  readonly timers: Timers;
  /** A client that takes nothing for this long is cut off, milliseconds. */
  readonly stallMs: number;
}

/** The status and headers go out with the first part, so an error before it can still be a problem document. */
export function createBodyWriter(response: Response, options: BodyWriterOptions): BodyWriter {
  let part = "";

  async function flush(): Promise<void> {
    const text = part;
    part = "";
    const more = response.write(text);
    if (!more) await drained(response, options);
    if (response.destroyed) throw new ClientGone();
    await new Promise<void>((resolve) => options.timers.soon(resolve));
  }

  return {
    async write(text) {
      if (response.destroyed) throw new ClientGone();
      part += text;
      if (part.length >= PART_CHARACTERS) await flush();
    },
    end(text = "") {
      response.end(part + text);
    },
    breakOff(text) {
      response.write(part + text);
      response.socket?.destroySoon();
    },
  };
}

function drained(response: Response, { timers, stallMs }: BodyWriterOptions): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      stall.cancel();
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    const stall = timers.after(stallMs, () => response.destroy());
    response.once("drain", settle);
    response.once("close", settle);
    if (response.destroyed) settle();
  });
}
