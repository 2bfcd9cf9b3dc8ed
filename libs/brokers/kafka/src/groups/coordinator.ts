/** A group's coordinator: found when it is needed, and anew when it has moved. */
import { type Connection, FindCoordinatorKeyTypes, findCoordinatorV4 } from "@platformatic/kafka";
import type { Cluster } from "../connection/cluster.ts";
import { CODE, nameOf, unavailable } from "../connection/failures.ts";

export interface Coordinator {
  /** As `Cluster.ask`, of the broker that keeps the group. */
  ask<T>(send: (connection: Connection) => Promise<T>): Promise<T>;
  /** Its node, asked for now. Throws `unavailable`. */
  find(): Promise<number>;
}

export function createCoordinator(cluster: Cluster, group: string): Coordinator {
  /** While it answers. */
  let known: number | undefined;

  const find = async (): Promise<number> => {
    const { coordinators } = await cluster.ask(
      () => "any",
      (connection) => findCoordinatorV4.api.async(connection, FindCoordinatorKeyTypes.GROUP, [group]),
    );
    const [found] = coordinators;
    if (found === undefined || found.errorCode !== CODE.NONE) {
      const why = found === undefined ? "no answer" : nameOf(found.errorCode);
      throw unavailable(`Kafka does not say who keeps the group ${group}: ${why}.`);
    }
    return found.nodeId;
  };

  return {
    find,
    ask(send) {
      let node: number | undefined;
      return cluster.ask(
        async () => {
          node = known ?? (await find());
          known = undefined;
          return node;
        },
        async (connection) => {
          const answer = await send(connection);
          known = node;
          return answer;
        },
      );
    },
  };
}
