import { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { type Launch, launch } from "../../src/launch/launch.ts";
import { findServices } from "../../src/launch/services.ts";
import { createServicesCheckout, eventually, recordScreen, type ServicesCheckout } from "./support.ts";

interface Trial {
  readonly checkout: ServicesCheckout;
  readonly launched: Launch;
  screen(): string;
  /** The process of a service, as the screen tells it. */
  pid(name: string): number;
}

const trials: Trial[] = [];
afterEach(async () => {
  for (const { launched, checkout } of trials.splice(0)) {
    launched.kill();
    await launched.done;
    checkout[Symbol.dispose]();
  }
});

function start(names: readonly string[], environment: Record<string, string> = {}, brokers?: string): Trial {
  const checkout = createServicesCheckout(...names);
  const screen = recordScreen();
  const { root } = checkout;
  const launched = launch({ root, services: findServices(root), screen, environment, brokers });
  const pid = (name: string): number =>
    Number(new RegExp(`^  ${name} .*process (\\d+)$`, "m").exec(screen.text())?.[1]);
  const trial = { checkout, launched, screen: screen.text, pid };
  trials.push(trial);
  return trial;
}

describe("launched services", () => {
  it("are shown under their names, and where to look at each when all are ready", async () => {
    const { screen, launched, checkout, pid } = start(["alpha", "market-data"], { ALPHA_PORT: "7010" });
    await eventually(screen).toContain("Ready.");
    expect(screen()).toContain("alpha       │ 14:30:00.123 info It runs.");
    expect(screen()).toContain("market-data │ 14:30:00.123 info It runs.");
    expect(screen()).toContain("  market-data  http://localhost:7010/   docs http://localhost:7010/docs   process ");
    expect(screen()).toMatch(/tail 'market-data\.>'$/m);
    expect(screen()).toMatch(/tail 'alpha\.>' --url http:\/\/localhost:7010$/m);
    expect(() => process.kill(pid("alpha"), 0)).not.toThrow();
    launched.stop();
    expect(await launched.done).toBe(0);
    expect([checkout.drained("alpha"), checkout.drained("market-data")]).toEqual([true, true]);
  });

  it("all end, with 1 and the reason as the last words, when one does not start", async () => {
    const { screen, launched } = start(["alpha", "beta"], { FAILING: "beta" });
    expect(await launched.done).toBe(1);
    expect(screen()).not.toContain("Ready.");
    expect(screen()).toMatch(
      /beta did not start, it ended with exit code 1:\nbeta: The port 7010 is in use; set another\.$/,
    );
    expect(screen()).not.toContain("alpha did not");
  });

  it("end with 1 and a reason also when one cannot even be loaded", async () => {
    const checkout = createServicesCheckout("alpha");
    checkout.put({ "apps/alpha-distribution/src/main.ts": "import './nothing.ts';" });
    const screen = recordScreen();
    const launched = launch({ root: checkout.root, services: findServices(checkout.root), screen });
    trials.push({ checkout, launched, screen: screen.text, pid: () => 0 });
    expect(await launched.done).toBe(1);
    expect(screen.text()).toMatch(/alpha did not start.*\n[\s\S]*ERR_MODULE_NOT_FOUND[^\0]*$/);
  });

  it.each([
    ["that there is not", (folder: string) => join(folder, "node"), "it is not there"],
    ["that may not be run", (folder: string) => folder, "this user has no right to run it"],
  ])("end with 1 and the reason when they are to be run by a Node %s", async (_, nodeIn, reason) => {
    const checkout = createServicesCheckout("alpha", "beta");
    const screen = recordScreen();
    const node = nodeIn(checkout.root);
    const signals = vi.spyOn(ChildProcess.prototype, "kill");
    onTestFinished(() => signals.mockRestore());
    const launched = launch({ root: checkout.root, services: findServices(checkout.root), screen, node });
    trials.push({ checkout, launched, screen: screen.text, pid: () => 0 });
    expect(await launched.done).toBe(1);
    const told = screen.text().split("\n");
    expect(told).toHaveLength(2);
    for (const [index, name] of ["alpha", "beta"].entries()) {
      expect(told[index]).toContain(`${name} did not start, ${node} could not be run: ${reason}`);
    }
    launched.stop();
    launched.kill();
    expect(signals, "Node would signal a process id that nobody gave it").not.toHaveBeenCalled();
  });

  it("go on when one is killed, which is told with what to do, and makes the end 1", async () => {
    const { screen, launched, checkout, pid } = start(["alpha", "beta"]);
    await eventually(screen).toContain("Ready.");
    process.kill(pid("alpha"), "SIGKILL");
    await eventually(screen).toContain("alpha was ended by SIGKILL. The others go on.");
    expect(screen()).toContain("To have it again: npm start -- alpha");
    expect(() => process.kill(pid("beta"), 0)).not.toThrow();
    launched.stop();
    expect(await launched.done).toBe(1);
    expect(checkout.drained("beta")).toBe(true);
    expect(screen()).toMatch(/alpha was ended by SIGKILL while it ran\.$/);
  });

  it("are to be started again on the same brokers", async () => {
    const { screen, pid } = start(["alpha"], {}, "production");
    await eventually(screen).toContain("Ready.");
    process.kill(pid("alpha"), "SIGKILL");
    await eventually(screen).toContain("To have it again: npm start -- alpha --brokers production");
  });

  it("end when the last of them is killed", async () => {
    const { screen, launched, pid } = start(["alpha"]);
    await eventually(screen).toContain("Ready.");
    process.kill(pid("alpha"), "SIGKILL");
    expect(await launched.done).toBe(1);
    expect(screen()).not.toContain("The others");
  });

  it("may be stopped one by one: that is no failure", async () => {
    const { screen, launched, pid } = start(["alpha", "beta"]);
    await eventually(screen).toContain("Ready.");
    process.kill(pid("alpha"), "SIGTERM");
    await eventually(screen).toContain("alpha ended with exit code 0. The others go on.");
    launched.stop();
    expect(await launched.done).toBe(0);
  });

  it("that start or stop for ever can be ended at once", async () => {
    const { screen, launched, checkout } = start(["alpha", "beta"], { STUCK: "alpha", HANGING: "beta" });
    await eventually(screen).toContain("beta  │ 14:30:00.123");
    launched.stop();
    await eventually(screen).toContain("beta: SIGTERM, telling clients and closing");
    launched.kill();
    expect(await launched.done).toBe(1);
    expect(screen()).toContain("beta was ended by SIGKILL instead of stopping as it should.");
    expect(checkout.drained("beta")).toBe(false);
  });
});
