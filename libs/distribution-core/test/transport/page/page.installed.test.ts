import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RestServer, startRest } from "../rest/rest-server.ts";
import { launchChromium } from "./chromium.ts";
import { attachStream } from "./stream-stub.ts";

describe("the page in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  /** The page, and whatever the browser complained about. */
  async function open(server: RestServer): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(server.url);
    return { page, complaints };
  }

  it("shows state, figures and rates, and the browser has nothing to complain of", async () => {
    await using server = await startRest({
      rates: {
        published: () => ({ eventsPerSecond: 1234, bytesPerSecond: 2e6 }),
        delivered: () => ({ eventsPerSecond: 99_950, bytesPerSecond: 1 }),
        close() {},
      },
    });
    const { page, complaints } = await open(server);
    await page.getByText("ready").waitFor();
    await expect.poll(() => page.locator("#published").textContent()).toBe("2.47 k");
    expect(await page.locator("#delivered").textContent()).toBe("100 k");
    expect(await page.locator("#broker").textContent()).toBe("memory");
    expect(await page.locator("#topics tr").first().textContent()).toBe("test.trades1.23 k2.00 M");
    await page.locator("#plot canvas").waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("says when the service cannot be reached, and when it is back", async () => {
    let away = false;
    await using server = await startRest({
      guard: {
        identify: () => {
          if (away) throw new Error("broken");
          return { subject: "x", attributes: {} };
        },
        authorize() {},
      },
    });
    const { page } = await open(server);
    await page.getByText("ready").waitFor();
    away = true;
    await page.getByText("unreachable").waitFor();
    expect(await page.locator("#trouble").textContent()).toBe("The service failed on this request.");
    away = false;
    await page.getByText("ready").waitFor();
    expect(await page.locator("#trouble").isHidden()).toBe(true);
    await page.close();
  });

  it("tails a topic: subscribes with the filter, shows events, gaps and the end", async () => {
    await using server = await startRest();
    const stream = attachStream(server.http);
    const { page, complaints } = await open(server);
    await page.getByLabel("Filter").fill('type == "trade.v1"');
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Live on test.trades.").waitFor();
    expect(stream.frames[0]).toEqual({
      ref: "tail",
      subscribe: {
        topics: ["test.trades"],
        filter: 'type == "trade.v1"',
        format: "PAYLOAD_FORMAT_JSON",
        profile: { mode: "DELIVERY_MODE_EVERY", slow: "SLOW_POLICY_DROP" },
      },
    });
    await expect.poll(() => stream.frames.some((frame) => "ping" in frame)).toBe(true);
    const event = (id: number) => ({
      id: String(id),
      type: "trade.v1",
      partitionkey: "A",
      time: "2026-01-05T14:30:00.5Z",
      data: { n: id },
    });
    stream.send({ events: { partition: 2, offsets: ["1", "2"], events: [event(1), event(2)] } });
    await page.getByText('{"n":2}').waitFor();
    expect(await page.locator("#events tr").first().locator("td").allTextContents()).toEqual([
      "14:30:00.5",
      "A",
      "trade.v1",
      "2: 2",
      '{"n":2}',
    ]);
    const many = Array.from({ length: 150 }, (_, index) => index);
    stream.send({ gap: { channel: 1 } });
    await page.getByText("skipped").waitFor();
    stream.send({ events: { partition: 0, offsets: many.map(String), events: many.map(event) } });
    await page.getByText('{"n":149}').waitFor();
    expect(await page.locator("#events tr").count()).toBe(100);
    stream.end(3001, "draining");
    await page.getByText("The connection ended: draining (3001).").waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("offers the newest of each key where the topic keeps it, and stops when told to", async () => {
    await using server = await startRest();
    const stream = attachStream(server.http);
    const { page } = await open(server);
    await page.getByText("ready").waitFor();
    await page.getByLabel("Show").selectOption("latest");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Live on").waitFor();
    expect(stream.frames[0]).toMatchObject({ subscribe: { profile: { mode: "DELIVERY_MODE_LATEST", maxRate: 2 } } });
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped.").waitFor();
    await page.getByRole("combobox", { name: "Topic" }).selectOption("test.audit");
    expect(await page.getByLabel("Show").inputValue()).toBe("every");
    await page.close();
  });

  it("shows what is wrong with a filter", async () => {
    await using server = await startRest();
    attachStream(server.http);
    const { page } = await open(server);
    await page.getByText("ready").waitFor();
    await page.getByLabel("Filter").fill("nonsense");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("nonsense is no field").waitFor();
    await page.close();
  });
});
