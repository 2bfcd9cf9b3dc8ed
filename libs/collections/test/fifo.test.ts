import { expect, test } from "vitest";
import { Fifo } from "../src/index.ts";

test("a fifo is a queue, however long it grows", () => {
  const fifo = new Fifo<number>();
  expect(fifo.shift()).toBeUndefined();
  for (let number = 0; number < 5000; number += 1) fifo.push(number);
  for (let number = 0; number < 3000; number += 1) expect(fifo.shift()).toBe(number);
  expect([fifo.length, fifo.at(0), fifo.at(1999), fifo.at(2000)]).toEqual([2000, 3000, 4999, undefined]);
  fifo.clear();
  expect([fifo.length, fifo.shift()]).toEqual([0, undefined]);
  for (let number = 0; number < 3; number += 1) fifo.push(number);
  fifo.shift();
  expect([fifo.drain(), fifo.length]).toEqual([[1, 2], 0]);
});
