/** Operators over elements that the host knows: what graphs compute shapes with. Sizes that are open in a trace stay what they are. */
import { Dim, ErmineError, type DType, type Size } from "@ermine/core";
import { sameSize } from "@ermine/core/define";
import { countOf, type HostArray } from "./value.js";

/** More elements than a shape computation has: larger arrays become tensors. */
export const mostFolded = 65_536;

const strides = (shape: readonly number[]): readonly number[] => {
  const list = Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    list[i] = stride;
    stride *= shape[i]!;
  }
  return list;
};

/** For each position of `shape`, in order, its index along each axis. */
export function* positions(shape: readonly number[]): Generator<readonly number[]> {
  const count = countOf(shape);
  const index = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    yield index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** An array of another shape, each of whose elements stands in x at the position that `from` gives. */
export function picked(x: HostArray, shape: readonly number[], from: (index: readonly number[]) => readonly number[]): HostArray {
  const by = strides(x.shape);
  const elements = Array<Size>(countOf(shape));
  let i = 0;
  for (const index of positions(shape)) {
    let at = 0;
    from(index).forEach((position, axis) => (at += position * by[axis]!));
    elements[i++] = x.elements[at]!;
  }
  return { shape, dtype: x.dtype, elements };
}

/** NumPy's rule for shapes that are known. */
export function broadcastSizes(shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const length = shape[axis - rank + shape.length] ?? 1;
      if (length === 1) continue;
      if (size !== 1 && size !== length)
        throw new ErmineError(
          "ERMINE_SHAPE",
          `The shapes ${shapes.map((s) => `[${s.join(", ")}]`).join(" and ")} do not broadcast.`,
        );
      size = length;
    }
    return size;
  });
}

/** The array under a shape that it broadcasts to. */
export const expanded = (x: HostArray, shape: readonly number[]): HostArray =>
  picked(x, shape, (index) => x.shape.map((size, axis) => (size === 1 ? 0 : index[index.length - x.shape.length + axis]!)));

/** fn over the elements of arrays that broadcast. */
export function mapped(arrays: readonly HostArray[], dtype: DType, fn: (...elements: readonly Size[]) => Size): HostArray {
  const shape = broadcastSizes(arrays.map((array) => array.shape));
  const columns = arrays.map((array) =>
    array.shape.length === shape.length && array.shape.every((size, i) => size === shape[i]) ? array : expanded(array, shape),
  );
  return {
    shape,
    dtype,
    elements: Array.from({ length: countOf(shape) }, (_, i) => fn(...columns.map(({ elements }) => elements[i]!))),
  };
}

/** There is no answer before the open size is known. */
export class OpenSize extends ErmineError {
  constructor(what: string, sizes: readonly Size[]) {
    super(
      "ERMINE_UNSUPPORTED",
      `${what} depends on a size that is open here (${sizes.filter((size) => typeof size !== "number").join(", ")}). ` +
        "Run it with sizes that are known: compile without a symbolic batch, or save with batchAxis: null.",
    );
  }
}

/** Numbers alone. @throws OpenSize */
export const numeric =
  (what: string, fn: (...numbers: readonly number[]) => number) =>
  (...elements: readonly Size[]): Size => {
    if (elements.every((element) => typeof element === "number")) return fn(...(elements as readonly number[]));
    throw new OpenSize(what, elements);
  };

/** a / b of whole numbers, towards 0. @throws OpenSize where an open size is not a multiple */
export function dividedSize(a: Size, b: Size): Size {
  if (typeof a === "number" && typeof b === "number") {
    if (b === 0) throw new ErmineError("ERMINE_DATA", "An integer is divided by 0.");
    return Math.trunc(a / b);
  }
  if (sameSize(a, b)) return 1;
  if (typeof a === "number" || typeof b !== "number") throw new OpenSize("Div", [a, b]);
  const terms = new Map([...a.terms].map(([key, value]) => [key, value / b] as const));
  if ([...terms.values()].some((value) => !Number.isInteger(value))) throw new OpenSize("Div", [a, b]);
  return Dim.from(terms);
}

/** Are the two equal? An open size is a size: never below 0. @throws OpenSize */
export function equalSizes(a: Size, b: Size): number {
  if (typeof a === "number" && typeof b === "number") return Number(a === b);
  if (sameSize(a, b)) return 1;
  const other = typeof a === "number" ? a : b;
  if (typeof other === "number" && other < 0) return 0;
  // Two sizes of a trace that are not said to be the same are different ones, as everywhere in core.
  return 0;
}
