/** The playground in a real Chromium. */
import { tensor, type Tensor } from "@ermine/core";
import { loadModel } from "@ermine/onnx";
import { loadPredictor } from "@ermine/predict";
import { expect, it } from "vitest";
import { button, curveInNode, describePages, downloadedBy, fitsWidth, openPage, runInNode, seriousFindings } from "./browser.js";
import { curveOf, expectSameStart, figure, updates, waitForUpdates } from "./playgroundPage.js";

describePages("the playground", (place) => {
  it("learns moons; another activation is another run; its link has the bits of that run, here and in Node", async () => {
    const { page, complaints, strangers } = await openPage(place().browser, place().site.address);
    await page.getByLabel("Speed").selectOption("full");
    await button(page, "Play").click();
    await expect
      .poll(async () => Number.parseFloat(await figure(page, "Validation accuracy")), { timeout: 30_000 })
      .toBeGreaterThan(95);
    await button(page, "Pause").click();
    const tanh = await curveOf(page);

    await page.getByLabel("Activation").selectOption("silu");
    await expect.poll(() => updates(page)).toBe(0);
    expect(page.url()).toContain("activation=silu");
    await button(page, "Play").click();
    await waitForUpdates(page, 1000);
    await button(page, "Pause").click();
    const silu = await curveOf(page);
    expect(silu.get(11)).not.toBe(tanh.get(11));

    // At another speed, so that other updates are looked at.
    const again = await openPage(place().browser, page.url());
    await again.page.getByLabel("Speed").selectOption("fast");
    await button(again.page, "Play").click();
    await waitForUpdates(again.page, 700);
    await button(again.page, "Pause").click();
    expectSameStart(await curveOf(again.page), silu);
    expectSameStart(await curveInNode(page.url(), 700), silu);
    expect([...complaints, ...strangers, ...again.complaints, ...again.strangers]).toEqual([]);
  });

  it("goes on by single updates, and begins again", async () => {
    const { page } = await openPage(place().browser, place().site.address);
    for (const expected of [1, 2]) {
      await button(page, "Step").click();
      await expect.poll(() => updates(page)).toBe(expected);
    }
    await button(page, "Play").click();
    await waitForUpdates(page, 50);
    await button(page, "Reset").click();
    await expect.poll(() => updates(page)).toBe(0);
    await button(page, "Play").waitFor();
  });

  it("says what is wrong and what to try, which one click does", async () => {
    const { page, complaints } = await openPage(
      place().browser,
      `${place().site.address}#data=curve&optimizer=sgd&learningRate=100&activation=relu`,
    );
    await button(page, "Play").click();
    await page.locator('[data-finding="notFinite"]').waitFor();
    expect(await page.locator('[data-finding="notFinite"]').textContent()).toMatch(/The loss exploded.*not finite/s);
    await button(page, "Play").waitFor();
    await page.locator('[data-finding="notFinite"]').getByRole("button", { name: "learning rate 10" }).click();
    expect(page.url()).toContain("learningRate=10");
    await page.locator('[data-finding="notFinite"]').waitFor({ state: "detached" });

    await page.goto(`${place().site.address}#output=softmax`);
    await page.locator('[data-finding="softmaxTwice"]').waitFor();
    await button(page, "output logits").click();
    await page.locator('[data-finding="softmaxTwice"]').waitFor({ state: "detached" });
    expect(complaints).toEqual([]);
  });

  it("names what a link cannot say, and has its defaults", async () => {
    const { page } = await openPage(place().browser, `${place().site.address}#activation=rleu&seed=2`);
    expect(await page.getByRole("alert").textContent()).toMatch(/activation is one of .*"rleu"/);
    expect(await page.getByLabel("Activation").inputValue()).toBe("tanh");
  });

  it("trains two settings next to each other", async () => {
    const { page, complaints } = await openPage(place().browser, place().site.address);
    await button(page, "Compare two").click();
    await page.getByLabel("Activation").selectOption("identity");
    expect(page.url()).toContain("b.activation=identity");
    await button(page, "Play").click();
    const figures = page.locator('[data-figure="Updates"] dd');
    for (const side of [0, 1])
      await expect.poll(async () => Number((await figures.nth(side).textContent())!.replaceAll(",", ""))).toBeGreaterThan(100);
    expect(await page.getByRole("region", { name: "Run B" }).locator('[data-finding="linear"]').count()).toBe(1);
    expect(await page.getByRole("region", { name: "Run A" }).locator('[data-finding="linear"]').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it("takes points that are drawn and pasted, and says why a text is no CSV", async () => {
    const { page, complaints } = await openPage(place().browser, place().site.address);
    await page.getByText("Your own", { exact: true }).click();
    const count = page.getByText(/of 400 points/);
    await expect.poll(() => count.textContent()).toContain("80 of 400");
    await page.getByLabel("Class 3").check();
    await page.locator(".answer canvas").click({ position: { x: 30, y: 30 } });
    await expect.poll(() => count.textContent()).toContain("81 of 400");
    await button(page, "Undo").click();
    await expect.poll(() => count.textContent()).toContain("80 of 400");
    await button(page, "Paste a CSV").click();
    await page.getByLabel("Rows").fill("1,2,a\n3,x,b");
    await button(page, "Use them").click();
    expect(await page.getByRole("alert").textContent()).toBe('Line 2: "x" is no number.');
    await page
      .getByLabel("Rows")
      .fill("x,y,class\n" + Array.from({ length: 30 }, (_, i) => `${i},${i % 7},${i < 15 ? "red" : "blue"}`).join("\n"));
    await button(page, "Use them").click();
    await expect.poll(() => count.textContent()).toContain("30 of 400");
    await page.getByLabel("Speed").selectOption("full");
    await button(page, "Play").click();
    await expect
      .poll(async () => Number.parseFloat(await figure(page, "Validation accuracy")), { timeout: 20_000 })
      .toBeGreaterThan(80);
    await button(page, "Clear").click();
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("too few points");
    expect(complaints).toEqual([]);
  });

  it.each([
    "data=spirals&noise=0.1&hidden=8-8&activation=mish&dropout=0.1",
    "data=blobs&hidden=6&activation=relu&output=softmax",
    "data=xor&hidden=5&activation=prelu&loss=bceWithLogits",
    "data=curve&hidden=8-4&activation=gelu",
  ])("gives the network as an ONNX file, which predicts in Node what it predicts in the page: %s", async (settings) => {
    const link = `${place().site.address}#${settings}`;
    const { page, complaints } = await openPage(place().browser, link);
    await page.getByLabel("Speed").selectOption("full");
    await button(page, "Play").click();
    await waitForUpdates(page, 400);
    await button(page, "Pause").click();
    // The worker's last look at the run comes after the click.
    let taken = -1;
    const isSettled = async (): Promise<boolean> => {
      const before = taken;
      taken = await updates(page);
      return taken === before;
    };
    await expect.poll(isSettled, { interval: 400 }).toBe(true);
    const shown = await page.locator('[data-figure="Validation accuracy"] dd').allTextContents();
    const file = await downloadedBy(page, () => button(page, "Download ONNX").click());

    await runInNode(link, taken, async ({ network, validation }, backend) => {
      const { inputs, targets, classes } = validation;
      const x = tensor(inputs, { shape: [targets.length, inputs.length / targets.length] });
      network.model.eval();
      const expected = await network.model.forward(x).data();
      const model = await loadModel(new Uint8Array(file));
      model.eval();
      expect(await (model.forward(x) as Tensor).data()).toEqual(expected);
      const predictor = await loadPredictor(new Uint8Array(file), { backend });
      const [output] = Object.values(await predictor.predict(x));
      // Compiled, activations that the file has as several nodes are rounded differently in their last bit.
      const errors = Array.from(output!.data as Float32Array, (value, i) => Math.abs(value - expected[i]!));
      expect(errors).toHaveLength(expected.length);
      expect(Math.max(...errors)).toBeLessThan(2e-6);
      predictor.dispose();
      if (shown.length > 0) {
        const right = targets.filter((target, i) => {
          const row = [...expected.subarray(i * classes, (i + 1) * classes)];
          return row.indexOf(Math.max(...row)) === target;
        });
        expect(shown).toEqual([`${((100 * right.length) / targets.length).toFixed(1)} %`]);
      }
    });
    expect(complaints).toEqual([]);
  });

  it.each(["light", "dark"] as const)(
    "has nothing serious for axe-core in %s, alone and compared, wide and narrow",
    async (colorScheme) => {
      for (const [hash, viewport] of [
        ["", { width: 1280, height: 900 }],
        ["#output=softmax&compare=1&b.activation=identity", { width: 1280, height: 900 }],
        ["#activation=rleu&data=curve", { width: 390, height: 844 }],
      ] as const) {
        const { page } = await openPage(place().browser, `${place().site.address}${hash}`, { colorScheme, viewport });
        await page.locator(".norm").first().waitFor();
        expect(await seriousFindings(page), hash).toEqual([]);
        expect(await fitsWidth(page), hash).toBe(true);
        await page.context().close();
      }
    },
  );

  it("is used with the keyboard alone", async () => {
    const { page } = await openPage(place().browser, place().site.address);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("To the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("main");
    for (let i = 0; i < 12 && (await page.evaluate(() => document.activeElement?.textContent?.trim())) !== "Play"; i++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await waitForUpdates(page, 20);
  });

  it("runs where the browser names its language by no language tag, as WebKitGTK does without a locale", async () => {
    const { page, complaints } = await openPage(place().browser, "about:blank");
    await page.addInitScript("Object.defineProperty(Navigator.prototype, 'language', { get: () => 'C' })");
    await page.goto(place().site.address);
    await button(page, "Play").click();
    await waitForUpdates(page, 20);
    expect(complaints).toEqual([]);
  });

  it("says so where there is no SIMD", async () => {
    const context = await place().browser.newContext();
    await context.addInitScript(() => (WebAssembly.validate = () => false));
    const page = await context.newPage();
    await page.goto(place().site.address);
    expect(await page.getByRole("alert").textContent()).toContain("no WebAssembly SIMD");
  });
});
