/** The page of the experiments in a real Chromium: all run to their end, with the figures that Node has. */
import { cpu } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import { expect, it } from "vitest";
import { experiments } from "../../src/experiments/index.js";
import { shownValue } from "../../src/experiments/shownValue.js";
import { describePages, fitsWidth, openPage, seriousFindings } from "./browser.js";

describePages("the page of the experiments", (place) => {
  it("runs all of them; each holds, with the figures of Node", async () => {
    const { page, complaints, strangers } = await openPage(place().browser, `${place().site.address}experiments.html#seed=2`);
    await expect.poll(() => page.getByRole("status").textContent(), { timeout: 60_000 }).toBe("16 of 16 hold");
    const backend = await cpu({ numerics: "portable", threads: 1 });
    useBackend(backend);
    for (const name of ["linear-collapse", "dead-relus", "decay-and-l2", "empirical-risk"]) {
      const { figures } = await experiments.find((each) => each.name === name)!.run(2);
      const shown = await page.locator(`[data-experiment="${name}"] td`).allTextContents();
      expect(shown, name).toEqual(figures.map(({ value }) => shownValue(value)));
    }
    backend.dispose();
    expect([...complaints, ...strangers]).toEqual([]);
  });

  it.each(["light", "dark"] as const)("has nothing serious for axe-core in %s", async (colorScheme) => {
    const viewport = colorScheme === "light" ? { width: 1280, height: 900 } : { width: 390, height: 844 };
    const { page } = await openPage(place().browser, `${place().site.address}experiments.html`, { colorScheme, viewport });
    await page.locator('[data-experiment="linear-collapse"] td').first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await fitsWidth(page)).toBe(true);
  });
});
