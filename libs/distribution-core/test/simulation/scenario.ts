/** One seed's life of a service: publishers, clients of every kind, faults; then peace, and the judgement. */

import { type Frame, type Observation, SimulatedClient } from "./client.ts";
import { matcherOf, type Wish, wishes } from "./wishes.ts";
import { PARTITIONS, type Published, SIM_TOPICS, World } from "./world.ts";

/** What one client wants, over all the connections it makes one after the other. */
interface Subscriber {
  readonly wish: Wish;
  readonly connections: Connected[];
}

interface Connected {
  readonly client: SimulatedClient;
  /** Undefined until it is subscribed. */
  readonly observation: () => Observation | undefined;
}

const current = ({ connections }: Subscriber): Connected => connections[connections.length - 1]!;

export interface Verdict {
  readonly faults: readonly string[];
  readonly published: number;
  readonly delivered: number;
  readonly subscriptions: number;
  /** The run in one line: equal for equal seeds. */
  readonly digest: string;
}

const STEPS = 60;
const STEP_MS = 40;

export async function playSeed(seed: number): Promise<Verdict> {
  const world = new World(seed);
  await world.open();
  world.disturb();
  const subscribers: Subscriber[] = [];

  if (world.chance(0.25)) world.fill();
  for (let step = 0; step < STEPS; step += 1) {
    for (let batches = world.pick(4); batches > 0; batches -= 1) world.publish();
    if (world.chance(0.02)) world.grow();
    if (world.chance(0.5)) world.publishBeside();
    if (world.chance(0.25)) join(world, subscribers);
    if (subscribers.length > 0 && world.chance(0.4)) act(world, subscribers[world.pick(subscribers.length)]!);
    if (world.chance(0.01)) world.broker.lose(SIM_TOPICS[world.pick(SIM_TOPICS.length)]!.name, world.pick(PARTITIONS));
    if (world.chance(0.02)) world.broker.forget("sim.quotes", world.pick(PARTITIONS));
    if (world.chance(0.02)) world.runtime.jumpWall((world.chance(0.5) ? -1 : 1) * 3_600_000);
    await world.runtime.run(STEP_MS);
  }

  world.calm();
  for (const subscriber of subscribers) {
    const { client, observation } = current(subscriber);
    client.resumeReading();
    const subscription = observation()?.subscription;
    if (subscription) client.send({ update: { subscription, paused: false } });
  }
  for (let quiet = 0; quiet < 30; quiet += 1) {
    for (const subscriber of subscribers) current(subscriber).client.heartbeat();
    await world.runtime.run(5_000);
  }
  for (const subscriber of subscribers) {
    const { client, observation } = current(subscriber);
    const seen = observation();
    if (seen) void client.request({ requestLedger: { subscription: seen.subscription } });
  }
  await world.runtime.run(1_000);
  const faults = subscribers.flatMap((subscriber) => judge(world, subscriber));
  await world.engine.close(1_000);
  const clients = subscribers.flatMap(({ connections }) => connections);
  const delivered = clients.reduce((sum, { observation }) => sum + (observation()?.first.length ?? 0), 0);
  const frames = clients.map(({ client }) => client.frames.length).join();
  const digest = `${world.published.size} ${world.refused.length} ${delivered} ${world.runtime.now} ${frames}`;
  return { faults, published: world.published.size, delivered, subscriptions: subscribers.length, digest };
}

function join(world: World, subscribers: Subscriber[]): void {
  const wish = wishes[world.pick(wishes.length)]!;
  subscribers.push({ wish, connections: [connect(world, wish, wish.subscribe)] });
}

/** A client connects and subscribes. Some read at once, some slowly. */
function connect(world: World, wish: Wish, subscribe: Frame): Connected {
  const fast = { capacity: 1e6, bytesPerMs: 1e5 };
  const pace = world.chance(0.5) ? fast : { capacity: 3_000, bytesPerMs: 20 + world.pick(200) };
  const client = new SimulatedClient(world.engine.sessions, world.runtime, pace);
  let id: number | undefined;
  void client.request({ subscribe }).then((answer) => {
    id = answer?.subscribed?.subscription;
    if (id !== undefined && wish.credit > 0) client.send({ credit: { subscription: id, events: wish.credit } });
  });
  if (wish.credit > 0) {
    client.onTaken = ({ subscription }, events) => client.send({ credit: { subscription, events } });
  }
  client.onEvents = (observation, frame) => acknowledge(world, wish, client, observation, frame);
  return { client, observation: () => (id === undefined ? undefined : client.observations.get(id)) };
}

