export { Fifo } from "./fifo.ts";
export { TransitMap, TransitSet } from "./transit.ts";
