/** Convolutions whose groups have one channel on both sides: words of assembly/depthwise.ts. */
import type { Emitter } from "../emitter.js";
import { contiguous, sizeOf } from "./operand.js";
import { cut, type Axes, type Convolution, type Pass, type Tap } from "./convolutionPass.js";

export const isDepthwise = ({ groups, channels, out }: Convolution): boolean => groups > 1 && channels === 1 && out === 1;

/** Positions that are worth going through a channel's taps once: small images are staged together. */
const worthwhile = 256;

const dot = (a: Axes, b: Axes): number => a.reduce((sum, n, i) => sum + n * b[i]!, 0);

interface Staged extends Pick<Pass, "size" | "stride" | "before" | "after" | "counts" | "sizeOut" | "every"> {
  readonly phases: readonly [number, number];
  readonly taps: readonly Tap[];
}

/** The leading words of all of the instructions, and the taps. */
function layout(c: Convolution, s: Staged): { words: number[]; block: number; words4: number; place(tap: Tap): number } {
  const { size, stride, before, after, counts, taps, sizeOut } = s;
  const remainders = [...new Map(taps.map(({ remainder }) => [remainder.join(), remainder])).values()];
  const block = Math.max(1, Math.min(c.images, Math.round(worthwhile / sizeOf(counts))));
  const rows = size.map((n, i) => Math.max(Math.ceil((n + Math.max(before[i]!, after[i]!)) / stride[i]!), counts[i]!));
  const steps = contiguous(rows);
  const reach = Math.max(0, ...taps.map(({ from }) => dot(from, steps)));
  const plane = Math.ceil((block * sizeOf(rows) + reach + 16) / 16) * 16;
  return {
    words: [
      ...[size, stride, before, rows, counts].flat(),
      ...[block, c.images, remainders.length, 4 * plane],
      ...[c.groups * sizeOf(size), c.groups * sizeOf(sizeOut)],
      ...sizeOut,
      ...s.every,
      ...s.phases,
      ...remainders.flat(),
    ],
    block,
    words4: remainders.length * plane,
    place: ({ remainder, from }) =>
      4 * (remainders.findIndex((r) => r.every((n, i) => n === remainder[i])) * plane + dot(from, steps)),
  };
}

/** Emits a pass, from x to y or back. */
export function depthwise(e: Emitter, c: Convolution, p: Pass): void {
  const taps = p.phases.flatMap((phase) => phase.taps);
  const s = layout(c, { ...p, taps, phases: [p.phases.length, Math.min(p.every[2]!, p.sizeOut[2]!)] });
  const blocks = Math.ceil(c.images / s.block);
  const positions = s.block * p.counts[0]! * p.counts[1]! * Math.max(4, p.counts[2]!);
  const scratch = 2 * positions + p.phases.length * positions + s.words4 + 32;
  const emit = (from: number, to: number, first: number, end: number): void =>
    e.emit(
      "depthwise",
      p.y,
      p.x,
      p.weight,
      p.bias,
      e.scratch(scratch),
      ...[from, to, first, end, sizeOf(c.kernel)],
      ...s.words,
      ...p.phases.flatMap((phase) => [
        phase.taps.length,
        ...phase.first,
        ...phase.counts,
        ...phase.taps.flatMap((tap) => [s.place(tap), 4 * tap.index]),
      ]),
    );
  if (c.groups >= 8 || c.groups >= blocks) cut(e, c, c.groups, (from, to) => emit(from, to, 0, blocks));
  else cut(e, c, blocks, (first, end) => emit(0, c.groups, first, end));
}

/** Emits the gradients of weight and bias. */
export function depthwiseWeight(
  e: Emitter,
  c: Convolution,
  taps: readonly Tap[],
  toWeight: number,
  toBias: number,
  x: number,
  g: number,
): void {
  const s = layout(c, { ...c, taps, sizeOut: c.counts, every: [1, 1, 1], phases: [1, 1] });
  const scratch = 9 * (taps.length + 4) + 8 + 2 * s.block * sizeOf(c.counts) + s.words4 + 32;
  cut(e, c, c.groups, (from, to) =>
    e.emit(
      "depthwiseWeightGradient",
      toWeight,
      toBias,
      x,
      g,
      e.scratch(scratch),
      from,
      to,
      ...s.words,
      taps.length,
      ...taps.map((tap) => s.place(tap)),
    ),
  );
}
