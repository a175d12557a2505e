/** What came of an epoch, of the probabilities that the model gives the test digits. */
import { pixelCount, type DigitSet } from "./digitSet.js";
import type { Hard, Report } from "./messages.js";

export const classCount = 10;
const shownHard = 12;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

export function reportOf(
  { epoch, seconds, trainingLoss }: Pick<Report, "epoch" | "seconds" | "trainingLoss">,
  probabilities: Float32Array,
  { images, labels }: DigitSet,
): Report {
  const confusion = Array.from({ length: classCount }, () => Array.from({ length: classCount }, () => 0));
  const wrong: { row: number; taken: number; loss: number }[] = [];
  let total = 0;
  labels.forEach((truth, row) => {
    const ofRow = probabilities.subarray(row * classCount, (row + 1) * classCount);
    const taken = ofRow.indexOf(Math.max(...ofRow));
    confusion[truth]![taken]!++;
    const loss = -Math.log(Math.max(ofRow[truth]!, 1e-30));
    total += loss;
    if (taken !== truth) wrong.push({ row, taken, loss });
  });
  const hardest = wrong
    .sort((a, b) => b.loss - a.loss)
    .slice(0, shownHard)
    .map(({ row, taken }): Hard => ({
      pixels: Array.from(images.subarray(row * pixelCount, (row + 1) * pixelCount), (grey) => Math.round(255 * grey)),
      truth: labels[row]!,
      taken,
      probability: probabilities[row * classCount + taken]!,
    }));
  const right = confusion.map((row, k) => row[k]!);
  return {
    epoch,
    seconds,
    trainingLoss,
    testLoss: total / labels.length,
    accuracy: sum(right) / labels.length,
    confusion,
    f1: right.map((hits, k) => (2 * hits) / Math.max(1, sum(confusion[k]!) + sum(confusion.map((row) => row[k]!)))),
    hardest,
  };
}
