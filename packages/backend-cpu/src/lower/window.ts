/** Sliding windows cut out side by side, and added back. */
import type { TensorType } from "@ermine/core/backend";
import { float } from "../emitter.js";
import { sizeOf, type Lowering } from "./operand.js";
import { splitRange } from "./split.js";

export type Geometry = Record<"stride" | "padBefore" | "padAfter" | "dilation", number[]> & { groups: number };

/** Kernels have up to three spatial axes. */
export const upToThreeAxes = ([x]: readonly (TensorType | undefined)[]): boolean => x !== undefined && x.shape.length <= 5;

/** Up to three spatial axes as depth, height, width. */
export const three = (list: readonly number[], fill: number): number[] => [
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

/** Bytes of one plane. */
const planeBytes = (sizes: readonly number[]): number => 4 * sizeOf(sizes);

const unfold: Lowering = {
  dtypes: ["float32"],
  supports: upToThreeAxes,
  emit(e, [x], [y], attributes) {
    const a = attributes as unknown as Geometry & { kernel: number[]; padValue: number };
    const size = x!.shape.slice(2);
    const words = windowWords(size, a.kernel, a, counts(size, a));
    const [from, to] = [planeBytes(size), planeBytes(y!.shape.slice(2))];
    splitRange(e, x!.shape[0]! * x!.shape[1]!, to / 4, 1, (first, planes) =>
      e.emit("unfold", y!.address + first * to, x!.address + first * from, planes, float(a.padValue), ...words),
    );
  },
};

const fold: Lowering = {
  dtypes: ["float32"],
  emit(e, [columnsIn], [y], attributes) {
    const a = attributes as unknown as Geometry & { kernel: number[]; outputSize: number[] };
    const words = windowWords(a.outputSize, a.kernel, a, counts(a.outputSize, a));
    const [from, to] = [planeBytes(columnsIn!.shape.slice(2)), planeBytes(a.outputSize)];
    splitRange(e, y!.shape[0]! * y!.shape[1]!, from / 4, 1, (first, planes) => {
      e.emit("fill", y!.address + first * to, (planes * to) / 4, 0);
      e.emit("fold", y!.address + first * to, columnsIn!.address + first * from, planes, ...words);
    });
  },
};

const counts = (size: readonly number[], a: Geometry & { kernel: number[] }): number[] =>
  size.map(
    (n, i) => Math.floor((n + a.padBefore[i]! + a.padAfter[i]! - a.dilation[i]! * (a.kernel[i]! - 1) - 1) / a.stride[i]!) + 1,
  );

export const windows: readonly (readonly [string, Lowering])[] = Object.entries({ unfold, fold });
