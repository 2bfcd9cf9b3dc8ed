/** A classic consumer group as a coordinator keeps it: rounds of joining, the leader's assignment, commits. */
import { CODE } from "../../../src/connection/failures.ts";

export interface JoinAnswer {
  readonly code: number;
  readonly generation: number;
  readonly leader: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

interface Joining {
  readonly metadata: Buffer;
  resolve(answer: JoinAnswer): void;
}

export class FakeGroup {
  generation = 0;
  readonly commits = new Map<string, { readonly offset: bigint; readonly metadata: string | null }>();
  readonly #members = new Map<string, Buffer>();
  readonly #named = new Set<string>();
  readonly #joining = new Map<string, Joining>();
  readonly #syncing = new Map<string, (answer: { code: number; assignment: Buffer }) => void>();
  #assignments: Map<string, Buffer> | undefined;
  #leader = "";
  #names = 0;

  get members(): readonly string[] {
    return [...this.#members.keys()];
  }

  join(memberId: string, metadata: Buffer): Promise<JoinAnswer> {
    const nothing = { generation: -1, leader: "", members: [] };
    if (memberId === "") {
      this.#names += 1;
      const name = `member-${this.#names}`;
      this.#named.add(name);
      return Promise.resolve({ ...nothing, code: CODE.MEMBER_ID_REQUIRED, memberId: name });
    }
    if (!this.#named.has(memberId)) return Promise.resolve({ ...nothing, code: CODE.UNKNOWN_MEMBER_ID, memberId });
    this.#members.set(memberId, metadata);
    this.#assignments = undefined;
    for (const resolve of this.#syncing.values()) {
      resolve({ code: CODE.REBALANCE_IN_PROGRESS, assignment: Buffer.alloc(0) });
    }
    this.#syncing.clear();
    return new Promise((resolve) => {
      this.#joining.set(memberId, { metadata, resolve });
      this.#complete();
    });
  }

  sync(memberId: string, generation: number, given: ReadonlyMap<string, Buffer>) {
    const code = this.check(memberId, generation, true);
    if (code !== CODE.NONE) return Promise.resolve({ code, assignment: Buffer.alloc(0) });
    return new Promise<{ code: number; assignment: Buffer }>((resolve) => {
      this.#syncing.set(memberId, resolve);
      if (memberId === this.#leader) this.#assignments = new Map(given);
      if (this.#assignments === undefined) return;
      for (const [id, done] of this.#syncing)
        done({ code: CODE.NONE, assignment: this.#assignments.get(id) ?? Buffer.alloc(0) });
      this.#syncing.clear();
    });
  }

  /** What a beat or a commit is told. */
  check(memberId: string, generation: number, syncing = false): number {
    if (!this.#members.has(memberId)) return CODE.UNKNOWN_MEMBER_ID;
    if (this.#joining.size > 0)
      return generation === this.generation ? CODE.REBALANCE_IN_PROGRESS : CODE.ILLEGAL_GENERATION;
    if (generation !== this.generation) return CODE.ILLEGAL_GENERATION;
    return this.#assignments === undefined && !syncing ? CODE.REBALANCE_IN_PROGRESS : CODE.NONE;
  }

  leave(memberId: string): void {
    this.#members.delete(memberId);
    this.#named.delete(memberId);
    this.#joining.delete(memberId);
    this.#assignments = undefined;
    this.#complete();
  }

  /** As when their sessions are over. */
  expel(): void {
    for (const member of this.members) this.leave(member);
  }

  #complete(): void {
    if (this.#members.size === 0 || this.#joining.size < this.#members.size) return;
    this.generation += 1;
    if (!this.#members.has(this.#leader)) this.#leader = [...this.#members.keys()][0]!;
    const members = [...this.#members].map(([memberId, metadata]) => ({ memberId, metadata }));
    const joining = [...this.#joining];
    this.#joining.clear();
    for (const [memberId, { resolve }] of joining) {
      const answer = { code: CODE.NONE, generation: this.generation, leader: this.#leader, memberId };
      resolve({ ...answer, members: memberId === this.#leader ? members : [] });
    }
  }
}
