/** What goes from the buffer to the consumer: events that are still wanted, and notices, told where they have their place. */
import { type Emitter, reportUncaught } from "../emitter.ts";
import { toClientError } from "../errors.ts";
import type { ReceivedEvent } from "../events/received-event.ts";
import type { Answers } from "./answers.ts";
import type { Buffer } from "./buffer.ts";
import type { Outcome, Source } from "./consumption.ts";
import type { SubscriptionEvents } from "./contract.ts";
import type { Credit } from "./credit.ts";
import type { Notice } from "./intake.ts";
import type { Lanes } from "./lanes.ts";

export interface HandoverOptions<T> extends Pick<Source<ReceivedEvent<T>>, "ending"> {
  readonly buffer: Buffer<ReceivedEvent<T>, Notice>;
  readonly lanes: Lanes;
  readonly answers: Answers;
  readonly credit: Credit;
  readonly emitter: Emitter<SubscriptionEvents>;
}

export function createHandover<T>(options: HandoverOptions<T>): Source<ReceivedEvent<T>> {
  const { buffer, lanes, answers, credit, emitter, ending } = options;

  /** A redelivery may have been answered while it waited. */
  const isWanted = ({ position, size }: ReceivedEvent<T>): boolean => {
    if (position === undefined || lanes.lane(position)?.take(position) !== false) return true;
    buffer.release(1, size);
    return false;
  };
  const tell = (notice: Notice): void => {
    if (notice.kind === "gap") emitter.emit("gap", notice.value);
    else emitter.emit("snapshot", notice.value);
  };
  const handlerFailed = (failure: unknown): void => {
    const error = toClientError(failure, "misuse", `The handler of events failed: ${String(failure)}`);
    if (!emitter.emit("error", error)) reportUncaught(failure);
  };

  return {
    ending,
    take(adjoining) {
      for (;;) {
        if (adjoining && buffer.noticeNext) return undefined;
        const item = buffer.shift();
        if (item === undefined) return undefined;
        if (item.notice) tell(item.notice);
        else if (item.event && isWanted(item.event)) return item.event;
      }
    },
    done(events, outcome: Outcome) {
      // After `close` the buffer is gone, and nobody hears an answer.
      const end = ending();
      if (end && !end.error) return;
      let bytes = 0;
      for (const event of events) bytes += event.size;
      buffer.release(events.length, bytes);
      answers.done(events, outcome);
      if (outcome.kind === "failed") handlerFailed(outcome.failure);
      credit.replenish();
    },
  };
}
