import { describe, expect, it } from "vitest";
import { createPositions } from "../../src/projections/positions.ts";

const at = (offset: number, epoch = "e", partition = 0) => ({ topic: "t", partition, epoch, offset: String(offset) });

function watch() {
  const positions = createPositions(["t"], (a, b) => Number(a) - Number(b));
  const said: string[] = [];
  const wait = (position: ReturnType<typeof at>) =>
    positions.reached(position).then(
      () => said.push(`${position.epoch}${position.offset}`),
      ({ code }: { code: string }) => said.push(`${position.epoch}${position.offset} ${code}`),
    );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { positions, said, wait, turn };
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
});
