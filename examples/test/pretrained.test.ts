/** Models that PyTorch has trained and exported: fine-tuned in Node and in a page, adapted, and read by a predictor afterwards. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpu } from "@ermine/backend-cpu";
import { tensor, type Backend } from "@ermine/core";
import { readSafetensors } from "@ermine/formats";
import { loadPredictor } from "@ermine/predict";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "vite";
import { findChromium } from "../../apps/demo/test/pages/browser.js";
import { adapt } from "../pretrained/lora.js";
import { part, type Digits } from "../pretrained/digits.js";
import { finetune } from "../pretrained/finetune.js";
import { adaptingDigits, finetuningDigits } from "../pretrained/node.js";

const pretrained = (name: string): Uint8Array => readFileSync(new URL(`../pretrained/${name}`, import.meta.url));
let backend: Backend;
beforeAll(async () => {
  backend = await cpu();
});
afterAll(() => backend.dispose());

/** The share of digits that a file's predictor reads right. */
async function shareRight(file: Uint8Array, { images, labels }: Digits): Promise<number> {
  const predictor = await loadPredictor(file, { backend });
  const { output } = await predictor.predict(tensor(images, { shape: [labels.length, 1, 28, 28] }));
  predictor.dispose();
  return output!.classes!.filter((name, i) => name === String(labels[i])).length / labels.length;
}

describe("a ResNet of PyTorch's for the digits 0 to 4", () => {
  it("is at most 1 MB, and with a new head and 500 examples reads 5 to 9, in Node", async () => {
    expect(pretrained("resnet.onnx").length).toBeLessThan(1e6);
    const digits = finetuningDigits();
    const losses: number[] = [];
    const tuned = await finetune(pretrained("resnet.onnx"), digits, backend, (_, _epoch, loss) => losses.push(loss));
    expect(losses).toHaveLength(13);
    expect(losses.at(-1)!).toBeLessThan(0.1 * losses[0]!);
    expect(tuned.headAccuracy).toBeGreaterThan(0.7);
    expect(tuned.accuracy).toBeGreaterThan(0.92);
    // The file is the model: what reads it needs no training.
    expect(await shareRight(tuned.file, part(digits.test, 0, 200))).toBeGreaterThan(0.9);
  }, 120_000);
});

describe("a transformer of PyTorch's", () => {
  it("learns digits on their side by adapters, whose file is PEFT's", async () => {
    const adapted = await adapt(pretrained("transformer.onnx"), adaptingDigits(), backend);
    expect(adapted.accuracyBefore).toBeLessThan(0.4);
    expect(adapted.accuracy).toBeGreaterThan(0.8);
    expect(adapted.trained).toBeLessThan(adapted.total / 2);
    const { tensors, metadata } = readSafetensors(adapted.adapters);
    expect(metadata.get("format")).toBe("pt");
    expect([...tensors.keys()]).toContain("base_model.model.layers.0.self_attn.lora_A.weight");
    expect(tensors.size).toBe(2 * 7);
    expect(adapted.file.length).toBeLessThan(1.05 * pretrained("transformer.onnx").length);
  }, 120_000);
});

const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };
const executable = findChromium();

if (executable === undefined) {
  it("the page is not run (needs Chromium: apt-get install chromium, or CHROMIUM_PATH=/path/to/it)", () => {});
} else {
  describe("the page", () => {
    const folder = mkdtempSync(join(tmpdir(), "finetuning-"));
    let server: Server;
    beforeAll(async () => {
      const page = fileURLToPath(new URL("../pretrained/page/", import.meta.url));
      await build({ configFile: join(page, "vite.config.ts"), build: { outDir: folder }, logLevel: "warn" });
      server = createServer((request, response) => {
        const path = new URL(request.url!, "http://localhost").pathname;
        try {
          const bytes = readFileSync(join(folder, path === "/" ? "index.html" : path));
          response.setHeader("content-type", types[path === "/" ? ".html" : extname(path)] ?? "application/octet-stream");
          response.end(bytes);
        } catch {
          response.writeHead(404).end();
        }
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    }, 60_000);
    afterAll(() => {
      server.close();
      rmSync(folder, { recursive: true });
    });

    it("fine-tunes the same file in Chromium, and gives the model as a file", async () => {
      const browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] });
      try {
        const page = await browser.newPage({ acceptDownloads: true });
        const complaints: string[] = [];
        page.on("pageerror", (error) => complaints.push(String(error)));
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text());
        });
        await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
        await page.getByRole("button", { name: "Fine-tune" }).click();
        const result = page.getByText(/^Of 1,000 digits/);
        await result.waitFor({ timeout: 120_000 });
        const [accuracy] = /[\d.]+(?= %)/.exec((await result.textContent())!)!;
        expect(Number(accuracy)).toBeGreaterThan(92);
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Download ONNX").click()]);
        const file = readFileSync(await download.path());
        expect(await shareRight(file, part(finetuningDigits().test, 0, 200))).toBeGreaterThan(0.9);
        expect(complaints).toEqual([]);
      } finally {
        await browser.close();
      }
    }, 180_000);
  });
}
