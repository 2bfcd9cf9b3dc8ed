/**
 * Writing to a socket past Node's stream around it: straight to the stream's handle, as `net` itself does further down.
 * The stream is half of what a delivery costs a service in its own code (docs/adr/0011).
 */
import type { Duplex } from "node:stream";

/** Who writes. */
export interface KernelWriter {
  /** What was held of its last write is sent. Below 0: libuv's error. */
  sent(status: number): void;
}

/** One write, as libuv is asked for it. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** What the handle sends from must not be collected before it is sent. */
  bytes?: Uint8Array;
}

/** A socket's handle. */
interface Handle {
  /** 0, or libuv's error. What the kernel does not take at once is held, and sent before anything that is written later. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  readonly writeQueueSize: number;
}

interface StreamWrap {
  readonly WriteWrap: new () => WriteRequest;
  /** What a handle's last call has to say beside its result. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

/** Not written: the stream is to be asked. */
export const ASK_STREAM = -1;

const streamWrap = findStreamWrap();
/** A write that the kernel takes at once, as it does nearly all, leaves its request to the next one. */
let request = streamWrap && new streamWrap.WriteWrap();

/**
 * Returns how many of the bytes are held: 0 when the kernel took all; else `sent` is called later. Nothing may wait in the
 * stream itself: it would be overtaken.
 */
export function writeToKernel(socket: Duplex, bytes: Uint8Array, writer: KernelWriter): number {
  // Gone with the connection.
  const handle = (socket as { _handle?: Handle | null })._handle;
  if (!handle || !streamWrap || !request) return ASK_STREAM;
  // The stream meets the same error, and ends the connection with it.
  if (handle.writeBuffer(request, bytes) !== 0) return ASK_STREAM;
  if (streamWrap.streamBaseState[streamWrap.kLastWriteWasAsync] === 0) return 0;
  request.oncomplete = (status) => writer.sent(status);
  request.bytes = bytes;
  request = new streamWrap.WriteWrap();
  return handle.writeQueueSize;
}

/** No public API: undefined in a Node that has it no more, or does not give it away. */
function findStreamWrap(): StreamWrap | undefined {
  try {
    const { binding } = process as unknown as { binding(name: string): Partial<StreamWrap> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding("stream_wrap");
    if (!WriteWrap || !streamBaseState || kLastWriteWasAsync === undefined) return undefined;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    return undefined;
  }
}
