/** Doors for tests of transitions: what is known of them is what the test says was seen of the log. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { fieldError } from "../../src/errors.ts";
import type { RuleModel, TransitionRule } from "../../src/ingest/index.ts";
import { event, topic } from "./support.ts";

export const orders = topic("md.orders");

/** A door: opened, closed, opened ... */
export function createDoors() {
  const seen = new Map<string, string>();
  const waiting: (() => void)[] = [];
  let lacking: string | undefined;
  const model: RuleModel = {
    name: "doors",
    reached: () => new Promise<void>((resolve) => waiting.push(resolve)),
    lack: () => lacking,
  };
  const rule: TransitionRule<string, string> = {
    topic: orders.name,
    payload: { decode: (bytes) => Buffer.from(bytes).toString() },
    by: [model],
    current: (key) => seen.get(key),
    next(state = "closed", { envelope: { type } }) {
      if (type !== state) return type;
      throw fieldError("illegal_transition", "type", `The door is ${state}.`);
    },
  };
  return {
    rule,
    model,
    /** The log has come so far: whoever waits for it goes on. */
    see(key: string, state: string) {
      seen.set(key, state);
      for (const resolve of waiting.splice(0)) resolve();
    },
    /** From now on the model does not follow the log. */
    lose(why: string | undefined) {
      lacking = why;
    },
  };
}

export const opened = (id: string, key = "front") => event(id, { key, type: "open" });
export const closed = (id: string, key = "front") => event(id, { key, type: "closed" });

export async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await nextTurn();
}
