/** Matrix products, and what is made of them: linear layers and convolutions. */
import type { Emitter } from "../emitter.js";
import { float } from "../emitter.js";
import { broadcastStrides, contiguous, sizeOf, type Lowering, type Operand } from "./operand.js";

const depthBlock = 256;
const rowBlock = 96;

interface Matrix {
  readonly address: number;
  /** Numbers from row to row, and from column to column. */
  readonly row: number;
  readonly column: number;
}

interface Product {
  readonly c: number;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly bias?: number;
  readonly accumulate?: boolean;
  /** Scratch words that the caller uses already. */
  readonly taken?: number;
  readonly batch?: { readonly count: number; readonly c: number; readonly a: number; readonly b: number };
}

const scratchWords = (n: number, k: number): number => Math.min(k, depthBlock) * (rowBlock + Math.ceil(n / 8) * 8);

/** c [m, n] = a · b (+ bias over the rows) (+ c). */
function gemm(e: Emitter, { c, a, b, m, n, k, bias = 0, accumulate = false, taken = 0, batch }: Product): void {
  if (m === 0 || n === 0) return;
  const scratch = e.scratch(scratchWords(n, k), taken);
  const { count, c: stepC, a: stepA, b: stepB } = batch ?? { count: 1, c: 0, a: 0, b: 0 };
  e.emit(
    "gemm",
    c,
    a.address,
    b.address,
    bias,
    m,
    n,
    k,
    a.row * 4,
    a.column * 4,
    b.row * 4,
    b.column * 4,
    accumulate ? 1 : 0,
    scratch,
    count,
    stepC * 4,
    stepA * 4,
    stepB * 4,
  );
}

const rowMajor = (address: number, columns: number): Matrix => ({ address, row: columns, column: 1 });
const transposed = (address: number, columns: number): Matrix => ({ address, row: 1, column: columns });

const matmul: Lowering = {
  dtypes: ["float32"],
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
        return gemm(e, { c: c!.address, a: x, b: y, m: m * count, n, k });
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
    });
  },
};

interface Convolution {
  readonly batch: number;
  readonly groups: number;
  /** Channels of x and of y in a group. */
  readonly channels: number;
  readonly out: number;
  /** Numbers of a channel's plane, of a kernel, and positions. */
  readonly plane: number;
  readonly kernel: number;
  readonly positions: number;
  /** 1 × 1, one by one: the image is its own columns. */
  readonly plain: boolean;
  readonly window: readonly number[];
}

type Geometry = Record<"stride" | "padBefore" | "padAfter" | "dilation", number[]> & { groups: number };

/** Up to three spatial axes as depth, height, width. */
const three = (list: readonly number[], fill: number): number[] => [
  ...Array.from({ length: 3 - list.length }, () => fill),
  ...list,
];

/** The 18 words of assembly/window.ts. */
export function windowWords(
  size: readonly number[],
  kernel: readonly number[],
  g: Omit<Geometry, "groups" | "padAfter">,
  counts: readonly number[],
): number[] {
  return [
    ...three(size, 1),
    ...three(kernel, 1),
    ...three(g.stride, 1),
    ...three(g.padBefore, 0),
    ...three(g.dilation, 1),
    ...three(counts, 1),
  ];
}

function convolutionOf(x: Operand, weight: Operand, y: Operand, attributes: unknown): Convolution {
  const g = attributes as Geometry;
  const [size, kernel, counts] = [x.shape.slice(2), weight.shape.slice(2), y.shape.slice(2)];
  const ones = (list: readonly number[], of: number): boolean => list.every((n) => n === of);
  return {
    batch: x.shape[0]!,
    groups: g.groups,
    channels: weight.shape[1]!,
    out: weight.shape[0]! / g.groups,
    plane: sizeOf(size),
    kernel: sizeOf(kernel),
    positions: sizeOf(counts),
    plain: ones(kernel, 1) && ones(g.stride, 1) && ones(g.padBefore, 0) && ones(g.padAfter, 0),
    window: windowWords(size, kernel, g, counts),
  };
}

/** A group's columns of one image, cut into scratch where the image itself is not them. */
function columns(e: Emitter, c: Convolution, image: number): Matrix {
  if (c.plain) return rowMajor(image, c.positions);
  const address = e.scratch(columnWords(c));
  e.emit("unfold", address, image, c.channels, float(0), ...c.window);
  return rowMajor(address, c.positions);
}

const columnWords = (c: Convolution): number => c.channels * c.kernel * c.positions;

