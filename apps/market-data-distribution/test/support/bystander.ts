/** A healthy publisher and a healthy subscriber, beside whom others misbehave. */
import { emptyFolder, removeFolder } from "@distribution/testkit/service";
import { expect } from "vitest";
import type { publishOverGrpc } from "./publisher.ts";
import { publishEvents, readiness } from "./rest.ts";
import { type Ports, type ServiceProcess, startProcess } from "./service.ts";
import { received, type Subscription, subscribe } from "./stream/subscription.ts";
import { websocket } from "./stream/websocket.ts";
import { TRADES, trades } from "./trades.ts";

export class Bystander implements AsyncDisposable {
  readonly service: ServiceProcess;
  readonly #folder: string;
  readonly #subscription: Subscription;
  #published = 0;

  private constructor(service: ServiceProcess, folder: string, subscription: Subscription) {
    this.service = service;
    this.#folder = folder;
    this.#subscription = subscription;
  }

  /** With a service process of its own. */
  static async start(): Promise<Bystander> {
    const folder = emptyFolder();
    const service = await startProcess({ DATA_DIR: folder });
    const subscription = await subscribe(await websocket("proto").connect(service.ports), { topics: [TRADES] });
    return new Bystander(service, folder, subscription);
  }

  get ports(): Ports {
    return this.service.ports;
  }

  async publish(count: number, padding = 0, send: typeof publishOverGrpc = publishEvents): Promise<void> {
    await send(this.ports, TRADES, trades(`healthy-${this.#published}`, count, { padding }));
    this.#published += count;
  }

  /** The process lives and is ready, publishing works, and the subscriber has every event so far, with nothing skipped. */
  async isWell(): Promise<void> {
    await this.publish(10);
    await received(this.#subscription, this.#published);
    const { delivered, breaks, client } = this.#subscription;
    expect(delivered.length).toBe(this.#published);
    expect(breaks).toEqual([]);
    expect(client.isClosed).toBe(false);
    expect(await readiness(this.ports)).toEqual({ status: 200, ready: true, reasons: [] });
    expect(this.service.exited, this.service.output()).toBe(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription.client.vanish();
    await this.service[Symbol.asyncDispose]();
    removeFolder(this.#folder);
  }
}
