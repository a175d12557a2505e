/** Reductions over axes. Sums are added in order, in double precision. */
import { around, count, stridesTo, walk, type ArrayKernel } from "../storage.js";

const reduce =
  (start: number, fold: (total: number, x: number) => number): ArrayKernel =>
  ([x], [y], attributes) => {
    const axes = attributes["axes"] as readonly number[];
    const keptShape = x!.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    const totals = new Float64Array(count(keptShape)).fill(start);
    walk(x!.shape, [stridesTo(keptShape, x!.shape)], (position, at) => {
      // An axis of size 1 that is kept has stride 1, and one that is reduced stays at 0: both are right.
      totals[at[0]!] = fold(totals[at[0]!]!, x!.data[position]!);
    });
    y!.data.set(totals);
  };

export const reductions: Readonly<Record<string, ArrayKernel>> = {
  sum: reduce(0, (total, x) => total + x),
  prod(inputs, outputs, attributes) {
    const whole = outputs[0]!.dtype === "int32";
    reduce(1, whole ? Math.imul : (total, x) => total * x)(inputs, outputs, attributes);
  },
  max: reduce(-Infinity, Math.max),
  min: reduce(Infinity, Math.min),
  argMax([x], [y], attributes) {
    const { outer, size, inner } = around(x!.shape, attributes["axis"] as number);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let best = 0;
        for (let k = 1; k < size; k++) {
          const [value, champion] = [x!.data[(o * size + k) * inner + i]!, x!.data[(o * size + best) * inner + i]!];
          if (value > champion || (Number.isNaN(value) && !Number.isNaN(champion))) best = k;
        }
        y!.data[o * inner + i] = best;
      }
    }
  },
  cumsum([x], [y], attributes) {
    const { outer, size, inner } = around(x!.shape, attributes["axis"] as number);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let total = 0;
        for (let k = 0; k < size; k++) {
          const at = (o * size + k) * inner + i;
          total += x!.data[at]!;
          y!.data[at] = total;
        }
      }
    }
  },
  sort([x], [values, indices], attributes) {
    const descending = attributes["descending"] as boolean;
    const { outer, size, inner } = around(x!.shape, attributes["axis"] as number);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const at = (k: number): number => (o * size + k) * inner + i;
        const order = Array.from({ length: size }, (_, k) => k).sort((p, q) => {
          const [a, b] = [x!.data[at(p)]!, x!.data[at(q)]!];
          if (Number.isNaN(a) || Number.isNaN(b)) {
            const last = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
            return (descending ? -last : last) || p - q;
          }
          return (a === b ? 0 : a < b !== descending ? -1 : 1) || p - q;
        });
        order.forEach((from, k) => {
          values!.data[at(k)] = x!.data[at(from)]!;
          indices!.data[at(k)] = from;
        });
      }
    }
  },
};
