/**
 * Writing to a socket past Node's stream around it: straight to the stream's handle, as `net` itself does further down.
 * The stream is half of what a delivery costs a service in its own code (docs/adr/0011).
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

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

/** What is below a socket's stream: libuv's. Nothing of it is public. */
export interface Handle {
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
let spare: WriteRequest | undefined;

/**
 * The handle that `writeToKernel` writes to; undefined: there is none. Not for TLS: its handle takes no write before the one before
 * it is sent. Once the connection is gone, it refuses what it is given.
 */
export function handleOf(socket: Duplex): Handle | undefined {
  if (!streamWrap || !(socket instanceof Socket) || socket instanceof TLSSocket) return undefined;
  const { _handle: handle } = socket as { readonly _handle?: Handle | null };
  return typeof handle?.writeBuffer === "function" ? handle : undefined;
}

/**
 * Returns how many of the bytes are held: 0 when the kernel took all; else `sent` is called later, and until then nothing else
 * may be written this way. What waits in the stream itself is overtaken.
 */
export function writeToKernel(handle: Handle, bytes: Uint8Array, writer: KernelWriter): number {
  const { WriteWrap, streamBaseState, kLastWriteWasAsync } = streamWrap!;
  const request = spare ?? new WriteWrap();
  // Nobody else's while the handle has it.
  spare = undefined;
  // The stream finds out itself what is wrong with the connection, and ends it.
  if (handle.writeBuffer(request, bytes) !== 0) return ASK_STREAM;
  if (streamBaseState[kLastWriteWasAsync] === 0) {
    spare = request;
    return 0;
  }
  request.oncomplete = (status) => writer.sent(status);
  request.bytes = bytes;
  // The kernel may have taken the rest in between, which `sent` still has to tell.
  return handle.writeQueueSize || 1;
}

/** No public API: undefined in a Node that has it no more, or does not give it away. */
function findStreamWrap(): StreamWrap | undefined {
  // Where it is asked to, Node warns of this way in, and ends a process that has warnings thrown.
  if (process.throwDeprecation) return undefined;
  try {
    const { binding } = process as unknown as { binding(name: string): Partial<StreamWrap> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding("stream_wrap");
    if (!WriteWrap || !streamBaseState || kLastWriteWasAsync === undefined) return undefined;
    return { WriteWrap, streamBaseState, kLastWriteWasAsync };
  } catch {
    return undefined;
  }
}
