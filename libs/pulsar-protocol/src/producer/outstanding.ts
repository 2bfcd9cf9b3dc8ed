/** Counts what is not confirmed against its bounds, and knows who waits for room or for the end. */
import type { PulsarError } from "../errors.ts";

interface Waiter {
  resolve(): void;
  reject(error: PulsarError): void;
}

export class Outstanding {
  messages = 0;
  bytes = 0;
  readonly maxMessages: number;
  readonly maxBytes: number;
  #idle: (() => void)[] = [];
  #writable: Waiter[] = [];

  constructor(maxMessages: number, maxBytes: number) {
    this.maxMessages = maxMessages;
    this.maxBytes = maxBytes;
  }

  hasRoom(bytes = 1): boolean {
    return this.messages < this.maxMessages && this.bytes + bytes <= this.maxBytes;
  }

  add(bytes: number): void {
    this.messages++;
    this.bytes += bytes;
  }

  settled(messages: number, bytes: number): void {
    this.messages -= messages;
    this.bytes -= bytes;
    if (this.messages === 0) this.#endWaiting();
    if (this.#writable.length > 0 && this.hasRoom()) for (const { resolve } of this.#writable.splice(0)) resolve();
  }

  /** Resolves when nothing is out, well or not. */
  idle(): Promise<void> {
    return this.messages === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  writable(): Promise<void> {
    if (this.hasRoom()) return Promise.resolve();
    return new Promise((resolve, reject) => this.#writable.push({ resolve, reject }));
  }

  /** There will be no room any more. */
  refuse(error: PulsarError): void {
    for (const { reject } of this.#writable.splice(0)) reject(error);
  }

  /** Nothing is out any more, and nothing will be. */
  end(error: PulsarError): void {
    this.messages = 0;
    this.bytes = 0;
    this.#endWaiting();
    this.refuse(error);
  }

  #endWaiting(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
