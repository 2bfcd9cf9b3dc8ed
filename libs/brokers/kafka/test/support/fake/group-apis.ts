/** Groups: joining, beating, committing. */
import { CODE } from "../../../src/connection/failures.ts";
import { type Answer, ints, KEY, strings, writer } from "./answer.ts";

export const findCoordinator: Answer = ({ cluster, id, port }, r) => {
  r.skip(1);
  const keys = strings(r);
  const code = cluster.scripted(KEY.FIND_COORDINATOR, "") ?? CODE.NONE;
  return writer()
    .appendInt32(0)
    .appendArray(keys, (w, key) => {
      w.appendString(key)
        .appendInt32(id)
        .appendString("127.0.0.1")
        .appendInt32(port)
        .appendInt16(code)
        .appendString(null);
    })
    .appendTaggedFields();
};

export const joinGroup: Answer = async ({ cluster }, r) => {
  const group = cluster.group(r.readString());
  r.skip(8);
  const memberId = r.readString();
  r.readNullableString();
  r.readString();
  const [protocol] = r.readArray((p) => ({ name: p.readString(), metadata: p.readBytes() }));
  const scripted = cluster.scripted(KEY.JOIN_GROUP, "");
  const answer =
    scripted === undefined
      ? await group.join(memberId, Buffer.from(protocol!.metadata))
      : { code: scripted, generation: -1, leader: "", memberId, members: [] };
  return writer()
    .appendInt32(0)
    .appendInt16(answer.code)
    .appendInt32(answer.generation)
    .appendString("consumer")
    .appendString(protocol!.name)
    .appendString(answer.leader)
    .appendString(answer.memberId)
    .appendArray([...answer.members], (w, one) => {
      w.appendString(one.memberId).appendString(null).appendBytes(one.metadata);
    })
    .appendTaggedFields();
};

export const syncGroup: Answer = async ({ cluster }, r) => {
  const group = cluster.group(r.readString());
  const [generation, memberId] = [r.readInt32(), r.readString()];
  for (let left = 3; left > 0; left -= 1) r.readNullableString();
  const given = r.readArray((one) => [one.readString(), Buffer.from(one.readBytes())] as const);
  const { code, assignment } = await group.sync(memberId, generation, new Map(given));
  return writer()
    .appendInt32(0)
    .appendInt16(code)
    .appendString("consumer")
    .appendString("p")
    .appendBytes(assignment)
    .appendTaggedFields();
};

export const heartbeat: Answer = ({ cluster }, r) => {
  const group = cluster.group(r.readString());
  const [generation, memberId] = [r.readInt32(), r.readString()];
  const code = cluster.scripted(KEY.HEARTBEAT, "") ?? group.check(memberId, generation);
  return writer().appendInt32(0).appendInt16(code).appendTaggedFields();
};

export const leaveGroup: Answer = ({ cluster }, r) => {
  const group = cluster.group(r.readString());
  const members = r.readArray((one) => {
    const id = one.readString();
    one.readNullableString();
    return id;
  });
  for (const id of members) group.leave(id);
  return writer()
    .appendInt32(0)
    .appendInt16(CODE.NONE)
    .appendArray([], () => undefined)
    .appendTaggedFields();
};

export const offsetCommit: Answer = ({ cluster }, r) => {
  const group = cluster.group(r.readString());
  const [generation, memberId] = [r.readInt32(), r.readString()];
  r.readNullableString();
  const code = cluster.scripted(KEY.OFFSET_COMMIT, "") ?? group.check(memberId, generation);
  const topics = r.readArray((t) => ({
    name: t.readString(),
    partitions: t.readArray((p) => {
      const [index, offset] = [p.readInt32(), p.readInt64()];
      p.skip(4);
      return { index, offset, metadata: p.readNullableString() ?? null };
    }),
  }));
  return writer()
    .appendInt32(0)
    .appendArray(topics, (w, { name, partitions }) => {
      w.appendString(name).appendArray(partitions, (one, { index, offset, metadata }) => {
        if (code === CODE.NONE) group.commits.set(`${name}/${index}`, { offset, metadata });
        one.appendInt32(index).appendInt16(code);
      });
    })
    .appendTaggedFields();
};

export const offsetFetch: Answer = ({ cluster }, r) => {
  const groups = r.readArray((g) => {
    const id = g.readString();
    return { id, topics: g.readNullableArray((t) => ({ name: t.readString(), indexes: ints(t) })) ?? [] };
  });
  return writer()
    .appendInt32(0)
    .appendArray(groups, (w, { id, topics }) => {
      w.appendString(id).appendArray(topics, (t, { name, indexes }) => {
        t.appendString(name).appendArray(indexes, (p, index) => {
          const found = cluster.group(id).commits.get(`${name}/${index}`);
          p.appendInt32(index)
            .appendInt64(found?.offset ?? -1n)
            .appendInt32(-1);
          p.appendString(found?.metadata ?? null).appendInt16(CODE.NONE);
        });
      });
      w.appendInt16(CODE.NONE);
    })
    .appendTaggedFields();
};
