/** Convolutions, forward and backward: which kernel takes which, and which taps lead where. */
import type { ConvolutionTransposeAttributes } from "@ermine/core/backend";
import type { Emitter } from "../emitter.js";
import { kinds } from "../generated/instructions.js";
import { blocking } from "./blocks.js";
import { depthwise, depthwiseWeight, isDepthwise } from "./depthwise.js";
import { contiguous, sizeOf, type Lowering, type Operand } from "./operand.js";
import { splitRange } from "./split.js";
import { three, upToThreeAxes, type Geometry } from "./window.js";
import { cut, workOf, type Convolution, type Pass, type Phase, type Tap } from "./convolutionPass.js";
import { winograd, winogradWeight } from "./winograd.js";

function convolutionOf(x: Operand, weight: Operand, y: Operand, attributes: unknown): Convolution {
  const g = attributes as Geometry;
  const c: Convolution = {
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
  // Of a kernel of one element in steps of 1 all axes are one.
  const plain = [c.kernel, c.stride].flat().every((n) => n === 1) && [c.before, c.after].flat().every((n) => n === 0);
  return plain ? { ...c, size: [1, 1, sizeOf(c.size)], counts: [1, 1, sizeOf(c.counts)] } : c;
}

/** All combinations of one element of each list. */
const product = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);

/** One of the kernel's elements along an axis: which, at which remainder of the stride, and how many steps on. */
interface Along {
  readonly k: number;
  readonly remainder: number;
  readonly from: number;
}

/** All of the kernel's elements, from those along each axis. */
function combined(c: Convolution, axes: readonly (readonly Along[])[]): Tap[] {
  const places = contiguous(c.kernel);
  return product(axes).map((along) => ({
    index: along.reduce((sum, { k }, i) => sum + k * places[i]!, 0),
    remainder: along.map(({ remainder }) => remainder),
    from: along.map(({ from }) => from),
  }));
}

/** The kernel's elements over planes staged with the convolution's stride. */
const tapsOf = (c: Convolution): Tap[] =>
  combined(
    c,
    c.kernel.map((n, i) =>
      Array.from({ length: n }, (_, k) => {
        const [place, stride] = [k * c.dilation[i]!, c.stride[i]!];
        return { k, remainder: place % stride, from: Math.floor(place / stride) };
      }),
    ),
  );

/** Rows of the weight that are packed for one part, where a few blocks are all that there is: whole panels of six and of four. */
const sliceMultiple = 12;

/** Packed weights of a part's rows, and what an instruction says of them. */
interface Slice {
  readonly row: number;
  readonly rows: number;
  /** Elements before its own, and of a group. */
  readonly at: number;
  readonly group: number;
  readonly phases: readonly number[];
}

function slicesOf(rows: number, slices: number, groups: number, depths: readonly number[]): Slice[] {
  const each = slices === 1 ? rows : Math.ceil(rows / slices / sliceMultiple) * sliceMultiple;
  let at = 0;
  return Array.from({ length: Math.ceil(rows / each) }, (_, i) => {
    const rowCount = Math.min(each, rows - i * each);
    const sizes = depths.map((depth) => (rowCount + 3) * depth);
    const group = sizes.reduce((a, b) => a + b, 0);
    const slice = {
      row: i * each,
      rows: rowCount,
      at,
      group,
      phases: sizes.map((__, f) => sizes.slice(0, f).reduce((a, b) => a + b, 0)),
    };
    at += groups * group;
    return slice;
  });
}

function pass(e: Emitter, c: Convolution, p: Pass): void {
  const { turned, phases } = p;
  const { groups, images } = c;
  const [channels, out] = turned ? [c.out, c.channels] : [c.channels, c.out];
  if (isDepthwise(c)) return depthwise(e, c, p);
  if (winograd(e, c, p, channels, out)) return;
  const [from, to] = [sizeOf(p.size), sizeOf(p.sizeOut)];
  const blocks = blocking({
    ...p,
    images,
    channels,
    taps: phases.flatMap(({ taps }) => taps),
    channel: from,
    image: groups * channels * from,
  });
  const few = groups === 1 && blocks.blocks < 4;
  const depths = phases.map(({ taps }) => channels * taps.length);
  const slices = slicesOf(out, few ? 8 : 1, groups, depths);
  const last = slices.at(-1)!;
  const packed = e.shared(last.at + groups * last.group);
  packWeights(e, c, p, slices, packed, channels, out);
  const run = (Math.ceil(blocks.run / 32) | 1) * 32;
  const scratch = 32 + depths.reduce((a, b) => a + b, 0) + 6 * phases.length * run + blocks.staged + 64;
  const emit = (s: Slice, [first, end]: readonly [number, number], [firstGroup, endGroup]: readonly [number, number]): void =>
    e.emit(
      "convolve",
      p.y + 4 * s.row * to,
      p.x,
      packed + 4 * s.at,
      p.bias === 0 ? 0 : p.bias + 4 * s.row,
      e.scratch(scratch),
      first,
      end,
      ...blocks.words,
      firstGroup,
      endGroup,
      channels,
      s.rows,
      out * to,
      to,
      groups * out * to,
      4 * s.group,
      4 * out,
      4 * run,
      p.sizeOut[1]!,
      p.sizeOut[2]!,
      ...p.every,
      phases.length,
      Math.min(p.every[2]!, p.sizeOut[2]!),
      ...phases.flatMap(({ first: begin, counts, taps }, f) => [
        taps.length,
        ...begin,
        ...counts,
        4 * s.phases[f]!,
        ...taps.map((tap) => blocks.place(tap)),
      ]),
    );
  const [allBlocks, allGroups] = [[0, blocks.blocks] as const, [0, groups] as const];
  if (few) cut(e, c, slices.length, (i, end) => slices.slice(i, end).forEach((s) => emit(s, allBlocks, allGroups)));
  else if (blocks.blocks >= groups || blocks.blocks >= 8)
    cut(e, c, blocks.blocks, (...range) => emit(slices[0]!, range, allGroups));
  else cut(e, c, groups, (...range) => emit(slices[0]!, allBlocks, range));
}

