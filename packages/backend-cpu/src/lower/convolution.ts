/** Convolutions, forward and backward: how assembly/stage.ts is to lay out images, and which taps go where. */
import type { ConvolutionTransposeAttributes } from "@ermine/core";
import type { Emitter } from "../emitter.js";
import { kinds } from "../generated/instructions.js";
import { contiguous, sizeOf, type Lowering, type Operand } from "./operand.js";
import { three, upToThreeAxes, type Geometry } from "./window.js";
import { cut, type Axes, type Convolution, type Pass, type Staging, type Tap } from "./convolutionPass.js";
import { winograd, winogradWeight } from "./winograd.js";

function convolutionOf(x: Operand, weight: Operand, y: Operand, attributes: unknown): Convolution {
  const g = attributes as Geometry;
  return {
    images: x.shape[0]!,
    groups: g.groups,
    channels: weight.shape[1]!,
    out: weight.shape[0]! / g.groups,
    size: three(x.shape.slice(2), 1),
    kernel: three(weight.shape.slice(2), 1),
    counts: three(y.shape.slice(2), 1),
    stride: three(g.stride, 1),
    before: three(g.padBefore, 0),
    after: three(g.padAfter, 0),
    dilation: three(g.dilation, 1),
  };
}

/**
 * Rows as near to each other as zeros allow: the padding behind one is that before the next.
 *
 * @param counts how many positions are asked for
 */
function staging(size: Axes, stride: Axes, before: Axes, after: Axes, counts: Axes): Staging {
  const rows = size.map((n, i) => Math.max(Math.ceil((n + Math.max(before[i]!, after[i]!)) / stride[i]!), counts[i]!));
  return { size, stride, before, rows };
}

const stagingWords = ({ size, stride, before, rows }: Staging): number[] => [...size, ...stride, ...before, ...rows];

/** Places of a run over `images` images, up to the last that is asked for. */
const runOf = (images: number, rows: Axes, counts: Axes): number =>
  (((images - 1) * rows[0]! + counts[0]! - 1) * rows[1]! + counts[1]! - 1) * rows[2]! + counts[2]!;

/** Numbers of a plane of `images` images whose taps reach `reach` places far. An odd number of cache lines: neighbouring planes do not evict each other. */
function planeOf(images: number, rows: Axes, reach: number): number {
  const lines = Math.ceil((images * sizeOf(rows) + reach + 8) / 16);
  return (lines | 1) * 16;
}

/** Images staged at once: small ones together, so that runs are long. */
const blockOf = (images: number, rows: Axes): number => Math.max(1, Math.min(images, Math.round(256 / sizeOf(rows))));

/** All combinations of one element of each list. */
const product = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);

const dot = (a: Axes, b: Axes): number => a.reduce((sum, n, i) => sum + n * b[i]!, 0);

/** One of the kernel's numbers along an axis: which, in which remainder of the stride, and how far. */
interface Along {
  readonly k: number;
  readonly phase?: number;
  readonly from: number;
}

/** All of the kernel's numbers, from those along each axis. */
function combined(c: Convolution, axes: readonly (readonly Along[])[], rows: Axes): Tap[] {
  const [kernel, phases, steps] = [c.kernel, c.stride, rows].map(contiguous) as unknown as [Axes, Axes, Axes];
  return product(axes).map((along) => ({
    index: dot(
      along.map(({ k }) => k),
      kernel,
    ),
    phase: dot(
      along.map(({ phase = 0 }) => phase),
      phases,
    ),
    reach: dot(
      along.map(({ from }) => from),
      steps,
    ),
  }));
}

/** The kernel's numbers over planes staged with the convolution's stride. */
const tapsOf = (c: Convolution, { rows }: Staging): Tap[] =>
  combined(
    c,
    c.kernel.map((n, i) =>
      Array.from({ length: n }, (_, k) => {
        const [place, stride] = [k * c.dilation[i]!, c.stride[i]!];
        return { k, phase: place % stride, from: Math.floor(place / stride) };
      }),
    ),
    rows,
  );

const reachOf = (taps: readonly Tap[]): number => Math.max(0, ...taps.map((tap) => tap.reach));

