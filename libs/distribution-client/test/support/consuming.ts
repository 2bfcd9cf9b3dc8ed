/** What tests do with subscriptions. */
import { expect } from "vitest";
import type { Client, ClientState, ReceivedEvent, Subscription } from "../../src/index.ts";

export interface Note {
  readonly n: number;
}

/** The next events of a loop that is left after the last of them, which is acknowledged too. */
export async function take<T>(subscription: Subscription<T>, count: number): Promise<ReceivedEvent<T>[]> {
  const events: ReceivedEvent<T>[] = [];
  for await (const event of subscription) {
    events.push(event);
    if (events.length < count) continue;
    event.ack();
    break;
  }
  return events;
}

export const numbers = (events: readonly ReceivedEvent<Note>[]): number[] => events.map(({ data }) => data.n);

export const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

/** The client's next state of this kind, from now on. */
export function nextState<S extends ClientState["status"]>(
  client: Client,
  status: S,
): Promise<ClientState & { status: S }> {
  return new Promise((resolve) => {
    const off = client.on("state", (state) => {
      if (state.status !== status) return;
      off();
      resolve(state as ClientState & { status: S });
    });
  });
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What comes to be true at some time: long enough for a machine that has much else to do. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 15_000, interval: 10 });
