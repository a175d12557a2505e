/** Convolutions, forward and backward: how assembly/stage.ts is to lay out images, and which taps go where. */
import type { ConvolutionTransposeAttributes } from "@ermine/core";
import type { Emitter } from "../emitter.js";
import { contiguous, sizeOf, type Lowering, type Operand } from "./operand.js";
import { inParts } from "./split.js";
import { three, type Geometry } from "./window.js";

/** Depth, height, width. */
type Axes = readonly number[];

/** A convolution over three axes; those that are not there have size and kernel 1. */
interface Convolution {
  readonly images: number;
  readonly groups: number;
  /** Channels of x and of y in a group. */
  readonly channels: number;
  readonly out: number;
  readonly size: Axes;
  readonly kernel: Axes;
  readonly counts: Axes;
  readonly stride: Axes;
  readonly before: Axes;
  readonly after: Axes;
  readonly dilation: Axes;
}

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

/** How planes are laid out. */
interface Staging {
  readonly size: Axes;
  readonly stride: Axes;
  /** The place of the first number: padding before it, or less than 0 where the first are left out. */
  readonly before: Axes;
  /** Places from row to row and so on, in steps of the stride. */
  readonly rows: Axes;
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

interface Tap {
  /** Its number in the kernel. */
  readonly index: number;
  /** Which remainder of the stride, and how far in the run. */
  readonly phase: number;
  readonly reach: number;
}

/** All combinations of one element of each list. */
const product = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);

const dot = (a: Axes, b: Axes): number => a.reduce((sum, n, i) => sum + n * b[i]!, 0);

/** The kernel's numbers over planes staged with the convolution's stride. */
function tapsOf(c: Convolution, { stride, rows }: Staging): Tap[] {
  const [steps, phases, kernel] = [contiguous(rows), contiguous(stride), contiguous(c.kernel)];
  return product(c.kernel.map((n) => Array.from({ length: n }, (_, k) => k))).map((k) => {
    const place = k.map((n, i) => n * c.dilation[i]!);
    const phase = place.map((n, i) => n % stride[i]!);
    const far = place.map((n, i) => Math.floor(n / stride[i]!));
    return { index: dot(k, kernel), phase: dot(phase, phases), reach: dot(far, steps) };
  });
}

const reachOf = (taps: readonly Tap[]): number => Math.max(0, ...taps.map((tap) => tap.reach));

const work = (c: Convolution): number => c.images * c.groups * c.out * c.channels * sizeOf(c.kernel) * sizeOf(c.counts);

interface Pass {
  readonly y: number;
  readonly x: number;
  readonly weight: number;
  readonly bias: number;
  readonly groups: number;
  /** Channels and rows of a group. */
  readonly channels: number;
  readonly out: number;
  /** Numbers of a channel of x and of y. */
  readonly plane: number;
  readonly planeOut: number;
  /** Numbers between the weight's rows, channels and groups. */
  readonly weightSteps: readonly number[];
  readonly staging: Staging;
  readonly counts: Axes;
  /** Where the result's numbers go: the first, and steps along the axes. */
  readonly start: number;
  readonly steps: Axes;
  readonly taps: readonly Tap[];
}

function pass(e: Emitter, c: Convolution, p: Pass): void {
  const { staging: s, taps, channels, out, groups } = p;
  const block = blockOf(c.images, s.rows);
  const plane = planeOf(block, s.rows, reachOf(taps));
  const phases = sizeOf(s.stride);
  const depth = channels * taps.length;
  const run = Math.ceil(runOf(block, s.rows, p.counts) / 32) * 32;
  const scratch = depth + depth * Math.ceil(out / 4) * 4 + 4 + 4 * run + channels * phases * plane + 64;
  const image = groups * channels * p.plane;
  const imageOut = groups * out * p.planeOut;
  const emit = (images: readonly [from: number, to: number], rows: readonly [from: number, to: number]): void =>
    e.emit(
      "convolve",
      p.y + 4 * (images[0] * imageOut + rows[0] * p.planeOut),
      p.x + 4 * images[0] * image,
      p.weight + 4 * rows[0] * p.weightSteps[0]!,
      p.bias === 0 ? 0 : p.bias + 4 * rows[0],
      e.scratch(scratch),
      images[1] - images[0],
      groups,
      channels,
      rows[1] - rows[0],
      p.plane,
      image,
      p.planeOut,
      imageOut,
      ...p.weightSteps.map((n) => n * 4),
      block,
      taps.length,
      plane * 4,
      ...stagingWords(s),
      ...p.counts,
      p.start,
      ...p.steps,
      ...taps.flatMap(({ index, phase, reach }) => [index * 4, (phase * plane + reach) * 4]),
    );
  const blocks = Math.ceil(c.images / block);
  // Few images are staged by each part again.
  if (groups === 1 && blocks < 4) {
    const some = 8;
    inParts(e, work(c), Math.ceil(out / some), (from, to) => emit([0, c.images], [from * some, Math.min(to * some, out)]));
  } else inParts(e, work(c), blocks, (from, to) => emit([from * block, Math.min(to * block, c.images)], [0, out]));
}

