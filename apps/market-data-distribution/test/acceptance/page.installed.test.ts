/** The page of the service in a real browser, with the recorded feed playing. */
import { until } from "@distribution/testkit/service";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { TOPICS } from "../../src/domain/topics.ts";
import { chromiumMissing, launchChromium } from "../support/chromium.ts";
import { skippedFor } from "../support/requirement.ts";
import { type RunningService, startService } from "../support/service.ts";

describe.skipIf(skippedFor(chromiumMissing))("the page in a browser", () => {
  let service: RunningService;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    service = await startService({ FEED: "recorded", FEED_SPEED: "1", FEED_REPEAT: "loop" });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage();
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (failure) => complaints.push(String(failure)));
    page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(`http://localhost:${service.ports.public}/`);
    await page.locator("#state", { hasText: "ready" }).waitFor();
  });
  /** Whatever was done, the browser has nothing to complain of. */
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await page.close();
  });

  const rowOf = (topic: string) => page.locator("#topics tr", { hasText: topic });
  const rateOf = async (topic: string): Promise<number> => {
    const text = await rowOf(topic).locator("td.number").first().textContent();
    return Number.parseFloat(text ?? "");
  };

  it("shows the rate of every topic, of those in use above nothing, and draws them", async () => {
    const topics = [...Object.values(TOPICS), "market-data.distribution"];
    await until("every topic has a row", async () => (await page.locator("#topics tr").count()) === topics.length);
    for (const topic of topics) expect(await rowOf(topic).count(), topic).toBe(1);
    await until("book changes and quotes have rates", async () => {
      return (await rateOf("market-data.books")) > 0 && (await rateOf("market-data.quotes")) > 0;
    });
    expect(await page.locator("#published").textContent()).toMatch(/^[\d.]+( k)?$/);
    expect(await page.locator("#broker").textContent()).toBe("embedded");
    await page.locator("#plot canvas").waitFor();
  });

  it("tails a topic live through a filter: what comes is what was asked for", async () => {
    await page.getByRole("combobox", { name: "Topic" }).selectOption("market-data.books");
    await page.getByLabel("Filter").fill('data.venue == "coinbase"');
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Live on market-data.books.").waitFor();
    await until("events come", async () => (await page.locator("#events tr").count()) >= 20);
    for (const line of await page.locator("#events tr").allTextContents()) {
      expect(line).toContain("coinbase:");
      expect(line).toContain("market-data.book.v1");
    }
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Stopped.").waitFor();
  });

  it("says what is wrong with a filter", async () => {
    await page.getByLabel("Filter").fill("data.nothing == 1");
    await page.getByRole("button", { name: "Start" }).click();
    await until("the note names the field", async () => {
      return (await page.locator("#tail-note").textContent())?.includes("nothing");
    });
  });

  it("has links that work, from the page and from where the service says they are", async () => {
    const links = await page
      .locator("a[href]")
      .evaluateAll((all) => all.map((link) => (link as { href?: string }).href));
    expect(links.length).toBeGreaterThanOrEqual(4);
    for (const link of [...links, `http://localhost:${service.ports.public}/docs`]) {
      const response = await page.request.get(link!);
      expect(response.status(), link).toBe(200);
      expect((await response.body()).length, link).toBeGreaterThan(100);
    }
    await page.getByRole("link", { name: "Documentation" }).click();
    await page.getByText("/topics/{topic}/events").first().waitFor();
    await page.getByText("/instruments/{instrument}/book").first().waitFor();
  });
});
