/** Padding: constant, reflection, replication and circular. */
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkList } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { formatShape, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { broadcastTo } from "./shape.js";
import { concat } from "./concat.js";
import { flip, padTensor, sliceAxis } from "./slice.js";

/**
 * The values of the padding: a number; the tensor mirrored at its edge, which is not repeated (2 1 | 0 1 2); its edge (0 0 | 0 1 2); its
 * other end (1 2 | 0 1 2).
 */
export type PaddingMode = "constant" | "reflect" | "replicate" | "circular";

/** The options of `pad`. */
export interface PadOptions {
  /** Default "constant". */
  readonly mode?: PaddingMode;
  /** Of constant padding. Default 0. */
  readonly value?: number;
}

/**
 * The tensor with `widths[i]` = [before, after] more elements along axis i; a negative width takes away.
 *
 * @param options the mode, or the number of constant padding (default 0)
 * @throws ErmineError ERMINE_SHAPE where a reflection is not shorter than its axis, or a circle longer
 * @example
 * pad(tensor([1, 2]), [[1, 2]]); // => [0, 1, 2, 0, 0]
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [number, number])[],
  options: number | PadOptions = {},
): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("pad", arguments, 3);
  checkTensor("pad", x);
  if (typeof options !== "number") checkOptions("pad", options, { mode: "string", value: "number" }, "x, widths");
  const { mode = "constant", value = 0 }: PadOptions = typeof options === "number" ? { value: options } : options;
  if (!Array.isArray(widths)) checkList("pad", arguments, 1, 3);
  const fits = widths.length === x.rank && widths.every((pair) => pair.length === 2 && pair.every(Number.isInteger));
  if (!fits) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `pad needs [before, after], whole numbers, for each axis of ${formatShape(x.shape)}, got ${show(widths)}.`,
    );
  }
  widths.forEach(([before, after], axis) => checkRoom(x, axis, before, after, mode));
  const more = widths.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)] as const);
  const padded = mode === "constant" ? constant(x, more, value) : more.reduce(alongAxis(mode), x);
  return widths.reduce((rest: Tensor, [before, after], axis) => {
    if (before >= 0 && after >= 0) return rest;
    const size = rest.shape[axis] as number;
    return sliceAxis(rest, axis, Math.max(-before, 0), size + Math.min(before, 0) + Math.min(after, 0));
  }, padded);
}

const constant = (x: Tensor, widths: readonly (readonly [number, number])[], value: number): Tensor =>
  padTensor(
    x,
    widths.map(([before]) => before),
    widths.map(([, after]) => after),
    value,
  );

const alongAxis =
  (mode: Exclude<PaddingMode, "constant">) =>
  (x: Tensor, [before, after]: readonly [number, number], axis: number): Tensor => {
    if (before === 0 && after === 0) return x;
    const size = x.shape[axis] as number;
    const edge = (at: number, count: number): Tensor =>
      broadcastTo(
        sliceAxis(x, axis, at, 1),
        x.shape.map((full, i): Size => (i === axis ? count : full)),
      );
    const pieces: Readonly<Record<typeof mode, () => readonly Tensor[]>> = {
      reflect: () => [flip(sliceAxis(x, axis, 1, before), axis), x, flip(sliceAxis(x, axis, size - 1 - after, after), axis)],
      replicate: () => [edge(0, before), x, edge(size - 1, after)],
      circular: () => [sliceAxis(x, axis, size - before, before), x, sliceAxis(x, axis, 0, after)],
    };
    const make = pieces[mode];
    const [left, center, right] = make();
    return concat([...(before > 0 ? [left!] : []), center!, ...(after > 0 ? [right!] : [])], axis);
  };

function checkRoom(x: Tensor, axis: number, before: number, after: number, mode: PaddingMode): void {
  const size = x.shape[axis]!;
  if (!["constant", "reflect", "replicate", "circular"].includes(mode)) {
    throw new ErmineError("ERMINE_OPTION", `pad: mode is constant, reflect, replicate or circular, got ${show(mode)}.`);
  }
  if (before === 0 && after === 0) return;
  const place = `axis ${axis} of ${formatShape(x.shape)}`;
  if (typeof size !== "number") {
    if (mode === "constant" && before >= 0 && after >= 0) return;
    throw new ErmineError("ERMINE_SHAPE", `pad: the size of ${place} is not known.`);
  }
  if (size + before + after < 0 || Math.min(before, after) < -size) {
    throw new ErmineError("ERMINE_SHAPE", `pad: [${before}, ${after}] takes more from ${place} than there is.`);
  }
  const most = { constant: Infinity, reflect: size - 1, replicate: size === 0 ? 0 : Infinity, circular: size }[mode];
  if (Math.max(before, after) > most) {
    throw new ErmineError("ERMINE_SHAPE", `pad: ${mode} can add up to ${most} on a side of ${place}, got [${before}, ${after}].`);
  }
}