/** The connection breaks, and the client goes on from what it has read, on another one. */
function reconnect(world: World, { wish, connections }: Subscriber): void {
  const { client, observation } = connections[connections.length - 1]!;
  const seen = observation();
  if (!seen || wish.acknowledged || wish.subscribe.profile?.snapshot) return;
  client.disconnect();
  const from = { after: { positions: client.positions(seen), complete: true } };
  connections.push(connect(world, wish, { ...wish.subscribe, from }));
}

/** At least once: most are acknowledged late, some refused, some forgotten until the timeout. */
function acknowledge(
  world: World,
  wish: Wish,
  client: SimulatedClient,
  { subscription }: Observation,
  frame: Frame,
): void {
  if (!wish.acknowledged) return;
  const positions = frame.offsets.map((offset: string) => ({
    topic: frame.topic,
    partition: frame.partition,
    epoch: frame.epoch,
    offset,
  }));
  if (world.chance(0.1)) return;
  const answer = world.chance(0.1)
    ? { nack: { subscription, positions, delayMs: 20 } }
    : { ack: { subscription, positions } };
  world.runtime.timers.after(world.pick(30), () => client.send(answer));
}

function act(world: World, subscriber: Subscriber): void {
  const { client, observation } = current(subscriber);
  const subscription = observation()?.subscription;
  switch (world.pick(6)) {
    case 0:
      client.stalled = true;
      break;
    case 1:
      client.resumeReading();
      break;
    case 2:
      if (subscription) client.send({ update: { subscription, paused: true } });
      break;
    case 3:
      if (subscription) client.send({ update: { subscription, paused: false } });
      break;
    case 4:
      reconnect(world, subscriber);
      break;
    default:
      client.heartbeat();
  }
}

/** What the laws say about one subscription, now that all is quiet. */
function judge(world: World, { wish, connections }: Subscriber): string[] {
  const faults = connections.flatMap(({ client }) => client.faults);
  const seen = joined(connections.flatMap(({ observation }) => observation() ?? []));
  const last = connections[connections.length - 1]!;
  const lastSeen = last.observation();
  if (!seen || !lastSeen || last.client.closed) return faults;
  const fault = (text: string): void => void faults.push(`${wish.name}: ${text}`);
  judgeOrder(seen, fault);
  judgeOrigin(world, wish, seen, fault);
  if (wish.mode === "every") judgeCompleteness(world, wish, seen, fault);
  if (wish.mode === "latest") judgeNewest(world, wish, seen, fault);
  if (wish.subscribe.profile?.snapshot) judgeSnapshot(world, wish, seen, fault);
  judgeStates(lastSeen, fault);
  if (lastSeen.ledger) judgeLedger(lastSeen, fault);
  else fault("no ledger came");
  return faults;
}

/** What a client saw over all its connections, as if there had been one. */
function joined(parts: readonly Observation[]): Observation | undefined {
  const [first] = parts;
  return first && { ...first, first: parts.flatMap((part) => part.first), gaps: parts.flatMap((part) => part.gaps) };
}

/** First deliveries: each once, in the order of the log. */
function judgeOrder(seen: Observation, fault: (text: string) => void): void {
  const last = new Map<string, number>();
  for (const { place } of seen.first) {
    const [topic, partition, epoch, offset] = place.split("/");
    const lane = `${topic}/${partition}/${epoch}`;
    if (Number(offset) <= (last.get(lane) ?? -1)) fault(`${place} came after ${last.get(lane)}`);
    last.set(lane, Number(offset));
  }
}

/** Nothing that was not published, nothing that was not wanted. */
function judgeOrigin(world: World, wish: Wish, seen: Observation, fault: (text: string) => void): void {
  const wanted = matcherOf(wish);
  for (const { place, id } of [...seen.first, ...seen.again]) {
    const event = world.published.get(place);
    if (!event) fault(`${place} (${id}) was never acknowledged`);
    else if (event.id !== id) fault(`${place} is ${event.id}, came as ${id}`);
    else if (!wanted(event)) fault(`${place} was not wanted`);
  }
}

/** Everything wanted after the start came, but for what gaps told of. */
function judgeCompleteness(world: World, wish: Wish, seen: Observation, fault: (text: string) => void): void {
  const wanted = matcherOf(wish);
  const came = new Set(seen.first.map(({ place }) => place));
  for (const event of world.published.values()) {
    if (came.has(event.place) || !wanted(event) || !isAfterStart(seen, event.place)) continue;
    if (!seen.gaps.some((gap) => covers(gap, event.place)))
      fault(`${event.place} never came; gaps ${JSON.stringify(seen.gaps)}`);
  }
}