const convolution: Lowering = {
  dtypes: ["float32"],
  emit(e, [x, weight, bias], [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const c = convolutionOf(x!, weight!, y!, attributes);
    const staged = staging(c.size, c.stride, c.before, c.after, c.counts);
    const numbers = sizeOf(c.kernel);
    pass(e, c, {
      y: y!.address,
      x: x!.address,
      weight: weight!.address,
      bias: bias?.address ?? 0,
      groups: c.groups,
      channels: c.channels,
      out: c.out,
      plane: sizeOf(c.size),
      planeOut: sizeOf(c.counts),
      weightSteps: [c.channels * numbers, numbers, c.out * c.channels * numbers],
      staging: staged,
      counts: c.counts,
      start: 0,
      steps: contiguous(c.counts),
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
  const [numbers, place, kernel] = [sizeOf(c.kernel), contiguous(c.size), contiguous(c.kernel)];
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
    const steps = contiguous(staged.rows);
    pass(e, c, {
      y: toX.address,
      x: g,
      weight,
      bias,
      groups: c.groups,
      channels: c.out,
      out: c.channels,
      plane: sizeOf(c.counts),
      planeOut: sizeOf(c.size),
      weightSteps: [numbers, c.channels * numbers, c.out * c.channels * numbers],
      staging: staged,
      counts,
      start: dot(
        axes.map(({ first }) => first),
        place,
      ),
      steps: place.map((step, i) => step * c.stride[i]!),
      taps: product(axes.map(({ taps }) => taps)).map((taps) => ({
        index: dot(
          taps.map(({ k }) => k),
          kernel,
        ),
        phase: 0,
        reach: dot(
          taps.map(({ from }, i) => from - lowest[i]!),
          steps,
        ),
      })),
    });
  }
}

/** The gradients of weight and bias, split by rows of the weight or by groups. */
function weightGradient(e: Emitter, c: Convolution, toWeight: number, toBias: number, x: number, g: number): void {
  const staged = staging(c.size, c.stride, c.before, c.after, c.counts);
  const taps = tapsOf(c, staged);
  const block = blockOf(c.images, staged.rows);
  const plane = planeOf(block, staged.rows, reachOf(taps));
  const planeG = planeOf(block, staged.rows, 0);
  const phases = sizeOf(staged.stride);
  const [size, positions] = [sizeOf(c.size), sizeOf(c.counts)];
  const depth = c.channels * taps.length;
  const columns = Math.ceil((depth + 1) / 4) * 4;
  const gradients: Staging = { size: c.counts, stride: [1, 1, 1], before: [0, 0, 0], rows: staged.rows };
  const each = c.groups > 1 ? c.out : Math.min(c.out, 8);
  inParts(e, work(c), Math.ceil((c.groups * c.out) / each), (from, to) => {
    const first = from * each;
    const rows = Math.min(to * each, c.groups * c.out) - first;
    const [groups, out] = c.groups > 1 ? [rows / c.out, c.out] : [1, rows];
    const rowsOut = out === 1 ? 1 : Math.ceil(out / 4) * 4;
    const run = Math.ceil(runOf(block, staged.rows, c.counts) / 4) * 4;
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
      ...stagingWords(gradients),
      ...c.counts,
      ...taps.map(({ phase, reach }) => (phase * plane + reach) * 4),
    );
  });
}

/** A convolution's gradient of x, where x and y have changed places. */
const convolutionTranspose: Lowering = {
  dtypes: ["float32"],
  emit(e, [x, weight, bias], [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const { padding, ...window } = attributes as unknown as ConvolutionTransposeAttributes;
    const c = convolutionOf(y!, weight!, x!, { ...window, padBefore: padding, padAfter: padding });
    inputGradient(e, c, y!, weight!.address, x!.address, bias?.address);
  },
};

const convolutionGradient: Lowering = {
  dtypes: ["float32"],
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
      e.emit("reduce", 0, sums, g!.address, c.images * channels, sizeOf(c.counts), 1);
      e.emit("reduce", 0, wanted!.address, sums, 1, c.images, channels);
    } else if (c.groups * c.out > 0) weightGradient(e, c, toWeight.address, wanted?.address ?? 0, x!.address, g!.address);
  },
};

export const convolutions: readonly (readonly [string, Lowering])[] = Object.entries({
  convolution,
  convolutionGradient,
  convolutionTranspose,
});