function pass(e: Emitter, c: Convolution, p: Pass): void {
  const { staging: s, taps, turned } = p;
  const { groups, images } = c;
  const [channels, out] = turned ? [c.out, c.channels] : [c.channels, c.out];
  const numbers = 4 * sizeOf(c.kernel);
  const [rowStep, channelStep] = turned ? [numbers, out * numbers] : [channels * numbers, numbers];
  if (winograd(e, c, p, channels, out)) return;
  const whole = turned ? c.size : c.counts;
  const places = contiguous(whole);
  const [from, to] = [sizeOf(s.size), sizeOf(whole)];
  const block = blockOf(images, s.rows);
  const plane = planeOf(block, s.rows, reachOf(taps));
  const depth = channels * taps.length;
  const run = runOf(block, s.rows, p.counts) + 32;
  const scratch = depth * (1 + Math.ceil(out / 4) * 4) + 4 * run + channels * sizeOf(s.stride) * plane + 68;
  const [image, imageOut] = [groups * channels * from, groups * out * to];
  const emit = (first: number, last: number, row: number, end: number): void =>
    e.emit(
      "convolve",
      p.y + 4 * (first * imageOut + row * to),
      p.x + 4 * first * image,
      p.weight + row * rowStep,
      p.bias === 0 ? 0 : p.bias + 4 * row,
      e.scratch(scratch),
      last - first,
      groups,
      channels,
      end - row,
      from,
      image,
      to,
      imageOut,
      rowStep,
      channelStep,
      out * channels * numbers,
      block,
      taps.length,
      plane * 4,
      ...stagingWords(s),
      ...p.counts,
      dot(p.first, places),
      ...places.map((place, i) => place * p.every[i]!),
      ...taps.flatMap(({ index, phase, reach }) => [index * 4, (phase * plane + reach) * 4]),
    );
  const blocks = Math.ceil(images / block);
  // Few images are staged by each part again.
  if (groups === 1 && blocks < 4) {
    const some = 8;
    cut(e, c, Math.ceil(out / some), (row, end) => emit(0, images, row * some, Math.min(end * some, out)));
  } else cut(e, c, blocks, (first, last) => emit(first * block, Math.min(last * block, images), 0, out));
}

const convolution: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  emit(e, [x, weight, bias], [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const c = convolutionOf(x!, weight!, y!, attributes);
    const staged = staging(c.size, c.stride, c.before, c.after, c.counts);
    pass(e, c, {
      y: y!.address,
      x: x!.address,
      weight: weight!.address,
      bias: bias?.address ?? 0,
      turned: 0,
      staging: staged,
      counts: c.counts,
      first: [0, 0, 0],
      every: [1, 1, 1],
      taps: tapsOf(c, staged),
    });
  },
};

/** One remainder of an axis of x by the stride: where its numbers begin, how many, and which of the kernel's reach them from where in g. */
interface Remainder {
  readonly first: number;
  readonly count: number;
  readonly taps: readonly { readonly k: number; readonly from: number }[];
}

function remainders(c: Convolution, axis: number): Remainder[] {
  const [size, stride, dilation] = [c.size[axis]!, c.stride[axis]!, c.dilation[axis]!];
  return Array.from({ length: Math.min(stride, size) }, (_, first) => {
    const place = first + c.before[axis]!;
    const taps = Array.from({ length: c.kernel[axis]! }, (__, k) => ({ k, from: (place - k * dilation) / stride })).filter(
      ({ from }) => Number.isInteger(from),
    );
    return { first, count: Math.ceil((size - first) / stride), taps };
  });
}

/** The gradient of x (plus a bias): for each remainder of the stride a convolution of g with the taps that lead there, be it none. */
function inputGradient(e: Emitter, c: Convolution, toX: Operand, weight: number, g: number, bias = 0): void {
  for (const axes of product([0, 1, 2].map((axis) => remainders(c, axis)))) {
    const counts = axes.map(({ count }) => count);
    const reached = axes.every(({ taps }) => taps.length > 0);
    const lowest = axes.map(({ taps }) => (reached ? Math.min(...taps.map(({ from }) => from)) : 0));
    const highest = axes.map(({ taps }) => (reached ? Math.max(...taps.map(({ from }) => from)) : 0));
    const staged = staging(
      c.counts,
      [1, 1, 1],
      lowest.map((n) => 0 - n),
      highest.map((n, i) => counts[i]! + n - c.counts[i]!),
      counts,
    );
    pass(e, c, {
      y: toX.address,
      x: g,
      weight,
      bias,
      turned: 8,
      staging: staged,
      counts,
      first: axes.map(({ first }) => first),
      every: c.stride,
      taps: combined(
        c,
        axes.map(({ taps }, i) => taps.map(({ k, from }) => ({ k, from: from - lowest[i]! }))),
        staged.rows,
      ),
    });
  }
}