/** Of every key the newest event came, where it is wanted and newer than the start, or than the snapshot. */
function judgeNewest(world: World, wish: Wish, seen: Observation, fault: (text: string) => void): void {
  const wanted = matcherOf(wish);
  const newest = new Map<string, Published>();
  for (const event of world.published.values()) {
    const known = newest.get(event.key);
    if (wish.topics.includes(event.topic) && (!known || isNewer(event.place, known.place)))
      newest.set(event.key, event);
  }
  const came = new Set(seen.first.map(({ id }) => id));
  const start = seen.snapshotAt ?? seen.start;
  for (const event of newest.values()) {
    if (!wanted(event) || !isAfterStart({ start }, event.place) || came.has(event.id)) continue;
    if (!seen.gaps.some((gap) => covers(gap, event.place)))
      fault(`the newest of ${event.key}, ${event.place}, never came`);
  }
}

/**
 * The table as it was at one place, as far as the log was read, but for keys that changed later: their changes follow, and
 * nothing comes twice.
 */
function judgeSnapshot(world: World, wish: Wish, seen: Observation, fault: (text: string) => void): void {
  const { snapshot, snapshotAt, first } = seen;
  if (!snapshotAt) {
    fault("the snapshot never came");
    return;
  }
  const ids = new Set(snapshot);
  if (ids.size < snapshot.length) fault(`the snapshot has ${snapshot.length - ids.size} events twice`);
  for (const { id } of first) if (ids.has(id)) fault(`${id} came in the snapshot and after it`);
  const wanted = matcherOf(wish);
  const newest = new Map<string, Published>();
  const changed = new Set<string>();
  for (const event of world.published.values()) {
    if (!wish.topics.includes(event.topic) || world.losses.some((loss) => covers(loss, event.place))) continue;
    if (isAfterStart({ start: snapshotAt }, event.place)) changed.add(event.key);
    else if (snapshotAt.some(({ epoch }) => event.place.includes(`/${epoch}/`))) newest.set(event.key, event);
  }
  const lost = seen.gaps.some(({ from, to }) => from.epoch !== to.epoch);
  for (const event of newest.values()) {
    const due = wanted(event) && !changed.has(event.key);
    if (due && !ids.delete(event.id) && !lost) fault(`${event.place} of ${event.key} is not in the snapshot`);
    else if (wanted(event)) ids.delete(event.id);
  }
  if (ids.size > 0) fault(`the snapshot has ${[...ids].join()}, which were not the newest of their keys`);
}

/** Each state is another one than before, and in the end all is well. */
function judgeStates({ states }: Observation, fault: (text: string) => void): void {
  if (states.at(-1) !== "STREAM_STATE_LIVE") fault(`is ${states.at(-1)} in the end`);
}

const parse = (place: string) => {
  const [topic, partition, epoch, offset] = place.split("/");
  return { topic, partition: Number(partition), epoch: Number(epoch!.slice(1)), offset: Number(offset) };
};

/** Keys stay in one partition, so places of one key can be compared. */
function isNewer(a: string, b: string): boolean {
  const [left, right] = [parse(a), parse(b)];
  return left.epoch > right.epoch || (left.epoch === right.epoch && left.offset > right.offset);
}

function isAfterStart({ start }: Pick<Observation, "start">, place: string): boolean {
  const { topic, partition } = parse(place);
  const from = start.find((position) => position.topic === topic && position.partition === partition);
  // Of a partition that was added since all comes.
  if (from === undefined) return partition >= PARTITIONS;
  return isNewer(place, `${topic}/${partition}/${from.epoch}/${from.offset}`);
}

function covers({ topic, partition, from, to }: Frame, place: string): boolean {
  const at = parse(place);
  if (at.topic !== topic || at.partition !== partition) return false;
  return (
    isNewer(place, `${topic}/${partition}/${from.epoch}/${from.offset}`) &&
    !isNewer(place, `${topic}/${partition}/${to.epoch}/${to.offset}`)
  );
}

function judgeLedger(seen: Observation, fault: (text: string) => void): void {
  const { published, delivered, counts } = seen.ledger;
  const undelivered = Object.values(counts).reduce((sum: number, count) => sum + Number(count), 0);
  if (Number(published) !== Number(delivered) + undelivered)
    fault(`ledger: ${published} published, ${delivered} delivered, ${undelivered} not`);
  if (Number(delivered) !== seen.first.length) fault(`ledger says ${delivered} delivered, ${seen.first.length} came`);
  if (Object.values(counts).some((count) => Number(count) < 0))
    fault(`ledger has a negative count: ${JSON.stringify(counts)}`);
}

export type { Published };
