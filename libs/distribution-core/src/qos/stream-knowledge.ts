import { StreamState } from "@distribution/proto-types/distribution/v1/frames";
import type { InterestClass } from "../subscriptions/index.ts";
import type { Outlet, StateNotice } from "./contract.ts";

/** What a client knows of the state of its subscription's stream: it is told of changes, never of what it knows. */
export class StreamKnowledge {
  /** Unspecified: not live yet, or not any more. */
  #state: StreamState;

  constructor(live: boolean) {
    this.#state = live ? StreamState.LIVE : StreamState.UNSPECIFIED;
  }

  /** It waits to be told that the stream is live. */
  get waits(): boolean {
    return this.#state === StreamState.UNSPECIFIED;
  }

  /** The stream is live no longer; the client is told once it is again. */
  leaveLive(): void {
    if (this.#state === StreamState.LIVE) this.#state = StreamState.UNSPECIFIED;
  }

  /** The stream is at the head: live, or stale when one of its partitions cannot be read. */
  tell(outlet: Outlet, shared: InterestClass): void {
    const notice = stateNotice(shared);
    if (notice.state === this.#state) return;
    this.#state = notice.state;
    outlet.state(notice);
  }
}

function stateNotice({ channel, lanes }: InterestClass): StateNotice {
  const stuck = lanes.find(({ tail }) => tail.trouble !== undefined)?.tail;
  if (!stuck) return { channel, topic: "", state: StreamState.LIVE, reason: "" };
  const reason = `Partition ${stuck.partition} cannot be read: ${stuck.trouble}`;
  return { channel, topic: stuck.topic.name, state: StreamState.STALE, reason };
}
