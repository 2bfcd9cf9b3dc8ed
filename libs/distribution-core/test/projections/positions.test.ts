import { describe, expect, it } from "vitest";
import { createPositions } from "../../src/projections/positions.ts";

const at = (offset: number, epoch = "e", partition = 0) => ({ topic: "t", partition, epoch, offset: String(offset) });

function watch() {
  let look: (() => void) | undefined;
  const state = { follows: true };
  const positions = createPositions(["t"], {
    compare: (a, b) => Number(a) - Number(b),
    timers: {
      after(_, run) {
        look = run;
        return {
          cancel: () => {
            look = undefined;
          },
        };
      },
    },
    follows: ({ partition }) => state.follows && partition === 0,
  });
  const said: string[] = [];
  const wait = (position: ReturnType<typeof at>) =>
    positions.reached(position).then(
      () => said.push(`${position.epoch}${position.offset}`),
      ({ code }: { code: string }) => said.push(`${position.epoch}${position.offset} ${code}`),
    );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  /** Time goes on to the next look; false: there is none. */
  const later = async (): Promise<boolean> => {
    const due = look;
    look = undefined;
    due?.();
    await turn();
    return due !== undefined;
  };
  return { positions, said, wait, turn, later, state };
}

describe("who waits for a position", () => {
  it("hears when the partition has come to it, in whatever order they came", async () => {
    const { positions, said, wait, turn } = watch();
    for (const offset of [5, 3, 9, 4]) void wait(at(offset));
    void wait(at(3, "e", 1));
    positions.set(at(4));
    await turn();
    expect(said).toEqual(["e3", "e4"]);
    positions.set(at(9));
    await turn();
    expect(said).toEqual(["e3", "e4", "e5", "e9"]);
    positions.set(at(3, "e", 1));
    await turn();
    expect(said).toHaveLength(5);
  });

  it("is refused when the partition's history is another one, also after everything was forgotten", async () => {
    const { positions, said, wait, turn } = watch();
    positions.set(at(1));
    void wait(at(5));
    void wait(at(2, "f"));
    positions.clear();
    positions.set(at(1, "f"));
    await turn();
    expect(said).toEqual(["e5 unavailable"]);
    positions.set(at(2, "f"));
    await turn();
    expect(said).toEqual(["e5 unavailable", "f2"]);
  });

  it("is refused at once with a position of a history that is over, and holds up nobody who waits in the present one", async () => {
    const { positions, said, wait, turn } = watch();
    positions.set(at(1));
    positions.set(at(1, "f"));
    void wait(at(9));
    void wait(at(9, "unknown"));
    void wait(at(2, "f"));
    positions.set(at(2, "f"));
    await turn();
    expect(said).toEqual(["e9 unavailable", "f2"]);
  });

  it("waits on while the partition is still in the history before", async () => {
    const { positions, said, wait, turn } = watch();
    positions.set(at(1));
    void wait(at(1, "f"));
    positions.set(at(2));
    await turn();
    expect(said).toEqual([]);
    positions.set(at(1, "f"));
    await turn();
    expect(said).toEqual(["f1"]);
  });

  it("is let go when it waits in a history that the partition is never in, though it follows the log", async () => {
    const { positions, said, wait, later } = watch();
    positions.set(at(1));
    // Both were lost before they were read; and so they are told after the history that came next, too.
    void wait(at(5, "lost"));
    positions.set(at(1, "f"));
    void wait(at(3, "lost"));
    void wait(at(9, "f"));
    await later();
    expect(said).toEqual([]);
    void wait(at(7, "lost"));
    await later();
    expect(said).toEqual(["lost3 unavailable", "lost5 unavailable"]);
    await later();
    expect(said.slice(2)).toEqual(["lost7 unavailable"]);
    // The one that is left waits for what is still to come.
    expect(await later()).toBe(false);
    positions.set(at(9, "f"));
    await later();
    expect(said.slice(3)).toEqual(["f9"]);
  });

  it("is not let go while the projection does not follow the partition, nor when its history comes after all", async () => {
    const { positions, said, wait, later, state } = watch();
    positions.set(at(1));
    state.follows = false;
    void wait(at(5, "next"));
    void wait(at(5, "next", 1));
    for (let look = 0; look < 4; look += 1) expect(await later()).toBe(true);
    state.follows = true;
    await later();
    state.follows = false;
    await later();
    state.follows = true;
    await later();
    expect(said).toEqual([]);
    positions.set(at(4, "next"));
    await later();
    await later();
    expect(said).toEqual([]);
    positions.set(at(5, "next"));
    await later();
    expect(said).toEqual(["next5"]);
    positions.close();
    expect(await later()).toBe(false);
  });
});