/** The gradients of weight and bias, split by rows of the weight or by groups. */
function weightGradient(e: Emitter, c: Convolution, toWeight: number, toBias: number, x: number, g: number): void {
  if (winogradWeight(e, c, toWeight, toBias, x, g)) return;
  const staged = staging(c.size, c.stride, c.before, c.after, c.counts);
  const taps = tapsOf(c, staged);
  const block = blockOf(c.images, staged.rows);
  const plane = planeOf(block, staged.rows, reachOf(taps));
  const planeG = planeOf(block, staged.rows, 0);
  const phases = sizeOf(staged.stride);
  const [size, positions] = [sizeOf(c.size), sizeOf(c.counts)];
  const depth = c.channels * taps.length;
  const columns = Math.ceil((depth + 1) / 4) * 4;
  const each = c.groups > 1 ? c.out : Math.min(c.out, 8);
  cut(e, c, Math.ceil((c.groups * c.out) / each), (from, to) => {
    const first = from * each;
    const rows = Math.min(to * each, c.groups * c.out) - first;
    const [groups, out] = c.groups > 1 ? [rows / c.out, c.out] : [1, rows];
    const rowsOut = out === 1 ? 1 : Math.ceil(out / 4) * 4;
    const run = runOf(block, staged.rows, c.counts) + 4;
    const scratch = columns + columns * rowsOut + run + rowsOut * planeG + c.channels * phases * plane + 64;
    e.emit(
      "convolveWeightGradient",
      toWeight + first * depth * 4,
      toBias === 0 ? 0 : toBias + first * 4,
      x + (c.groups > 1 ? from * c.channels * size * 4 : 0),
      g + first * positions * 4,
      e.scratch(scratch),
      c.images,
      groups,
      c.channels,
      out,
      size,
      c.groups * c.channels * size,
      positions,
      c.groups * c.out * positions,
      block,
      taps.length,
      plane * 4,
      planeG * 4,
      ...stagingWords(staged),
      ...c.counts,
      ...[1, 1, 1, 0, 0, 0],
      ...staged.rows,
      ...c.counts,
      ...taps.map(({ phase, reach }) => (phase * plane + reach) * 4),
    );
  });
}

/** A convolution's gradient of x, where x and y have changed places. */
const convolutionTranspose: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  emit(e, [x, weight, bias], [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const { padding, ...window } = attributes as unknown as ConvolutionTransposeAttributes;
    const c = convolutionOf(y!, weight!, x!, { ...window, padBefore: padding, padAfter: padding });
    inputGradient(e, c, y!, weight!.address, x!.address, bias?.address);
  },
};

const convolutionGradient: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  optionalOutputs: true,
  emit(e, [g, x, weight, bias], [toX, toWeight, toBias], attributes) {
    const c = convolutionOf(x!, weight!, g!, attributes);
    if (toX !== undefined && sizeOf(toX.shape) > 0) inputGradient(e, c, toX, weight!.address, g!.address);
    const wanted = bias === undefined ? undefined : toBias;
    if (toWeight === undefined && wanted === undefined) return;
    const words = sizeOf(weight!.shape);
    if (c.images === 0) {
      if (toWeight !== undefined) e.emit("fill", toWeight.address, words, 0);
      if (wanted !== undefined) e.emit("fill", wanted.address, sizeOf(wanted.shape), 0);
    } else if (toWeight === undefined) {
      // The bias alone: Σ over positions, then over images.
      const channels = c.groups * c.out;
      const sums = e.scratch(c.images * channels);
      e.emit("reduce", kinds.reduction.sum, sums, g!.address, c.images * channels, sizeOf(c.counts), 1);
      e.emit("reduce", kinds.reduction.sum, wanted!.address, sums, 1, c.images, channels);
    } else if (c.groups * c.out > 0) weightGradient(e, c, toWeight.address, wanted?.address ?? 0, x!.address, g!.address);
  },
};

export const convolutions: readonly (readonly [string, Lowering])[] = Object.entries({
  convolution,
  convolutionGradient,
  convolutionTranspose,
});
