/** Output of the demo next to the progress: the model's summary, and the results of training. */
import { withBackend, type Backend, type Tensor, zeros } from "@ermine/core";
import type { Module } from "@ermine/core/nn";
import type { History } from "@ermine/trainer";

export const grouped = (n: number): string => Math.round(n).toLocaleString("en-US");

const row = (cells: readonly string[], widths: readonly number[]): string =>
  cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");

/** Lines of a table; the first column to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((r) => r[i]!.length)));
  return [row(header, widths), widths.map((w) => "─".repeat(w)).join("──"), ...rows.map((r) => row(r, widths))].join("\n");
}

/** Lines of a table of texts: all columns to the left. */
export function textTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((w) => "─".repeat(w)).join("──"), ...rows.map(line)].join("\n");
}

/** Layers, the shapes that they give for one sample, and their parameters. */
export function summary(model: Module, input: readonly number[], backend: Backend): string {
  const rows: string[][] = [];
  const removers = model
    .namedModules()
    .filter(([path]) => path !== "")
    .map(([path, module]) =>
      module.onForward((output) => {
        rows.push([
          `${path}  ${module.describe()}`,
          `[N, ${(output as Tensor).shape.slice(1).join(", ")}]`,
          grouped(module.parameterCount()),
        ]);
      }),
    );
  withBackend(backend, () => {
    model.eval();
    (model.forward as (x: Tensor) => unknown)(zeros([1, ...input]));
  });
  for (const remove of removers) remove();
  return `${table(["Layer", "Output", "Parameters"], rows)}\nParameters in all: ${grouped(model.parameterCount())}`;
}

/** Counts of (true, predicted), and the pair that is taken for each other most. */
export function confusion(counts: ArrayLike<number>, classes: readonly string[]): string {
  const size = classes.length;
  const rows = classes.map((name, t) => [name, ...classes.map((_, p) => grouped(counts[t * size + p]!))]);
  let worst = { truth: 0, predicted: 0, count: 0 };
  for (let t = 0; t < size; t++) {
    for (let p = 0; p < size; p++)
      if (t !== p && counts[t * size + p]! > worst.count) worst = { truth: t, predicted: p, count: counts[t * size + p]! };
  }
  const pair =
    worst.count === 0
      ? "Nothing was confused."
      : `Most confused: ${classes[worst.truth]} taken for ${classes[worst.predicted]} (${worst.count} times).`;
  return `${table(["true ↓  predicted →", ...classes], rows)}\n${pair}`;
}

/** The epoch with the highest test accuracy, and how far apart training and test ended. */
export function outcome({ epochs }: History): string {
  const accuracies = epochs.map((logs) => logs["valAccuracy"]!);
  const best = accuracies.indexOf(Math.max(...accuracies));
  const last = epochs.at(-1)!;
  return [
    `Best epoch: ${best + 1} (test accuracy ${percent(accuracies[best]!)})`,
    `Last epoch: test accuracy ${percent(last["valAccuracy"]!)}, test loss ${last["valLoss"]!.toFixed(4)}, train loss ${last["loss"]!.toFixed(4)}`,
    `Gap between test and train loss: ${(last["valLoss"]! - last["loss"]!).toFixed(4)}`,
  ].join("\n");
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
