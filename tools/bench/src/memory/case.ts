/** What the memory bench asks of its processes. */

/** `ws`: a bare server that keeps its connections and sends each event to all. */
export type ServerName = "ours" | "ws";

export type MemoryRequest =
  | "read"
  /** Publishes so many bytes of events, and answers when all that read have them. */
  | { readonly flow: number; readonly readers: number };

/** Bytes, after a full collection. */
export interface MemoryReading {
  /** Of JavaScript: the heap, and what it holds outside (buffers). */
  readonly heap: number;
  readonly external: number;
  /** The process's own memory that is resident; mapped files, which the log is, are not in it. */
  readonly resident: number;
}

export type LoadRequest =
  /** So many connections; each with one subscription of the same interest, or with so many of filters of its own. */
  | { readonly connect: number; readonly filters: number }
  /** So many connections that subscribe and from then on read nothing. */
  | { readonly stall: number };
