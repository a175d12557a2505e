/** How a convolution goes through images, block by block: what assembly/stage.ts lays out at once. */
import { contiguous, sizeOf } from "./operand.js";
import { type Axes, type Tap } from "./convolutionPass.js";

/** Images whose windows are at `counts` positions. */
export interface Windows {
  readonly images: number;
  /** Channels that are staged together. */
  readonly channels: number;
  readonly size: Axes;
  readonly stride: Axes;
  /** Zeros before the first element, or less than 0 where the first are left out; and after the last. */
  readonly before: Axes;
  readonly after: Axes;
  readonly counts: Axes;
  readonly taps: readonly Tap[];
  /** Elements from channel to channel and from image to image. */
  readonly channel: number;
  readonly image: number;
}

export interface Blocking {
  /** The leading words of the instructions. */
  readonly words: readonly number[];
  readonly blocks: number;
  /** At most, of a block: positions, and places from the first to the last of them. */
  readonly positions: number;
  readonly run: number;
  /** Elements of all staged planes. */
  readonly staged: number;
  /** Where a tap is in the staged planes of the first channel, in bytes. */
  place(tap: Tap): number;
}

/** Positions of a block: as many as keep the staged planes in a core's second cache, within these; fewer where there would be less than some blocks. */
const stagedElements = 2 ** 17;
const [fewest, most] = [192, 512];
const [fewestOfFew, someBlocks] = [96, 8];

const dot = (a: Axes, b: Axes): number => a.reduce((sum, n, i) => sum + n * b[i]!, 0);

/** An odd number of cache lines: planes next to each other do not evict each other. */
const oddLines = (elements: number): number => (Math.ceil(elements / 16) | 1) * 16;

export function blocking(w: Windows): Blocking {
  const { images, size, stride, before, after, counts, taps } = w;
  const remainders = [...new Map(taps.map(({ remainder }) => [remainder.join(), remainder])).values()];
  const planes = Math.max(1, remainders.length);
  const fits = Math.min(most, Math.max(fewest, stagedElements / Math.max(1, w.channels * planes)));
  const blockCount = Math.min(fits, Math.max(fewestOfFew, (images * sizeOf(counts)) / someBlocks));
  const axis = Math.max(
    0,
    counts.findIndex((n, i) => n > 1 || i === 2),
  );
  const each = sizeOf(counts);
  const unit = each / counts[axis]!;
  const cuts = each < 1.5 * blockCount ? 1 : Math.ceil(counts[axis]! / Math.max(1, Math.round(blockCount / unit)));
  const length = Math.ceil(counts[axis]! / cuts);
  const atOnce = cuts > 1 ? 1 : Math.max(1, Math.min(images, Math.round(blockCount / each)));
  // Rows as near to each other as zeros allow: the padding after one is that before the next.
  const rows = size.map((n, i) =>
    cuts > 1 && i === axis
      ? length + Math.max(0, ...taps.map(({ from }) => from[i]!))
      : Math.max(Math.ceil((n + Math.max(before[i]!, after[i]!)) / stride[i]!), counts[i]!),
  );
  const steps = contiguous(rows);
  const here = counts.map((n, i) => (i === axis ? length : n));
  const run = (((atOnce - 1) * rows[0]! + here[0]! - 1) * rows[1]! + here[1]! - 1) * rows[2]! + here[2]!;
  const reach = Math.max(0, ...taps.map(({ from }) => dot(from, steps)));
  // Elements over the last position's vector are read, and dropped.
  const plane = oddLines(atOnce * sizeOf(rows) + reach + 40);
  const cutsOfAll = Math.ceil(counts[axis]! / length);
  return {
    words: [
      ...[size, stride, before, rows, counts].flat(),
      ...[atOnce, axis, length, cutsOfAll, images, planes, 4 * plane, w.channel, w.image],
      ...(remainders.length === 0 ? [0, 0, 0] : remainders.flat()),
    ],
    blocks: Math.ceil(images / atOnce) * cutsOfAll,
    positions: atOnce * sizeOf(here),
    run,
    staged: w.channels * planes * plane,
    place: ({ remainder, from }) =>
      4 * (remainders.findIndex((r) => r.every((n, i) => n === remainder[i])) * plane + dot(from, steps)),
  };
}
