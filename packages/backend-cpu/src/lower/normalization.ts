/** Normalizations: those over the batch split over channels, those over groups of channels split over samples. */
import type { BatchNormAttributes, GroupNormAttributes } from "@ermine/core/backend";
import { float, type Emitter } from "../emitter.js";
import { sizeOf, type Lowering, type Operand } from "./operand.js";
import { inParts } from "./split.js";

type Given = readonly (Operand | undefined)[];

const address = (t: Operand | undefined): number => t?.address ?? 0;

/** [samples, channels, positions] */
const sizes = ({ shape }: Operand): readonly [number, number, number] => [shape[0]!, shape[1]!, sizeOf(shape.slice(2))];

/** Of an element, in multiply-adds: reading it twice and writing it once. */
const forwardCost = 6;
const backwardCost = 8;

/** The outputs of a gradient: of x, of the weight and of the bias where there are such. */
function gradientsOf(outputs: readonly Operand[], weight: Operand | undefined): readonly [Operand, ...(Operand | undefined)[]] {
  const [toX, ...rest] = outputs as [Operand, ...Operand[]];
  return weight === undefined ? [toX, undefined, rest[0]] : [toX, ...rest];
}

/** Neighbouring channels, four of which are one vector where each has one position. */
function eachChannels(e: Emitter, x: Operand, cost: number, part: (from: number, to: number) => void): void {
  const [samples, channels, spatial] = sizes(x);
  const unit = spatial === 1 ? 16 : 1;
  inParts(e, cost * samples * channels * spatial, Math.ceil(channels / unit), (from, to) =>
    part(from * unit, Math.min(channels, to * unit)),
  );
}

const batchNorm: Lowering = {
  dtypes: ["float32"],
  emit(e, [x, weight, bias]: Given, [y, center, spread], attributes) {
    const { eps } = attributes as BatchNormAttributes;
    eachChannels(e, x!, forwardCost, (from, to) => {
      const outputs = [y!.address, center!.address, spread!.address] as const;
      const inputs = [x!.address, address(weight), address(bias), e.scratch(to - from + 4)] as const;
      e.emit("batchNorm", ...outputs, ...inputs, from, to, ...sizes(x!), float(eps));
    });
  },
};

const batchNormGradient: Lowering = {
  dtypes: ["float32"],
  // The bias, and y.
  unusedInputs: [5, 6],
  emit(e, [g, gCenter, gSpread, x, weight, , , center, spread]: Given, outputs, attributes) {
    const { eps } = attributes as BatchNormAttributes;
    const [toX, toWeight, toBias] = gradientsOf(outputs, weight);
    eachChannels(e, x!, backwardCost, (from, to) => {
      const gradients = [
        toX.address,
        address(toWeight),
        address(toBias),
        g!.address,
        gCenter!.address,
        gSpread!.address,
      ] as const;
      const inputs = [x!.address, address(weight), center!.address, spread!.address, e.scratch(3 * (to - from + 4))] as const;
      e.emit("batchNormGradient", ...gradients, ...inputs, from, to, ...sizes(x!), float(eps));
    });
  },
};

const groupNorm: Lowering = {
  dtypes: ["float32"],
  emit(e, [x, weight, bias]: Given, [y, center, spread], attributes) {
    const { groups, eps, centered } = attributes as GroupNormAttributes;
    const [samples, channels, spatial] = sizes(x!);
    const sample = channels * spatial;
    inParts(e, forwardCost * samples * sample, samples, (from, to) => {
      const outputs = [y!.address + 4 * from * sample, ...[center!, spread!].map((t) => t.address + 4 * from * groups)];
      e.emit(
        "groupNorm",
        ...(outputs as [number, number, number]),
        x!.address + 4 * from * sample,
        address(weight),
        address(bias),
        to - from,
        groups,
        channels / groups,
        spatial,
        float(eps),
        Number(centered),
      );
    });
  },
};

/** Samples whose share of the weights' gradients is added up in float32. */
const blockOf = (samples: number): number => Math.max(1, Math.min(128, Math.ceil(samples / 16)));

const groupNormGradient: Lowering = {
  dtypes: ["float32"],
  // The bias, and y.
  unusedInputs: [5, 6],
  emit(e, [g, gCenter, gSpread, x, weight, , , center, spread]: Given, outputs, attributes) {
    const { groups, eps, centered } = attributes as GroupNormAttributes;
    const [samples, channels, spatial] = sizes(x!);
    const [toX, toWeight, toBias] = gradientsOf(outputs, weight);
    const sample = channels * spatial;
    const block = blockOf(samples);
    const blocks = Math.ceil(samples / block);
    const row = 2 * channels;
    const isSummed = toWeight !== undefined || toBias !== undefined;
    // Within a part the thread's own scratch does.
    const sums = !isSummed ? 0 : e.inPart ? e.scratch(blocks * row) : e.shared(blocks * row);
    inParts(e, backwardCost * samples * sample, blocks, (fromBlock, toBlock) => {
      const from = fromBlock * block;
      const count = Math.min(samples, toBlock * block) - from;
      const inX = (t: Operand): number => t.address + 4 * from * sample;
      const inStatistics = (t: Operand): number => t.address + 4 * from * groups;
      e.emit(
        "groupNormGradient",
        inX(toX),
        isSummed ? sums + 4 * fromBlock * row : 0,
        inX(g!),
        inStatistics(gCenter!),
        inStatistics(gSpread!),
        inX(x!),
        address(weight),
        inStatistics(center!),
        inStatistics(spread!),
        count,
        block,
        groups,
        channels / groups,
        spatial,
        float(eps),
        Number(centered),
      );
    });
    if (toWeight !== undefined) e.emit("sumColumns", toWeight.address, sums, blocks, channels, row);
    if (toBias !== undefined) e.emit("sumColumns", toBias.address, sums + 4 * channels, blocks, channels, row);
  },
};

export const normalizations: readonly (readonly [string, Lowering])[] = Object.entries({
  batchNorm,
  batchNormGradient,
  groupNorm,
  groupNormGradient,
});