function packWeights(
  e: Emitter,
  c: Convolution,
  { turned, weight, phases }: Pass,
  slices: readonly Slice[],
  packed: number,
  channels: number,
  out: number,
): void {
  const elements = 4 * sizeOf(c.kernel);
  const [rowStep, channelStep] = turned ? [elements, out * elements] : [channels * elements, elements];
  const total = c.groups * channels * out * sizeOf(c.kernel);
  // An element is packed in the time of some multiply-adds.
  cutChannels(e, 8 * total, channels, (from, to) => {
    for (const s of slices)
      phases.forEach(({ taps }, f) => {
        if (taps.length === 0) return;
        e.emit(
          "convolvePack",
          packed + 4 * (s.at + s.phases[f]!),
          weight + s.row * rowStep,
          from,
          to,
          c.groups,
          s.rows,
          channels,
          out * channels * elements,
          4 * s.group,
          rowStep,
          channelStep,
          taps.length,
          ...taps.map(({ index }) => 4 * index),
        );
      });
  });
}

const cutChannels = (e: Emitter, work: number, channels: number, emit: (from: number, to: number) => void): void => {
  const parts = Math.max(1, Math.min(channels, 8, Math.floor(work / 500_000)));
  e.fork(parts, (i) => emit(Math.floor((i * channels) / parts), Math.floor(((i + 1) * channels) / parts)));
};

const convolution: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  emit(e, [x, weight, bias], [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const c = convolutionOf(x!, weight!, y!, attributes);
    pass(e, c, {
      y: y!.address,
      x: x!.address,
      weight: weight!.address,
      bias: bias?.address ?? 0,
      turned: 0,
      size: c.size,
      stride: c.stride,
      before: c.before,
      after: c.after,
      counts: c.counts,
      sizeOut: c.counts,
      every: [1, 1, 1],
      phases: [{ first: [0, 0, 0], counts: c.counts, taps: tapsOf(c) }],
    });
  },
};

/** One remainder of an axis of x by the stride: where its elements begin, how many, and which of the kernel's reach them from where in g. */
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
  const axes = [0, 1, 2].map((axis) => remainders(c, axis));
  const extreme = (pick: (...values: number[]) => number): number[] =>
    axes.map((list) => {
      const all = list.flatMap(({ taps }) => taps.map(({ from }) => from));
      return all.length === 0 ? 0 : pick(...all);
    });
  const [lowest, highest] = [extreme(Math.min), extreme(Math.max)];
  const counts = axes.map((list) => Math.max(...list.map(({ count }) => count)));
  const phases = product(axes).map((along): Phase => ({
    first: along.map(({ first }) => first),
    counts: along.map(({ count }) => count),
    taps: combined(
      c,
      along.map(({ taps }, i) => taps.map(({ k, from }) => ({ k, remainder: 0, from: from - lowest[i]! }))),
    ),
  }));
  pass(e, c, {
    y: toX.address,
    x: g,
    weight,
    bias,
    turned: 8,
    size: c.counts,
    stride: [1, 1, 1],
    before: lowest.map((n) => 0 - n),
    after: highest.map((n, i) => counts[i]! + n - c.counts[i]!),
    counts,
    sizeOut: c.size,
    every: c.stride,
    phases,
  });
}

/** Elements of a weight whose sums each part may have for itself. */
const mostSums = 2 ** 17;
/** Rows of sums, one for each channel and tap, that make up for the gradient's packing. */
const fewestSums = 48;

