/** Reads a world's events as five services' clients together would, and checks everything that can be known from them alone. */
import { CoordinationEvent } from "@distribution/proto-types/coordination/v1/coordination";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { ExecutionEvent } from "@distribution/proto-types/execution/v1/execution";
import { IntelligenceEvent } from "@distribution/proto-types/intelligence/v1/intelligence";
import { PortfolioEvent } from "@distribution/proto-types/portfolio/v1/portfolio";
import type { WorldDomain, WorldEvent } from "../../src/index.ts";
import { CoordinationReader } from "./coordination-reader.ts";
import { faultyDecimal } from "./exact.ts";
import { ExecutionReader } from "./execution-reader.ts";
import { IntelligenceReader } from "./intelligence-reader.ts";
import { must, same } from "./must.ts";
import { PortfolioReader } from "./portfolio-reader.ts";

/** From the plan: where each type of event goes. */
const TYPES_OF: Readonly<Record<string, readonly string[]>> = {
  "portfolio.state": ["state"],
  "portfolio.positions": ["position"],
  "portfolio.performance": ["performance", "attribution"],
  "portfolio.risk": ["breach"],
  "portfolio.rebalancing": ["rebalance-proposed", "rebalance-completed"],
  "coordination.decisions": ["coordinated", "approved", "rejected", "superseded", "executed", "expired"].map(
    (step) => `decision-${step}`,
  ),
  "coordination.policies": ["policy-checked", "policy-violated"],
  "coordination.conflicts": ["conflict-detected", "conflict-resolved"],
  "intelligence.signals": ["signal"],
  "intelligence.news": ["news"],
  "intelligence.sentiment": ["sentiment"],
  "intelligence.synthesis": ["synthesis"],
  "execution.orders": ["new", "acknowledged", "filled", "cancelled", "replaced", "rejected", "expired"].map(
    (step) => `order-${step}`,
  ),
  "execution.confirmations": ["trade-confirmed"],
  "execution.alerts": ["alert"],
};

/** Topics on which every key is numbered. */
const SEQUENCED = ["portfolio.state", "portfolio.positions", "coordination.decisions", "execution.orders"];

const MESSAGES = {
  portfolio: PortfolioEvent,
  coordination: CoordinationEvent,
  intelligence: IntelligenceEvent,
  execution: ExecutionEvent,
} as const;

export const decode = ({ domain, event }: WorldEvent): object => MESSAGES[domain].decode(event.data!);

export class WorldReader {
  readonly intelligence = new IntelligenceReader();
  readonly execution: ExecutionReader;
  readonly coordination: CoordinationReader;
  readonly portfolio: PortfolioReader;
  readonly #ids = new Set<string>();
  readonly #sequences = new Map<string, bigint>();
  readonly #last = new Map<WorldDomain, bigint>();

  constructor() {
    this.execution = new ExecutionReader((id) => this.coordination.decisions.get(id));
    this.coordination = new CoordinationReader(this.intelligence, (id) => this.execution.executed(id));
    this.portfolio = new PortfolioReader(this.execution.fills, this.coordination.decisions);
  }

  /** Good events only, in the order in which they happened. */
  read(told: WorldEvent): void {
    try {
      this.#envelope(told);
      this.#message(told);
    } catch (cause) {
      throw new Error(`${told.event.type} ${told.event.id} of ${told.event.key}`, { cause });
    }
  }

  #message(told: WorldEvent): void {
    const { domain, event } = told;
    const message = decode(told);
    same(faultyDecimal(message), undefined, "a decimal that is not canonical");
    if (domain === "portfolio") this.portfolio.read(event, message as PortfolioEvent);
    else if (domain === "coordination") this.coordination.read(event, message as CoordinationEvent);
    else if (domain === "intelligence") this.intelligence.read(event, message as IntelligenceEvent);
    else this.execution.read(event, message as ExecutionEvent);
  }

  #envelope({ at, domain, topic, event }: WorldEvent): void {
    const [, name = "", version] = /^\w+\.(.+)\.(v\d+)$/.exec(event.type) ?? [];
    same(version, "v1", "version");
    must(TYPES_OF[topic]?.includes(name) === true && topic.startsWith(`${domain}.`), "the topic takes the type");
    same(`${event.source} ${event.contentType}`, `/simulator/${domain} application/protobuf`, "source and media type");
    const id = `${domain} ${event.id}`;
    must(!this.#ids.has(id), "the id is new");
    this.#ids.add(id);
    must(at >= event.time, "it is not told before it happens");
    must(event.time >= (this.#last.get(domain) ?? 0n), "time goes on");
    this.#last.set(domain, event.time);
    this.#sequence(topic, event);
  }

  #sequence(topic: string, { source, key, sequence }: Event): void {
    const name = `${source} ${key}`;
    const last = this.#sequences.get(name) ?? 0n;
    same(sequence, SEQUENCED.includes(topic) ? last + 1n : 0n, "sequence");
    if (sequence > 0n) this.#sequences.set(name, sequence);
  }
}