/** For each image and group: where its part of x, weight and y begins. */
function eachImage(
  c: Convolution,
  x: number,
  weight: number,
  y: number,
  fn: (x: number, weight: number, y: number, first: boolean) => void,
): void {
  for (let n = 0; n < c.batch; n++) {
    for (let g = 0; g < c.groups; g++) {
      const from = (n * c.groups + g) * c.channels * c.plane * 4;
      const to = (n * c.groups + g) * c.out * c.positions * 4;
      fn(x + from, weight + g * c.out * c.channels * c.kernel * 4, y + to, n === 0);
    }
  }
}

const convolution: Lowering = {
  dtypes: ["float32"],
  emit(e, [x, weight, bias], [y], attributes) {
    const c = convolutionOf(x!, weight!, y!, attributes);
    const depth = c.channels * c.kernel;
    eachImage(c, x!.address, weight!.address, y!.address, (image, kernels, maps) => {
      const b = columns(e, c, image);
      gemm(e, {
        c: maps,
        a: rowMajor(kernels, depth),
        b,
        m: c.out,
        n: c.positions,
        k: depth,
        taken: c.plain ? 0 : columnWords(c),
      });
    });
    if (bias === undefined || sizeOf(y!.shape) === 0) return;
    const dims = [c.batch, c.groups * c.out, c.positions];
    e.emit(
      "binary",
      0,
      y!.address,
      y!.address,
      bias.address,
      3,
      ...dims,
      c.groups * c.out * c.positions,
      c.positions,
      1,
      0,
      1,
      0,
    );
  },
};

const convolutionGradient: Lowering = {
  dtypes: ["float32"],
  emit(e, [g, x, weight, bias], outputs, attributes) {
    const [toX, toWeight, toBias] = outputs;
    const c = convolutionOf(x!, weight!, g!, attributes);
    const depth = c.channels * c.kernel;
    const words = columnWords(c);
    if (toX !== undefined) {
      e.emit("fill", toX.address, sizeOf(toX.shape), 0);
      eachImage(c, toX.address, weight!.address, g!.address, (image, kernels, maps) => {
        const target = c.plain ? image : e.scratch(words);
        gemm(e, {
          c: target,
          a: transposed(kernels, depth),
          b: rowMajor(maps, c.positions),
          m: depth,
          n: c.positions,
          k: c.out,
          taken: words,
        });
        if (!c.plain) e.emit("fold", image, target, c.channels, 0, ...c.window);
      });
    }
    if (toWeight !== undefined) {
      if (c.batch === 0) e.emit("fill", toWeight.address, sizeOf(toWeight.shape), 0);
      eachImage(c, x!.address, toWeight.address, g!.address, (image, kernels, maps, first) => {
        const b = columns(e, c, image);
        const flipped: Matrix = { address: b.address, row: 1, column: c.positions };
        gemm(e, {
          c: kernels,
          a: rowMajor(maps, c.positions),
          b: flipped,
          m: c.out,
          n: depth,
          k: c.positions,
          accumulate: !first,
          taken: words,
        });
      });
    }
    if (bias === undefined || toBias === undefined) return;
    // Σ over positions, then over images.
    const channels = c.groups * c.out;
    const sums = e.scratch(c.batch * channels);
    e.emit("reduce", 0, sums, g!.address, c.batch * channels, c.positions, 1);
    e.emit("reduce", 0, toBias.address, sums, 1, c.batch, channels);
  },
};

const unfold: Lowering = {
  dtypes: ["float32"],
  emit(e, [x], [y], attributes) {
    const a = attributes as unknown as Geometry & { kernel: number[]; padValue: number };
    const size = x!.shape.slice(2);
    e.emit(
      "unfold",
      y!.address,
      x!.address,
      x!.shape[0]! * x!.shape[1]!,
      float(a.padValue),
      ...windowWords(size, a.kernel, a, counts(size, a)),
    );
  },
};

const fold: Lowering = {
  dtypes: ["float32"],
  emit(e, [columnsIn], [y], attributes) {
    const a = attributes as unknown as Geometry & { kernel: number[]; outputSize: number[] };
    e.emit("fill", y!.address, sizeOf(y!.shape), 0);
    e.emit(
      "fold",
      y!.address,
      columnsIn!.address,
      y!.shape[0]! * y!.shape[1]!,
      0,
      ...windowWords(a.outputSize, a.kernel, a, counts(a.outputSize, a)),
    );
  },
};

const counts = (size: readonly number[], a: Geometry & { kernel: number[] }): number[] =>
  size.map(
    (n, i) => Math.floor((n + a.padBefore[i]! + a.padAfter[i]! - a.dilation[i]! * (a.kernel[i]! - 1) - 1) / a.stride[i]!) + 1,
  );

export const products: readonly (readonly [string, Lowering])[] = Object.entries({
  matmul,
  linear,
  convolution,
  convolutionGradient,
  unfold,
  fold,
});
