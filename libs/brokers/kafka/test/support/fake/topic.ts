import { randomUUID } from "node:crypto";
import { FakeLog } from "./log.ts";

export class FakeTopic {
  readonly name: string;
  readonly id: string = randomUUID();
  readonly configs: Map<string, string | null | undefined>;
  readonly logs: FakeLog[];

  constructor(
    name: string,
    partitions: number,
    configs: Map<string, string | null | undefined>,
    leaderFor: (partition: number) => number,
  ) {
    this.name = name;
    this.configs = configs;
    this.logs = Array.from({ length: partitions }, (_, index) => new FakeLog(leaderFor(index)));
  }
}
