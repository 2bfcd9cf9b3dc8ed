import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** Of the heap's limit. V8 would collect all the time once live buffers are twice that limit: a service holds less than 1 GB of them. */
const LEAST_HEAP_BYTES = 1024 ** 3;
/** Of Node: those after it have to be measured anew, and may know the flags no more. */
const KNOWN_VERSION = "24.";

/** Says to V8, for the whole process, how a service's objects live. To be called before there are any. */
export function tuneHeap(): void {
  if (!process.versions.node.startsWith(KNOWN_VERSION)) return;
  makeNothingOld();
  countBuffersAsHeap();
}

/**
 * Every object begins in the young space. Otherwise V8 makes what a line of code makes in the old space from then on, when a collection
 * has found most of it alive; and so it finds frames and answers, which live for a turn, when it comes in the middle of a burst. Dead
 * in the old space, each keeps what it named until the next full collection: twice to four times as much grew old, collections of the
 * young space took longer, and events came that much later.
 */
function makeNothingOld(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/**
 * Counts buffers like what is on V8's own heap, where that may grow to a gigabyte. Without it Node 24 walks the heap, tens of MB, for
 * every 64 MB of buffers that were made, though they be long gone (nodejs/node#61967): a fifth to a third of the CPU of a service that
 * takes in events. The price is memory: up to twice what live buffers take is given back late.
 */
function countBuffersAsHeap(): void {
  if (getHeapStatistics().heap_size_limit < LEAST_HEAP_BYTES) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