/** The gradients of weight and bias, cut by groups, by blocks (each part has sums of its own, which are then added) or by channels of x. */
function weightGradient(e: Emitter, c: Convolution, toWeight: number, toBias: number, x: number, g: number): void {
  if (winogradWeight(e, c, toWeight, toBias, x, g)) return;
  const { groups, channels, out } = c;
  const taps = tapsOf(c);
  if (isDepthwise(c)) return depthwiseWeight(e, c, taps, toWeight, toBias, x, g);
  const [size, positions] = [sizeOf(c.size), sizeOf(c.counts)];
  const blocks = blocking({ ...c, taps, channel: size, image: groups * channels * size });
  const places = contiguous(c.counts);
  const columns = Math.ceil(out / 8) * 8;
  type Range = readonly [number, number];
  const emit = (weight: number, bias: number, [first, end]: Range, [group, endGroup]: Range, [from, to]: Range): void => {
    const rows = (to - from) * taps.length + 6;
    const staged = Math.ceil((blocks.staged * (to - from)) / channels);
    const scratch = 32 + rows + blocks.positions + (rows + 1 + blocks.positions) * columns + staged + 64;
    e.emit(
      "convolveWeightGradient",
      weight,
      bias,
      x,
      g,
      e.scratch(scratch),
      first,
      end,
      ...blocks.words,
      ...[group, endGroup, channels, from, to, out],
      ...[positions, groups * out * positions, blocks.positions],
      ...places,
      taps.length,
      ...taps.map((tap) => blocks.place(tap)),
    );
  };
  const [allBlocks, allGroups, allChannels] = [
    [0, blocks.blocks],
    [0, groups],
    [0, channels],
  ] as const;
  const sums = groups * out * channels * taps.length;
  const slices = Math.min(8, Math.floor((channels * taps.length) / fewestSums), channels);
  if (groups >= 4 && groups >= blocks.blocks)
    cut(e, c, groups, (...range) => emit(toWeight, toBias, allBlocks, range, allChannels));
  else if (blocks.blocks >= 2 && (sums <= mostSums || slices < 2)) {
    const outs = groups * out;
    const step = Math.ceil((sums + outs) / 16) * 16;
    const parts = Math.max(1, Math.min(8, blocks.blocks, Math.floor(workOf(c) / 500_000)));
    if (parts === 1) return emit(toWeight, toBias, allBlocks, allGroups, allChannels);
    const shares = e.shared(parts * step);
    const at = (i: number): number => Math.floor((i * blocks.blocks) / parts);
    e.fork(parts, (i) => {
      const to = shares + 4 * i * step;
      emit(to, toBias === 0 ? 0 : to + 4 * sums, [at(i), at(i + 1)], allGroups, allChannels);
    });
    splitRange(e, sums, parts, 16, (from, count) =>
      e.emit("sumColumns", toWeight + 4 * from, shares + 4 * from, parts, count, step),
    );
    if (toBias !== 0) e.emit("sumColumns", toBias, shares + 4 * sums, parts, outs, step);
  } else if (slices < 2) emit(toWeight, toBias, allBlocks, allGroups, allChannels);
  else
    cut(e, c, slices, (i, end) =>
      emit(toWeight, i === 0 ? toBias : 0, allBlocks, allGroups, [
        Math.floor((i * channels) / slices),
        Math.floor((end * channels) / slices),
      ]),
    );
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
  unusedInputs: [4],
  emit(e, [g, x, weight, bias], [toX, toWeight, toBias], attributes) {
    const c = convolutionOf(x!, weight!, g!, attributes);
    if (toX !== undefined && sizeOf(toX.shape) > 0) inputGradient(e, c, toX, weight!.address, g!.address);
    const biasGradient = bias === undefined ? undefined : toBias;
    if (toWeight === undefined && biasGradient === undefined) return;
    const words = sizeOf(weight!.shape);
    if (c.images === 0) {
      if (toWeight !== undefined) e.emit("fill", toWeight.address, words, 0);
      if (biasGradient !== undefined) e.emit("fill", biasGradient.address, sizeOf(biasGradient.shape), 0);
    } else if (toWeight === undefined) {
      // The bias alone: Σ over positions, then over images.
      const channels = c.groups * c.out;
      const sums = e.scratch(c.images * channels);
      e.emit("reduce", kinds.reduction.sum, sums, g!.address, c.images * channels, sizeOf(c.counts), 1);
      e.emit("reduce", kinds.reduction.sum, biasGradient!.address, sums, 1, c.images, channels);
    } else if (c.groups * c.out > 0) weightGradient(e, c, toWeight.address, biasGradient?.address ?? 0, x!.address, g!.address);
  },
};

export const convolutions: readonly (readonly [string, Lowering])[] = Object.entries({
  convolution,
  convolutionGradient,
  convolutionTranspose,
});
