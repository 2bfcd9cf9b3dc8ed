export { createLife, type Life } from "./life.ts";
export { createLifeEvent, type LifeKind, type LifePayloads, lifeTopic } from "./life-events.ts";
