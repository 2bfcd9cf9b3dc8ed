/** Topics and producers. */
import { CODE } from "../../../src/connection/failures.ts";
import { type Answer, ints, KEY, leading, writer } from "./answer.ts";
import { FakeLog } from "./log.ts";
import { FakeTopic } from "./topic.ts";

export const initProducerId: Answer = ({ cluster }) => {
  const code = cluster.scripted(KEY.INIT_PRODUCER_ID, "") ?? CODE.NONE;
  cluster.producers += 1n;
  return writer().appendInt32(0).appendInt16(code).appendInt64(cluster.producers).appendInt16(0).appendTaggedFields();
};

export const createTopics: Answer = ({ cluster }, r) => {
  const topics = r.readArray((t) => {
    const [name, count] = [t.readString(), t.readInt32()];
    t.skip(2);
    t.readArray(() => undefined);
    return { name, count, configs: t.readArray((c) => [c.readString(), c.readNullableString()] as const) };
  });
  return writer()
    .appendInt32(0)
    .appendArray(topics, (w, { name, count, configs }) => {
      const scripted = cluster.scripted(KEY.CREATE_TOPICS, name);
      const code = scripted ?? (cluster.topics.has(name) ? CODE.TOPIC_ALREADY_EXISTS : CODE.NONE);
      if (code === CODE.NONE) {
        cluster.topics.set(name, new FakeTopic(name, count, new Map(configs), (index) => cluster.leaderFor(index)));
      }
      const id = cluster.topics.get(name)?.id ?? "00000000-0000-0000-0000-000000000000";
      const why = code === CODE.NONE ? null : "it says no";
      w.appendString(name).appendUUID(id).appendInt16(code).appendString(why).appendInt32(count).appendInt16(1);
      w.appendArray([], () => undefined);
    })
    .appendTaggedFields();
};

export const createPartitions: Answer = ({ cluster }, r) => {
  const topics = r.readArray((t) => {
    const asked = { name: t.readString(), count: t.readInt32() };
    t.readNullableArray(() => undefined);
    return asked;
  });
  for (const { name, count } of topics) {
    const { logs } = cluster.topics.get(name)!;
    while (logs.length < count) logs.push(new FakeLog(cluster.leaderFor(logs.length)));
  }
  return writer()
    .appendInt32(0)
    .appendArray(topics, (w, { name }) => w.appendString(name).appendInt16(CODE.NONE).appendString(null))
    .appendTaggedFields();
};

export const deleteTopics: Answer = ({ cluster }, r) => {
  const names = r.readArray((t) => {
    const name = t.readNullableString() ?? "";
    t.readUUID();
    return name;
  });
  for (const name of names) cluster.topics.delete(name);
  cluster.wake();
  return writer()
    .appendInt32(0)
    .appendArray(names, (w, name) => {
      const id = "00000000-0000-0000-0000-000000000000";
      w.appendString(name).appendUUID(id).appendInt16(CODE.NONE).appendString(null);
    })
    .appendTaggedFields();
};

export const describeConfigs: Answer = ({ cluster }, r) => {
  const resources = r.readArray((one) => {
    one.skip(1);
    return { name: one.readString(), keys: one.readNullableArray((key) => key.readString(), true, false) ?? [] };
  });
  return writer()
    .appendInt32(0)
    .appendArray(resources, (w, { name, keys }) => {
      w.appendInt16(CODE.NONE).appendString(null).appendInt8(2).appendString(name);
      w.appendArray([...keys], (one, key) => {
        const value = cluster.topics.get(name)?.configs.get(key) ?? null;
        one.appendString(key).appendString(value).appendBoolean(false).appendInt8(1).appendBoolean(false);
        one
          .appendArray([], () => undefined)
          .appendInt8(2)
          .appendString(null);
      });
    })
    .appendTaggedFields();
};

export const alterConfigs: Answer = ({ cluster }, r) => {
  const resources = r.readArray((one) => {
    one.skip(1);
    const name = one.readString();
    const configs = one.readArray((c) => {
      const key = c.readString();
      c.skip(1);
      return [key, c.readNullableString()] as const;
    });
    for (const [key, value] of configs) cluster.topics.get(name)?.configs.set(key, value ?? null);
    return name;
  });
  return writer()
    .appendInt32(0)
    .appendArray(resources, (w, name) => {
      w.appendInt16(CODE.NONE).appendString(null).appendInt8(2).appendString(name);
    })
    .appendTaggedFields();
};

export const deleteRecords: Answer = (node, r) => {
  const topics = r.readArray((t) => ({
    name: t.readString(),
    partitions: t.readArray((p) => ({ index: p.readInt32(), offset: p.readInt64() })),
  }));
  return writer()
    .appendInt32(0)
    .appendArray(topics, (w, { name, partitions }) => {
      w.appendString(name).appendArray(partitions, (one, { index, offset }) => {
        const log = leading(node, name, index);
        const code = node.cluster.scripted(KEY.DELETE_RECORDS, name) ?? (typeof log === "number" ? log : CODE.NONE);
        if (code === CODE.NONE) (log as FakeLog).deleteBefore(offset);
        one.appendInt32(index).appendInt64(offset).appendInt16(code);
      });
    })
    .appendTaggedFields();
};

export const describeLogDirs: Answer = ({ cluster }, r) => {
  const topics = r.readNullableArray((t) => ({ name: t.readString(), partitions: ints(t) })) ?? [];
  return writer()
    .appendInt32(0)
    .appendInt16(CODE.NONE)
    .appendArray([0], (w) => {
      w.appendInt16(CODE.NONE).appendString("/data");
      w.appendArray(topics, (t, { name, partitions }) => {
        t.appendString(name).appendArray(partitions, (p, index) => {
          p.appendInt32(index)
            .appendInt64(cluster.topics.get(name)?.logs[index]?.bytes ?? 0n)
            .appendInt64(0n)
            .appendBoolean(false);
        });
      });
      w.appendInt64(0n).appendInt64(0n);
    })
    .appendTaggedFields();
};
