/** What is predicted, and probabilities of logits. */

/** Of regression the predicted values; of classes the probability of each, row by row. */
export type Predictions = Float64Array;

/** The softmax of each row. */
export function probabilities(logits: ArrayLike<number>, classes: number): Float64Array {
  const result = Float64Array.from(logits);
  for (let from = 0; from < result.length; from += classes) {
    const row = result.subarray(from, from + classes);
    const most = row.reduce((a, b) => Math.max(a, b));
    row.forEach((value, i) => (row[i] = Math.exp(value - most)));
    const total = row.reduce((a, b) => a + b, 0);
    row.forEach((value, i) => (row[i] = value / total));
  }
  return result;
}
