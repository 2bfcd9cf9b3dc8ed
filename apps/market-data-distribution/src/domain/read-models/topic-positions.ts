/** How far a projection has read each partition of its topic. */
import type { Position } from "@distribution/core/brokers";

export interface TopicPositions {
  /** True when the epoch is another one than before: the partition's history was lost or restored. */
  advance(position: Position): boolean;
  of(partition: number): readonly Position[];
  all(): readonly Position[];
  clear(): void;
}

export function createTopicPositions(): TopicPositions {
  const positions = new Map<number, Position>();
  return {
    advance(position) {
      const before = positions.get(position.partition);
      positions.set(position.partition, position);
      return before !== undefined && before.epoch !== position.epoch;
    },
    of(partition) {
      const position = positions.get(partition);
      return position === undefined ? [] : [position];
    },
    all: () => [...positions.values()].sort((a, b) => a.partition - b.partition),
    clear: () => positions.clear(),
  };
}
