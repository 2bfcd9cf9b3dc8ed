/** Resume tokens: the positions of a subscription, signed. Opaque to clients; any replica that has the secret reads them. */
import type { Position } from "../brokers/contract.ts";
import type { Sealer } from "../security/index.ts";

export interface TokenCodec {
  issue(positions: readonly Position[]): string;
  /** Throws `invalid_token` with `path` on what this service did not issue. */
  read(token: string, path: string): readonly Position[];
}

const KIND = "resume";

/** [topic, [[partition, epoch, offset], ...]]; compact, as a token travels with frames. */
type Body = readonly (readonly [string, readonly (readonly [number, string, string])[]])[];

export function createTokenCodec(sealer: Sealer): TokenCodec {
  return {
    issue(positions) {
      const topics = new Map<string, [number, string, string][]>();
      for (const { topic, partition, epoch, offset } of positions) {
        const list = topics.get(topic);
        if (list) list.push([partition, epoch, offset]);
        else topics.set(topic, [[partition, epoch, offset]]);
      }
      return sealer.seal(KIND, [...topics]);
    },
    read(token, path) {
      // What was sealed here has this shape: the signature vouches for it.
      const topics = sealer.open(KIND, token, path) as Body;
      return topics.flatMap(([topic, places]) =>
        places.map(([partition, epoch, offset]) => ({ topic, partition, epoch, offset })),
      );
    },
  };
}
