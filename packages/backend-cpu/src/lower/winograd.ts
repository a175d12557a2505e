/** Where a convolution goes through Winograd's F(2 × 2, 3 × 3), and how its tiles are cut. */
import type { Emitter } from "../emitter.js";
import { cut, type Axes, type Convolution, type Pass } from "./convolutionPass.js";
import { inParts } from "./split.js";

/** Tiles whose numbers stand beside each other, where a row has no more. */
const runOfTiles = 64;

const roundUp = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;

/** Tiles of 2 × 2 results, some rows of which are taken at once: a block. */
interface Tiles {
  readonly blocks: number;
  /** Words of scratch: rows of the image, and 16 places of its channels and of the weight's rows. */
  readonly scratch: number;
  /** Blocks [from, to), and all that is known: what instructions begin with. */
  words(from?: number, to?: number): number[];
}

function tilesOf(images: number, channels: number, out: number, size: Axes, counts: Axes, before: Axes): Tiles {
  const [down, across] = counts.slice(1).map((n) => Math.ceil(n / 2)) as [number, number];
  const units = images * down;
  const block = Math.floor(runOfTiles / across) || 1;
  const blocks = Math.ceil(units / block);
  const run = roundUp(block * across, 8);
  return {
    blocks,
    scratch: 16 * ((channels + out + 16) * run + 120) + 14 * across + 200,
    words: (from = 0, to = blocks) => [
      ...[from * block, Math.min(to * block, units), block, run, channels, out],
      ...[size, counts, before].flatMap((axes) => axes.slice(1)),
    ],
  };
}

/** Is it a 3 × 3 kernel in steps of 1, with as many channels as make up for the transformations? */
const isProfitable = (c: Convolution, counts: Axes): boolean =>
  [c.kernel, c.stride, c.dilation, c.size[0], c.counts[0], c.groups].join() === "1,3,3,1,1,1,1,1,1,1,1,1" &&
  Math.min(c.channels, c.out) >= 8 &&
  Math.min(counts[1]!, counts[2]!) > 1;

/** Emits the pass through Winograd's tiles where that is faster. */
export function winograd(e: Emitter, c: Convolution, p: Pass, channels: number, out: number): boolean {
  const { turned, counts } = p;
  if (!isProfitable(c, counts)) return false;
  const tiles = tilesOf(c.images, channels, out, p.size, counts, p.before);
  const panels = Math.ceil(out / 4);
  const elements = 64 * panels * channels;
  const transformed = e.shared(elements);
  inParts(e, 16 * elements, panels, (from, to) =>
    e.emit("winogradWeights", transformed, p.weight, e.scratch(96), from, to, out, channels, turned),
  );
  cut(e, c, tiles.blocks, (from, to) =>
    e.emit("winograd", p.y, p.x, transformed, p.weight, p.bias, e.scratch(tiles.scratch), ...tiles.words(from, to), turned),
  );
  return true;
}

/** Emits the gradients of weight and bias through Winograd's tiles where that is faster: sums of parts of the tiles, and what they make together. */
export function winogradWeight(e: Emitter, c: Convolution, toWeight: number, toBias: number, x: number, g: number): boolean {
  const { channels, out, counts } = c;
  // Each part has sums of its own.
  if (!isProfitable(c, counts) || channels * out > 2 ** 16) return false;
  const tiles = tilesOf(c.images, channels, out, c.size, counts, c.before);
  const panels = Math.ceil(out / 4);
  const step = panels * (64 * roundUp(channels, 8) + 4);
  const sums = e.shared(0);
  let parts = 0;
  cut(e, c, tiles.blocks, (from, to) =>
    e.emit("winogradWeightGradient", sums + 4 * step * parts++, x, g, e.scratch(tiles.scratch), ...tiles.words(from, to)),
  );
  e.shared(parts * step);
  inParts(e, 8 * parts * step, panels, (from, to) =>
    e.emit("winogradWeightFinish", toWeight, toBias, sums, x, g, e.scratch(160), ...tiles.words(), parts, 4 * step, from, to),
  );
  return true;
}
