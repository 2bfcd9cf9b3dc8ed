/** Appending, reading, and where things are. */
import { CODE } from "../../../src/connection/failures.ts";
import { type Answer, KEY, leading, writer } from "./answer.ts";
import type { FakeLog } from "./log.ts";

export const produce: Answer = (node, r) => {
  r.readNullableString();
  r.skip(6);
  const topics = r.readArray((t) => ({
    name: t.readString(),
    partitions: t.readArray((p) => ({ index: p.readInt32(), batch: p.readBytes() })),
  }));
  return writer()
    .appendArray(topics, (w, { name, partitions }) => {
      w.appendString(name).appendArray(partitions, (one, { index, batch }) => {
        const scripted = node.cluster.scripted(KEY.PRODUCE, `${name}/${index}`);
        const log = leading(node, name, index);
        let done = { code: scripted ?? CODE.NONE, base: -1n };
        if (scripted === undefined && typeof log === "number") done = { code: log, base: -1n };
        else if (scripted === undefined || scripted === CODE.DUPLICATE_SEQUENCE) {
          const largest = Number(node.cluster.topics.get(name)!.configs.get("max.message.bytes") ?? 1_048_588);
          done = (log as FakeLog).append(batch, largest, BigInt(Date.now()));
          // It was there already, long ago.
          if (scripted !== undefined) done = { code: scripted, base: -1n };
        }
        one.appendInt32(index).appendInt16(done.code).appendInt64(done.base).appendInt64(-1n).appendInt64(0n);
        one.appendArray([], () => undefined).appendString(null);
      });
    })
    .appendInt32(0)
    .appendTaggedFields();
};

export const fetch: Answer = async (node, r) => {
  r.skip(4);
  const waitMs = r.readInt32();
  r.skip(4 + 4);
  const isCommitted = r.readInt8() === 1;
  r.skip(4 + 4);
  const wanted = r
    .readArray((t) => ({
      topicId: t.readUUID(),
      partitions: t.readArray((p) => {
        const index = p.readInt32();
        p.skip(4);
        const offset = p.readInt64();
        const lastEpoch = p.readInt32();
        p.skip(8);
        return { index, offset, lastEpoch, maxBytes: p.readInt32() };
      }),
    }))
    .flatMap(({ topicId, partitions }) => partitions.map((one) => ({ topicId, ...one })));
  const read = () =>
    wanted.map(({ topicId, index, offset, maxBytes, lastEpoch }) => {
      const name = [...node.cluster.topics.values()].find(({ id }) => id === topicId)?.name;
      const scripted = node.cluster.scripted(KEY.FETCH, `${name}/${index}`);
      const log = name === undefined ? CODE.UNKNOWN_TOPIC_ID : leading(node, name, index);
      const answer = { topicId, index, records: Buffer.alloc(0), end: -1n, start: -1n, diverged: false };
      if (scripted !== undefined) return { ...answer, code: scripted };
      if (typeof log === "number") return { ...answer, code: log };
      const { start, end } = log;
      if (offset > end && lastEpoch >= 0 && lastEpoch < log.leaderEpoch)
        return { ...answer, start, end, code: 0, diverged: true };
      if (offset < start || offset > end) return { ...answer, start, end, code: CODE.OFFSET_OUT_OF_RANGE };
      const isHidden = isCommitted && log.stable !== undefined && offset >= log.stable;
      return { ...answer, start, end, code: CODE.NONE, ...(!isHidden && { records: log.read(offset, maxBytes) }) };
    });
  const waiting = (found: ReturnType<typeof read>) =>
    found.every(({ code, records, diverged }) => code === CODE.NONE && records.length === 0 && !diverged);
  const until = performance.now() + waitMs;
  let found = read();
  for (let left = waitMs; waiting(found) && left > 0; left = until - performance.now()) {
    await node.cluster.changed(left);
    found = read();
  }
  return writer()
    .appendInt32(0)
    .appendInt16(CODE.NONE)
    .appendInt32(0)
    .appendArray(found, (w, { topicId, index, code, end, start, records, diverged }) => {
      w.appendUUID(topicId).appendArray(
        [0],
        (one) => {
          one.appendInt32(index).appendInt16(code).appendInt64(end).appendInt64(end).appendInt64(start);
          one.appendArray([], () => undefined).appendInt32(-1);
          one.appendUnsignedVarInt(records.length + 1).append(records);
          if (!diverged) one.appendTaggedFields();
          else
            one
              .appendUnsignedVarInt(1)
              .appendUnsignedVarInt(0)
              .appendUnsignedVarInt(13)
              .appendInt32(1)
              .appendInt64(end)
              .appendTaggedFields();
        },
        true,
        false,
      );
    })
    .appendTaggedFields();
};

export const listOffsets: Answer = (node, r) => {
  r.skip(5);
  const topics = r.readArray((t) => ({
    name: t.readString(),
    partitions: t.readArray((p) => {
      const index = p.readInt32();
      p.skip(4);
      return { index, timestamp: p.readInt64() };
    }),
  }));
  return writer()
    .appendInt32(0)
    .appendArray(topics, (w, { name, partitions }) => {
      w.appendString(name).appendArray(partitions, (one, { index, timestamp }) => {
        const scripted = node.cluster.scripted(KEY.LIST_OFFSETS, `${name}/${index}`);
        const log = leading(node, name, index);
        const code = scripted ?? (typeof log === "number" ? log : CODE.NONE);
        let offset = -1n;
        if (typeof log !== "number") {
          offset = timestamp === -1n ? log.end : timestamp === -2n ? log.start : log.timeAt(timestamp);
        }
        one.appendInt32(index).appendInt16(code).appendInt64(-1n).appendInt64(offset).appendInt32(0);
      });
    })
    .appendTaggedFields();
};

export const metadata: Answer = ({ cluster }, r) => {
  const asked = r.readNullableArray((t) => {
    t.readUUID();
    return t.readNullableString() ?? "";
  });
  const names = asked ?? [...cluster.topics.keys()];
  return writer()
    .appendInt32(0)
    .appendArray([...cluster.nodes], (w, { id, port }) => {
      w.appendInt32(id).appendString("127.0.0.1").appendInt32(port).appendString(null);
    })
    .appendString("fake")
    .appendInt32(0)
    .appendArray(names, (w, name) => {
      const topic = cluster.topics.get(name);
      const code =
        cluster.scripted(KEY.METADATA, name) ?? (topic === undefined ? CODE.UNKNOWN_TOPIC_OR_PARTITION : CODE.NONE);
      const id = topic?.id ?? "00000000-0000-0000-0000-000000000000";
      w.appendInt16(code).appendString(name).appendUUID(id).appendBoolean(false);
      w.appendArray([...(topic?.logs.entries() ?? [])], (one, [index, { leader, leaderEpoch }]) => {
        one.appendInt16(CODE.NONE).appendInt32(index).appendInt32(leader).appendInt32(leaderEpoch);
        for (const replicas of [[0], [0], []]) one.appendArray(replicas, (n, id) => n.appendInt32(id), true, false);
      });
      w.appendInt32(0);
    })
    .appendTaggedFields();
};
