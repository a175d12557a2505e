/** Numbers by where they lie among those of the training part: piecewise linear encoding (Gorishniy et al. 2022). */
import { indexSelect, maximum, minimum, mul, sub, tensor, Variable, type Tensor } from "@ermine/core";
import { Module } from "@ermine/core/nn";

/** One bin: of which number, where it begins, and 1 / its width. */
export interface Bin {
  readonly number: number;
  readonly from: number;
  readonly slope: number;
}

/** Most bins of all numbers together. */
const most = 2048;

/**
 * The bins of each number between its quantiles; a number of two values needs none.
 *
 * @param data the training part's numbers, row by row
 * @param bins most bins a number
 */
export function binsOf(data: ArrayLike<number>, numbers: number, bins: number): Bin[] {
  const rows = data.length / Math.max(1, numbers);
  const count = Math.min(bins, Math.floor(most / Math.max(1, numbers)));
  if (count < 2) return [];
  const result: Bin[] = [];
  const column = new Float32Array(rows);
  for (let number = 0; number < numbers; number++) {
    for (let row = 0; row < rows; row++) column[row] = data[row * numbers + number]!;
    column.sort();
    const distinct = [...new Set(column)];
    const edges =
      distinct.length <= count + 1
        ? distinct
        : [...new Set(Array.from({ length: count + 1 }, (_, i) => column[Math.round((i / count) * (rows - 1))]!))];
    if (edges.length < 3) continue;
    for (let i = 0; i + 1 < edges.length; i++) result.push({ number, from: edges[i]!, slope: 1 / (edges[i + 1]! - edges[i]!) });
  }
  return result;
}

/** (N, numbers) → (N, bins): 0 before a bin, 1 after it, linear within. */
export class Bins extends Module {
  readonly #numbers: Tensor;
  readonly from: Variable;
  readonly slope: Variable;

  constructor(bins: readonly Bin[]) {
    super();
    this.#numbers = tensor(
      bins.map(({ number }) => number),
      { dtype: "int32" },
    );
    this.from = new Variable(tensor(bins.map(({ from }) => from)));
    this.slope = new Variable(tensor(bins.map(({ slope }) => slope)));
  }

  forward(x: Tensor): Tensor {
    const place = mul(sub(indexSelect(x, 1, this.#numbers), this.from.value), this.slope.value);
    return minimum(maximum(place, 0), 1);
  }

  override describe(): string {
    return `Bins ${this.from.value.shape[0]}`;
  }
}
