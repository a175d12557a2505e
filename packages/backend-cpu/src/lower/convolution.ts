/** Convolutions, forward and backward. */
import { float, type Emitter } from "../emitter.js";
import { sizeOf, type Lowering, type Operand } from "./operand.js";
import { gemm, rowMajor, transposed, type Matrix } from "./product.js";
import { windowWords, type Geometry } from "./window.js";

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

export const convolutions: readonly (readonly [string, Lowering])[] = Object.entries({ convolution, convolutionGradient });
