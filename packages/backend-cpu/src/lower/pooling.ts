/** Pooling, forward and backward, split over planes. */
import type { Emitter } from "../emitter.js";
import { sizeOf, type Lowering, type Operand } from "./operand.js";
import { inParts } from "./split.js";
import { upToThreeAxes, windowWords } from "./window.js";

type Window = Record<"kernel" | "stride" | "padBefore", number[]> & { dilation?: number[]; countIncludePad?: boolean };

/** `x` and `y` are the operands with the sizes before and after pooling. */
function eachPart(
  e: Emitter,
  x: Operand,
  y: Operand,
  attributes: unknown,
  part: (planes: number, at: (t: Operand) => number, words: readonly number[]) => void,
): void {
  const { kernel, stride, padBefore, dilation = kernel.map(() => 1) } = attributes as Window;
  const [size, counts] = [x.shape.slice(2), y.shape.slice(2)];
  const planes = x.shape[0]! * x.shape[1]!;
  const words = windowWords(size, kernel, { stride, padBefore, dilation }, counts);
  // Comparing and moving costs several times a multiply-add.
  const total = 4 * planes * Math.max(sizeOf(size), sizeOf(counts) * sizeOf(kernel));
  inParts(e, total, planes, (from, to) => {
    part(to - from, (t) => t.address + 4 * from * sizeOf(t.shape.slice(2)), words);
  });
}

const maxPool: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  emit: (e, [x], [y], attributes) =>
    eachPart(e, x!, y!, attributes, (planes, at, words) => e.emit("maxPool", at(y!), at(x!), planes, ...words)),
};

const maxPoolGradient: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  emit: (e, [g, x, y], [d], attributes) =>
    eachPart(e, x!, g!, attributes, (planes, at, words) =>
      e.emit("maxPoolGradient", at(d!), at(g!), at(x!), at(y!), planes, ...words),
    ),
};

const meanOptions = ["kernel", "stride", "padBefore", "padAfter", "countIncludePad"];

const supportsMean: Lowering["supports"] = (inputs, attributes) =>
  upToThreeAxes(inputs) && Object.keys(attributes).every((name) => meanOptions.includes(name));

/** Are means over what lies inside, or over all taps? */
const inside = (attributes: unknown): number => ((attributes as Window).countIncludePad === true ? 0 : 1);

const avgPool: Lowering = {
  dtypes: ["float32"],
  supports: supportsMean,
  emit: (e, [x], [y], attributes) =>
    eachPart(e, x!, y!, attributes, (planes, at, words) =>
      e.emit("avgPool", at(y!), at(x!), planes, inside(attributes), ...words),
    ),
};

const rowOf = ({ shape }: Operand): number => shape.at(-1)!;

const avgPoolGradient: Lowering = {
  dtypes: ["float32"],
  supports: supportsMean,
  emit: (e, [g, x], [d], attributes) =>
    eachPart(e, x!, g!, attributes, (planes, at, words) =>
      e.emit("avgPoolGradient", at(d!), at(g!), planes, inside(attributes), e.scratch(rowOf(x!) + rowOf(g!) + 8), ...words),
    ),
};

export const pools: readonly (readonly [string, Lowering])[] = Object.entries({
  maxPool,
  maxPoolGradient,
  avgPool,
  avgPoolGradient,
});
