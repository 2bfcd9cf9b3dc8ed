import { getHeapStatistics, setFlagsFromString } from "node:v8";

/** Of the heap's limit. V8 would collect all the time once live buffers are twice that limit: a service holds less than 1 GB of them. */
const LEAST_HEAP_BYTES = 1024 ** 3;
/** Of Node: those after it have to be measured anew, and may know the flag no more. */
const KNOWN_VERSION = "24.";

/**
 * Lets V8 count buffers like what is on its own heap, for the whole process, where the heap may grow to a gigabyte. Without it Node 24
 * walks the heap, tens of MB, for every 64 MB of buffers that were made, though they be long gone (nodejs/node#61967): a fifth to a
 * third of the CPU of a service that takes in events. The price is memory: up to twice what live buffers take is given back late.
 */
export function countBuffersAsHeap(): void {
  if (!process.versions.node.startsWith(KNOWN_VERSION)) return;
  if (getHeapStatistics().heap_size_limit < LEAST_HEAP_BYTES) return;
  setFlagsFromString("--external-memory-accounted-in-global-limit");
}
