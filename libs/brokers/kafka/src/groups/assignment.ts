/**
 * Who of a group's members has which partitions: as even as their topics allow, moving as few as that takes. A partition
 * that moves is given to nobody first, and to its new member once the old one has let go of it: cooperative rebalancing.
 */

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface MemberClaim {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it has, and perhaps is still letting go of. */
  readonly owned: readonly TopicPartitions[];
  /** The group's generation that the member has seen; -1: none. */
  readonly generation: number;
}

interface Spot {
  readonly topic: string;
  readonly partition: number;
}

interface Seat {
  readonly id: string;
  readonly topics: ReadonlySet<string>;
  readonly has: Map<string, Spot>;
}

/** By member. `counts`: how many partitions each topic has; topics that are not there have none. */
export function assign(
  claims: readonly MemberClaim[],
  counts: ReadonlyMap<string, number>,
): Map<string, TopicPartitions[]> {
  const owners = ownersOf(claims);
  // By id, so that the outcome does not depend on who joined first.
  const seats: Seat[] = [...claims]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, topics }) => ({ id, topics: new Set(topics), has: new Map<string, Spot>() }));
  const byId = new Map(seats.map((seat) => [seat.id, seat]));
  const free: Spot[] = [];
  for (const topic of [...counts.keys()].sort()) {
    for (let partition = 0; partition < counts.get(topic)!; partition += 1) {
      const spot = { topic, partition };
      const seat = byId.get(owners.get(keyOf(spot)) ?? "");
      if (seat?.topics.has(topic)) seat.has.set(keyOf(spot), spot);
      else free.push(spot);
    }
  }
  for (const spot of free) emptiest(seats, spot)?.has.set(keyOf(spot), spot);
  level(seats);
  const given = seats.map((seat): [string, TopicPartitions[]] => [
    seat.id,
    grouped([...seat.has.values()].filter((spot) => (owners.get(keyOf(spot)) ?? seat.id) === seat.id)),
  ]);
  return new Map(given);
}

const keyOf = ({ topic, partition }: Spot): string => `${topic}/${partition}`;

/** Two members that claim one partition: one of them missed a rebalance, and has lost it. */
function ownersOf(claims: readonly MemberClaim[]): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { id, owned } of [...claims].sort((a, b) => a.generation - b.generation || (a.id < b.id ? -1 : 1)))
    for (const { topic, partitions } of owned)
      for (const partition of partitions) owners.set(keyOf({ topic, partition }), id);
  return owners;
}

/** Of those that want the topic, the first with the fewest partitions. */
function emptiest(seats: readonly Seat[], { topic }: Spot): Seat | undefined {
  let found: Seat | undefined;
  for (const seat of seats) {
    if (seat.topics.has(topic) && (found === undefined || seat.has.size < found.has.size)) found = seat;
  }
  return found;
}

/** Moves partitions from the fullest to emptier ones, until no move makes it more even. */
function level(seats: readonly Seat[]): void {
  for (let moved = true; moved; ) {
    moved = false;
    for (const from of [...seats].sort((a, b) => b.has.size - a.has.size)) {
      for (const [key, spot] of from.has) {
        const to = emptiest(seats, spot)!;
        if (from.has.size <= to.has.size + 1) continue;
        from.has.delete(key);
        to.has.set(key, spot);
        moved = true;
      }
    }
  }
}

function grouped(spots: readonly Spot[]): TopicPartitions[] {
  const byTopic = Map.groupBy(spots, ({ topic }) => topic);
  return [...byTopic].map(([topic, all]) => ({
    topic,
    partitions: all.map(({ partition }) => partition).sort((a, b) => a - b),
  }));
}
