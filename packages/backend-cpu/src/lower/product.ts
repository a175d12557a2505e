/** Matrix products: of matrices in batches, and linear layers. */
import { gemm, packPanels, panelWords, readsPanels, rowMajor, transposed, type Matrix } from "./gemm.js";
import { broadcastStrides, contiguous, sizeOf, type Lowering, type Operand, type Packing } from "./operand.js";

/** The right side of products with m rows, n columns of k elements, as its panels. */
function panelsOf(
  input: number,
  [m, n, k]: readonly [number, number, number],
  matrix: (t: Operand) => Matrix,
): Packing | undefined {
  if (!readsPanels(m, n, k)) return undefined;
  return { input, words: panelWords(n, k), emit: (e, operand, to) => packPanels(e, to, matrix(operand), n, k) };
}

const panels = ({ packed }: Operand): { panels?: number } => (packed === undefined ? {} : { panels: packed });

const matmul: Lowering = {
  dtypes: ["float32"],
  packing([a, b], attributes) {
    const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
    if (transposeA || b!.shape.length !== 2) return undefined;
    const [n, k] = transposeB ? b!.shape : b!.shape.toReversed();
    const matrix = (t: Operand): Matrix => (transposeB ? transposed : rowMajor)(t.address, t.shape[1]!);
    return panelsOf(1, [sizeOf(a!.shape.slice(0, -1)), n!, k!], matrix);
  },
  inRows: (_, parted, [a, b], attributes) =>
    parted[0] === true && parted[1] !== true && a!.shape.length > 1 && b!.shape.length === 2 && attributes["transposeA"] !== true
      ? attributes
      : undefined,
  emit(e, [a, b], [c], attributes) {
    const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
    const [m, n] = c!.shape.slice(-2) as [number, number];
    const k = a!.shape.at(transposeA ? -2 : -1)!;
    const matrix = (t: Operand, flipped: boolean): Matrix => (flipped ? transposed : rowMajor)(t.address, t.shape.at(-1)!);
    const outer = c!.shape.slice(0, -2);
    const count = sizeOf(outer);
    const [x, y] = [matrix(a!, transposeA), matrix(b!, transposeB)];
    const matrices = (t: Operand): number[] =>
      broadcastStrides(t.shape.slice(0, -2), outer).map((stride) => stride * sizeOf(t.shape.slice(-2)));
    const [stepsA, stepsB] = [matrices(a!), matrices(b!)];
    const even = uniformStep(outer, stepsA);
    const evenB = uniformStep(outer, stepsB);
    if (even !== undefined && evenB !== undefined) {
      // One matrix for all: the batch's rows are rows of one product.
      if (evenB === 0 && !transposeA && (even === m * k || count === 1))
        return gemm(e, { c: c!.address, a: x, b: y, m: m * count, n, k, ...panels(b!) });
      return gemm(e, { c: c!.address, a: x, b: y, m, n, k, batch: { count, c: m * n, a: even, b: evenB } });
    }
    const place = contiguous(outer);
    for (let i = 0; i < count; i++) {
      const index = outer.map((size, axis) => Math.floor(i / place[axis]!) % size);
      const offset = (steps: readonly number[]): number => index.reduce((sum, at, axis) => sum + at * steps[axis]!, 0) * 4;
      gemm(e, {
        c: c!.address + i * m * n * 4,
        a: { ...x, address: x.address + offset(stepsA) },
        b: { ...y, address: y.address + offset(stepsB) },
        m,
        n,
        k,
      });
    }
  },
};

/** The one step that walks all matrices in order, if there is one. */
function uniformStep(outer: readonly number[], steps: readonly number[]): number | undefined {
  const axes = outer.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  if (axes.length === 0) return 0;
  const last = steps[axes.at(-1)!]!;
  let expected = last;
  for (const axis of axes.toReversed()) {
    if (steps[axis] !== expected) return undefined;
    expected *= outer[axis]!;
  }
  return last;
}

const linear: Lowering = {
  dtypes: ["float32"],
  packing([x, weight]) {
    const [n, k] = weight!.shape as [number, number];
    return panelsOf(1, [sizeOf(x!.shape.slice(0, -1)), n, k], (t) => transposed(t.address, k));
  },
  inRows: (_, parted, [x], attributes) => (x!.shape.length > 1 && !parted.slice(1).includes(true) ? attributes : undefined),
  emit(e, [x, weight, bias], [y]) {
    const [out, inner] = weight!.shape as [number, number];
    const rows = sizeOf(y!.shape.slice(0, -1));
    gemm(e, {
      c: y!.address,
      a: rowMajor(x!.address, inner),
      b: transposed(weight!.address, inner),
      m: rows,
      n: out,
      k: inner,
      bias: bias?.address ?? 0,
      ...panels(weight!),
    });
  },
};

export const products: readonly (readonly [string, Lowering])[] = Object.entries({ matmul, linear });
