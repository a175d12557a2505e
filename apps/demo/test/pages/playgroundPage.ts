/** The state of the playground's page, as tests read it. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { button, downloadedBy } from "./browser.js";

export const figure = async (page: Page, name: string): Promise<string> =>
  (await page.locator(`[data-figure="${name}"] dd`).first().textContent()) ?? "";
export const updates = async (page: Page): Promise<number> => Number((await figure(page, "Updates")).replaceAll(",", ""));

export async function waitForUpdates(page: Page, count: number): Promise<void> {
  await expect.poll(() => updates(page), { timeout: 30_000 }).toBeGreaterThanOrEqual(count);
}

/** The curve as the page's CSV has it: losses by update. */
export async function curveOf(page: Page): Promise<Map<number, string>> {
  const text = await downloadedBy(page, () => button(page, "CSV").first().click());
  const [head, ...rows] = text.toString().split("\n");
  expect(head).toBe("update,training,validation");
  return new Map(rows.map((row) => [Number(row.split(",")[0]), row]));
}

export function expectSameStart(one: Map<number, string>, other: Map<number, string>): void {
  const shared = [...one.keys()].filter((update) => other.has(update));
  expect(shared.length).toBeGreaterThan(20);
  expect(shared.map((update) => one.get(update))).toEqual(shared.map((update) => other.get(update)));
}
