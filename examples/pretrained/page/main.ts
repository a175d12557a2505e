/** Starts the worker that fine-tunes, and shows what it says. */
import type { FromWorker } from "./worker.js";

const button = document.querySelector("button")!;
const status = document.querySelector<HTMLElement>('[role="status"]')!;
const link = document.querySelector("a")!;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

button.addEventListener("click", () => {
  button.disabled = true;
  status.textContent = "Loading …";
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === "epoch") {
      const stage = data.stage === "head" ? "The new head" : "Everything";
      status.textContent = `${stage}, epoch ${data.epoch + 1}: loss ${data.loss.toFixed(3)}`;
      return;
    }
    worker.terminate();
    button.disabled = false;
    if (data.type === "failed") {
      status.textContent = data.message;
      return;
    }
    status.textContent = `Of 1,000 digits that it has not seen ${percent(data.accuracy)} are read right; with the new head alone ${percent(data.headAccuracy)} were.`;
    link.href = URL.createObjectURL(new Blob([data.file], { type: "application/octet-stream" }));
    link.hidden = false;
  });
});
