/**
 * Counts bytes that were handed to a library and not yet taken by the kernel, for wires whose library tells no more
 * than "this write is done", in the order of the writes.
 */
export interface SendWindow {
  /** Bytes handed over and not taken. */
  readonly pending: number;
  /** Counts one write. False: `pending` is over the bound, and `onDrained` will be called. */
  sent(bytes: number): boolean;
  /** The oldest write is done. Given to a library as its callback, so it needs no `this`. */
  readonly taken: () => void;
}

/** `onDrained` is called once `pending` is at half of `bound` or less after it was over it. Bytes. */
export function createSendWindow(bound: number, onDrained: () => void): SendWindow {
  const sizes: number[] = [];
  let pending = 0;
  let full = false;
  return {
    get pending() {
      return pending;
    },
    sent(bytes) {
      sizes.push(bytes);
      pending += bytes;
      if (pending > bound) full = true;
      return !full;
    },
    taken() {
      pending -= sizes.shift() ?? 0;
      if (!full || pending > bound / 2) return;
      full = false;
      onDrained();
    },
  };
}
