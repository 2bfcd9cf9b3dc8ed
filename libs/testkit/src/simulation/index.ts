export {
  createMemoryBroker,
  type Doubt,
  type Fate,
  type Faults,
  type MemoryBroker,
  NO_FAULTS,
} from "./memory-broker.ts";
export { createSimulatedRuntime, mulberry32, type SimulatedRuntime } from "./runtime.ts";
