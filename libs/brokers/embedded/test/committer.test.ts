/** What a transaction that fails leaves behind: nothing. The store's failures are the one thing that is faked here. */
import type { Appended } from "@distribution/core/brokers";
import { systemRuntime } from "@distribution/core/runtime";
import { batchOf } from "@distribution/testkit/broker";
import { describe, expect, onTestFinished, test } from "vitest";
import { AppendWork } from "../src/log/append.ts";
import { emptyState, Partition } from "../src/log/partition.ts";
import { RecentBatches } from "../src/log/recent.ts";

import { type Committer, createCommitter } from "../src/storage/committer.ts";
import { openStore, type Store } from "../src/storage/store.ts";
import { folder } from "./support.ts";

/** As lmdb rejects a commit: the reason is behind a promise of its own. */
function commitFailure(reason: unknown): Error {
  const commitError = Promise.reject(reason);
  commitError.catch(() => undefined);
  return Object.assign(new Error("Commit failed (see commitError for details)"), { commitError });
}

/** A committer on a real store, whose next transactions fail with these, one each. */
function committerWith(failures: unknown[]): {
  committer: Committer;
  partition: Partition;
  refusals: (string | undefined)[];
} {
  const directory = folder();
  const real = openStore(directory);
  onTestFinished(() => real.environment.close());
  const store: Store = {
    ...real,
    log: new Proxy(real.log, {
      get(log, name) {
        if (failures.length > 0 && name === "put") return () => Promise.resolve(true);
        if (failures.length > 0 && name === "batch") {
          return (write: () => void): Promise<boolean> => {
            write();
            return Promise.reject(failures.shift());
          };
        }
        const value: unknown = Reflect.get(log, name, log);
        return typeof value === "function" ? value.bind(log) : value;
      },
    }),
  };
  const refusals: (string | undefined)[] = [];
  const committer = createCommitter({
    ...{ store, directory, runtime: systemRuntime, maxTransactionBytes: 1 << 20, liveBytes: () => 0 },
    space: { refuseAppend: () => undefined, refuseAny: () => undefined },
    onSpace: (refused) => refusals.push(refused),
  });
  const place = { id: 1, topic: "t", index: 0, epoch: "e" };
  return {
    committer,
    partition: new Partition(place, emptyState(), new RecentBatches(0)),
    refusals,
  };
}

const append = (committer: Committer, partition: Partition, id: string): Promise<readonly Appended[]> =>
  new Promise((resolve, reject) => {
    const writes = [{ partition, batch: batchOf([{ id, key: "k" }]) }];
    committer.enqueue(new AppendWork(writes, systemRuntime.clock, resolve, reject));
  });

describe("a failed transaction", { timeout: 5000 }, () => {
  test.each([
    ["a full disk", commitFailure(new Error("No space left on device")), "storage_full"],
    ["a full map", commitFailure(new Error("MDB_MAP_FULL: Environment mapsize limit reached")), "storage_full"],
    ["a disk that fails", commitFailure(new Error("Input/output error")), "unavailable"],
    ["a store that is gone", new Error("Database is closed"), "unavailable"],
    ["something that is no error", "odd", "unavailable"],
  ])("because of %s is told to whoever waits for it, and its offsets are given again", async (_, failure, code) => {
    const { committer, partition, refusals } = committerWith([failure]);
    const refused = await Promise.allSettled([append(committer, partition, "a"), append(committer, partition, "b")]);
    for (const answer of refused) expect(answer).toMatchObject({ status: "rejected", reason: { code } });
    expect(refusals.some((refusal) => refusal !== undefined)).toBe(code === "storage_full");
    expect(partition.state).toEqual(emptyState());
    const [stored] = await append(committer, partition, "c");
    expect(stored!.offsetAt(0)).toBe("1");
    expect(committer.queuedBytes).toBe(0);
  });

  test("does not end the transactions that follow", async () => {
    const { committer, partition } = committerWith([commitFailure(new Error("Input/output error"))]);
    await expect(committer.run(0, () => undefined)).rejects.toMatchObject({ code: "unavailable" });
    await committer.run(0, () => undefined);
    await append(committer, partition, "a");
    await committer.close();
    expect(partition.state).toMatchObject({ end: 1, events: 1 });
  });
});

test("a closed committer finishes what it had, and refuses what comes later", async () => {
  const { committer, partition } = committerWith([]);
  const before = append(committer, partition, "a");
  const closing = committer.close();
  await expect(append(committer, partition, "b")).rejects.toMatchObject({ code: "unavailable" });
  await closing;
  expect(await before).toHaveLength(1);
  await committer.close();
});

test("work that cannot be prepared fails alone", async () => {
  const { committer, partition } = committerWith([]);
  const broken = committer.run(0, () => {
    throw new TypeError("a defect");
  });
  const good = append(committer, partition, "a");
  await expect(broken).rejects.toMatchObject({ code: "internal", cause: expect.any(TypeError) });
  expect((await good)[0]!.offsetAt(0)).toBe("1");
});
