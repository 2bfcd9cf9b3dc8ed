/** Answers made of other answers. */
import { createHash } from "node:crypto";
import type { Position } from "../brokers/contract.ts";
import type { Answer, Entry, Page } from "./contract.ts";

/** The answer with another form of its value, true at the same positions. */
export function mapAnswer<Value, Other>(answer: Answer<Value>, map: (value: Value) => Other): Answer<Other> {
  return { ...answer, value: map(answer.value) };
}

/** The page's entries under a name, each in another form, and where to read on. */
export function mapPage<State>(
  answer: Answer<Page<State>>,
  name: string,
  view: (entry: Entry<State>) => unknown,
): Answer<object> {
  return mapAnswer(answer, ({ entries, next }) => ({ [name]: entries.map(view), next }));
}

/** One answer that needed several, read without waiting in between: all positions, each once, and complete since all of them are. */
export function mergeAnswers<Value>(answers: readonly Answer<unknown>[], value: Value): Answer<Value> {
  const positions = new Map<string, Position>();
  for (const position of answers.flatMap((answer) => answer.positions)) {
    const lane = `${position.topic}/${position.partition}`;
    // Those of one partition are equal: they were read at one moment.
    positions.set(lane, position);
  }
  return {
    value,
    positions: [...positions.values()],
    completeFrom: latest(answers.map(({ completeFrom }) => completeFrom)),
    tag: tagOf(answers.map(({ tag }) => tag)),
  };
}

export function latest(times: readonly (bigint | undefined)[]): bigint | undefined {
  return times.reduce((a, b) => (a === undefined || (b !== undefined && b > a) ? b : a), undefined);
}

/** 132 bits of SHA-256 as 22 characters: of what stands for what was read. */
export function tagOf(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("base64url").slice(0, 22);
}
