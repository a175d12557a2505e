/** Operators that move and repeat elements. */
import {
  broadcastTo,
  cast,
  concat,
  Dim,
  ErmineError,
  pad,
  permute,
  reshape,
  slice,
  split,
  tile,
  type Shape,
  type Size,
} from "@ermine/core";
import { addSizes, apply1, broadcastShapes, mulSizes, sameSize, sizeOf, subSizes } from "@ermine/core/define";
import { sliceOp } from "@ermine/core/backend";
import { dividedSize, expanded, mostFolded, picked } from "../host.js";
import { countOf, type HostArray } from "../value.js";
import { normalizedAxes, normalizedAxis } from "./axes.js";
import type { Call, Entries, Operator } from "./operator.js";

const isOpen = (size: Size): size is Dim => typeof size !== "number";
const withShape = (x: HostArray, shape: readonly Size[]): HostArray => ({ ...x, shape: shape as readonly number[] });

/** A shape with 0 and −1 filled in. */
function reshaped(given: readonly Size[], shape: Shape, allowZero: boolean): Shape {
  const sizes = given.map((size, i) => (size === 0 && !allowZero ? (shape[i] ?? 0) : size));
  const open = sizes.indexOf(-1);
  if (open < 0) return sizes;
  const rest = sizeOf(sizes.filter((_, i) => i !== open));
  const total = sizeOf(shape);
  if (rest === 0) return sizes.map((size, i) => (i === open ? 0 : size));
  return isOpen(rest) || isOpen(total) ? sizes : sizes.map((size, i) => (i === open ? dividedSize(total, rest) : size));
}

/** An operator that only gives x another shape. */
const reshaping = (shapeOf: (call: Call, shape: Shape) => Shape, statics: readonly number[] = []): Operator => ({
  run: (call) => reshape(call.tensor(0), shapeOf(call, call.value(0).shape)),
  fold(call, [x]) {
    const shape = shapeOf(call, x!.shape);
    return shape.some((size) => isOpen(size) || size < 0) ? undefined : withShape(x!, shape);
  },
  statics,
});

const flattened: Operator = reshaping((call, shape) => {
  const given = call.attributes.int("axis", 1);
  const axis = given === shape.length ? given : normalizedAxis(given, Math.max(shape.length, 1));
  return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
});

const squeezed: Operator = reshaping(
  (call, shape) => {
    const given = call.ints("axes", 1);
    const axes =
      given === undefined ? shape.flatMap((size, i) => (sameSize(size, 1) ? [i] : [])) : normalizedAxes(given, shape.length);
    const wrong = axes.find((axis) => !sameSize(shape[axis]!, 1));
    if (wrong !== undefined)
      throw new ErmineError(
        "ERMINE_SHAPE",
        `The axis ${wrong} of [${shape.join(", ")}] is not of size 1, and is to be taken away.`,
      );
    return shape.filter((_, i) => !axes.includes(i));
  },
  [1],
);

const unsqueezed: Operator = reshaping(
  (call, shape) => {
    const given = call.ints("axes", 1) ?? [];
    const rank = shape.length + given.length;
    const axes = normalizedAxes(given, rank);
    if (new Set(axes).size !== axes.length) throw new ErmineError("ERMINE_DATA", `It names an axis twice: ${given.join(", ")}.`);
    let next = 0;
    return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : shape[next++]!));
  },
  [1],
);

const transposed: Operator = {
  run(call) {
    const x = call.tensor(0);
    return permute(x, call.attributes.ints("perm", undefined) ?? x.shape.map((_, i) => x.rank - 1 - i));
  },
  fold(call, [x]) {
    if (countOf(x!.shape) > mostFolded) return undefined;
    const order = call.attributes.ints("perm", undefined) ?? x!.shape.map((_, i) => x!.shape.length - 1 - i);
    if (order.length !== x!.shape.length) return undefined;
    const inverse = order.map((_, axis) => order.indexOf(axis));
    return picked(
      x!,
      order.map((axis) => x!.shape[axis]!),
      (index) => inverse.map((at) => index[at]!),
    );
  },
};

const expand: Operator = {
  run(call) {
    const x = call.tensor(0);
    const shape = broadcastShapes("Expand", x.shape, call.sizes(1));
    call.checkSize(shape);
    return broadcastTo(x, shape);
  },
  fold(call, [x, sizes]) {
    const given = Array.from(sizes!.elements);
    if (given.some(isOpen)) return undefined;
    const shape = broadcastShapes("Expand", x!.shape, given as number[]) as readonly number[];
    return countOf(shape) > mostFolded ? undefined : expanded(x!, shape);
  },
  statics: [1],
};

const tiled: Operator = {
  run(call) {
    const counts = call.numbers(1);
    const x = call.tensor(0);
    call.checkSize(x.shape.map((size, i) => mulSizes(size, counts[i] ?? 1)));
    return tile(x, counts);
  },
  fold(call, [x]) {
    const counts = call.numbers(1);
    const shape = x!.shape.map((size, i) => size * (counts[i] ?? 1));
    if (countOf(shape) > mostFolded) return undefined;
    return picked(x!, shape, (index) => index.map((at, axis) => at % x!.shape[axis]!));
  },
  statics: [1],
};

const joined: Operator = {
  run(call) {
    const tensors = call.tensors();
    return concat(tensors, normalizedAxis(call.attributes.int("axis", 1), tensors[0]!.rank));
  },
  fold(call, inputs) {
    const arrays = inputs as readonly HostArray[];
    const first = arrays[0]!;
    const axis = normalizedAxis(call.attributes.int("axis", 1), first.shape.length);
    const total = arrays.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = first.shape.map((size, i) => (i === axis ? total : size));
    if (countOf(shape) > mostFolded) return undefined;
    const inner = countOf(first.shape.slice(axis + 1));
    const elements: Size[] = [];
    for (let outer = 0; outer < countOf(first.shape.slice(0, axis)); outer++) {
      for (const array of arrays) {
        const length = array.shape[axis]! * inner;
        for (let i = 0; i < length; i++) elements.push(array.elements[outer * length + i]!);
      }
    }
    return { shape, dtype: first.dtype, elements };
  },
};

/** The sizes of the pieces. */
function pieces(call: Call, total: Size): readonly number[] {
  const given = call.ints("split", 1);
  if (given !== undefined) return given;
  const count = call.attributes.int("num_outputs", undefined) ?? call.outputs;
  if (isOpen(total)) throw new ErmineError("ERMINE_SHAPE", `An axis of open size (${total}) cannot be split.`);
  const size = Math.ceil(total / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, total - i * size)));
}

const parts: Operator = {
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.attributes.int("axis", 0), x.rank);
    const sizes = pieces(call, x.shape[axis]!);
    if (sizes.length !== 1) return split(x, sizes, axis);
    return [x];
  },
  fold(call, [x]) {
    if (countOf(x!.shape) > mostFolded) return undefined;
    const axis = normalizedAxis(call.attributes.int("axis", 0), x!.shape.length);
    let start = 0;
    return pieces(call, x!.shape[axis]!).map((size) => {
      const from = start;
      start += size;
      return picked(
        x!,
        x!.shape.map((own, i) => (i === axis ? size : own)),
        (index) => index.map((at, i) => (i === axis ? at + from : at)),
      );
    });
  },
  statics: [1],
};

interface Cut {
  readonly starts: readonly Size[];
  readonly steps: readonly number[];
  readonly sizes: readonly Size[];
}

/** Where a slice starts and how much it takes, of each axis. Bounds beyond an axis end at it. */
function cutOf(call: Call, shape: Shape): Cut {
  const starts = call.has(1) ? call.sizes(1) : (call.attributes.ints("starts", undefined) ?? []);
  const ends = call.has(2) ? call.sizes(2) : (call.attributes.ints("ends", undefined) ?? []);
  const axes = normalizedAxes(call.ints("axes", 3) ?? starts.map((_, i) => i), shape.length);
  const steps = call.has(4) ? call.numbers(4) : starts.map(() => 1);
  const cut = { starts: shape.map((): Size => 0), steps: shape.map(() => 1), sizes: [...shape] };
  axes.forEach((axis, i) => {
    const along = bounds(starts[i]!, ends[i]!, steps[i]!, shape[axis]!);
    [cut.starts[axis], cut.sizes[axis], cut.steps[axis]] = [along.start, along.size, steps[i]!];
  });
  return cut;
}

/** One axis of a slice. */
function bounds(start: Size, end: Size, step: number, size: Size): { readonly start: Size; readonly size: Size } {
  if (step === 0) throw new ErmineError("ERMINE_DATA", "The step of a slice is 0.");
  if (![start, end, size].some(isOpen)) {
    const [from, to, length] = [start, end, size] as readonly number[] as [number, number, number];
    const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
    const within = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, low), high);
    const first = Math.min(Math.max(from < 0 ? from + length : from, 0), step > 0 ? length : length - 1);
    return { start: first, size: Math.max(0, Math.ceil((within(to) - first) / step)) };
  }
  // Of an open size what is asked for is taken to be there, as everywhere in a trace.
  const placed = (at: Size): Size => (typeof at !== "number" ? at : at < 0 ? addSizes(size, at) : at >= 2 ** 31 - 1 ? size : at);
  const [first, last] = [step < 0 && start === 2 ** 31 - 1 ? subSizes(size, 1) : placed(start), placed(end)];
  if (step === 1) return { start: first, size: subSizes(last, first) };
  if (step === -1 && typeof end === "number" && end < -(2 ** 31) + 2) return { start: subSizes(size, 1), size };
  const span = subSizes(last, first);
  return { start: first, size: typeof span === "number" ? Math.max(0, Math.ceil(span / step)) : dividedSize(span, step) };
}

const sliced: Operator = {
  run(call) {
    const x = call.tensor(0);
    const { starts, steps, sizes } = cutOf(call, x.shape);
    // An empty cut may start at the end, where no element is.
    const from = starts.map((start, axis) => (sizes[axis] === 0 ? 0 : start));
    return steps.every((step) => step === 1) ? slice(x, from, sizes) : apply1(sliceOp, [x], { starts: from, steps, sizes });
  },
  fold(call, [x]) {
    const { starts, steps, sizes } = cutOf(call, x!.shape);
    if ([...starts, ...sizes].some(isOpen) || countOf(sizes as readonly number[]) > mostFolded) return undefined;
    return picked(x!, sizes as readonly number[], (index) =>
      index.map((at, axis) => (starts[axis] as number) + at * steps[axis]!),
    );
  },
  statics: [1, 2, 3, 4],
};

/** [before …, after …] of the padded axes as a pair for each axis. */
function paddingOf(call: Call, rank: number): readonly (readonly [number, number])[] {
  const given = call.ints("pads", 1) ?? [];
  const axes = normalizedAxes(call.has(3) ? call.numbers(3) : undefined, rank);
  if (given.length !== 2 * axes.length)
    throw new ErmineError("ERMINE_DATA", `Its padding has 2 numbers for each of ${axes.length} axes, got ${given.length}.`);
  const widths = Array.from({ length: rank }, () => [0, 0] as [number, number]);
  axes.forEach((axis, i) => (widths[axis] = [given[i]!, given[axes.length + i]!]));
  return widths;
}

const paddingModes = { constant: "constant", reflect: "reflect", edge: "replicate", wrap: "circular" } as const;

const padded: Operator = {
  run(call) {
    const x = call.tensor(0);
    const mode = call.attributes.string("mode", "constant");
    if (!Object.hasOwn(paddingModes, mode)) throw new ErmineError("ERMINE_DATA", `Its mode is ${JSON.stringify(mode)}.`);
    const value = call.inputs[2] === undefined ? call.attributes.float("value", 0) : call.number(2);
    const widths = paddingOf(call, x.rank);
    call.checkSize(x.shape.map((size, i) => addSizes(size, Math.max(0, widths[i]![0]) + Math.max(0, widths[i]![1]))));
    if (x.dtype === "bool") return cast(pad(cast(x, "int32"), widths, { mode: paddingModes[mode as "wrap"], value }), "bool");
    return pad(x, widths, { mode: paddingModes[mode as "wrap"], value });
  },
  statics: [1, 2, 3],
};

/** Blocks of channels into space, and back. */
const depthToSpace: Operator = {
  run(call) {
    const x = call.tensor(0);
    const block = call.attributes.int("blocksize", 1);
    const [batch, channels, height, width] = x.shape as [Size, number, Size, Size];
    const depth = channels / (block * block);
    const isColumnRow = call.attributes.string("mode", "DCR") === "CRD";
    const split6 = reshape(
      x,
      isColumnRow ? [batch, depth, block, block, height, width] : [batch, block, block, depth, height, width],
    );
    const moved = permute(split6, isColumnRow ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
    return reshape(moved, [batch, depth, mulSizes(height, block), mulSizes(width, block)]);
  },
};

const spaceToDepth: Operator = {
  run(call) {
    const x = call.tensor(0);
    const block = call.attributes.int("blocksize", 1);
    const [batch, channels, height, width] = x.shape as [Size, number, Size, Size];
    const [rows, columns] = [dividedSize(height, block), dividedSize(width, block)];
    const split6 = reshape(x, [batch, channels, rows, block, columns, block]);
    return reshape(permute(split6, [0, 3, 5, 1, 2, 4]), [batch, channels * block * block, rows, columns]);
  },
};

/** What stands at the middle of each axis, cut or padded to a size. */
const centerCropPad: Operator = {
  run(call) {
    let x = call.tensor(0);
    const target = call.numbers(1);
    const axes = normalizedAxes(call.attributes.ints("axes", undefined), x.rank);
    const shape = x.shape as readonly number[];
    const sizes = shape.map((size, axis) => (axes.includes(axis) ? target[axes.indexOf(axis)]! : size));
    call.checkSize(sizes);
    const starts = shape.map((size, axis) => Math.max(0, Math.floor((size - sizes[axis]!) / 2)));
    x = slice(
      x,
      starts,
      shape.map((size, axis) => Math.min(size, sizes[axis]!)),
    );
    return pad(
      x,
      (x.shape as readonly number[]).map((size, axis) => {
        const before = Math.floor((sizes[axis]! - size) / 2);
        return [before, sizes[axis]! - size - before] as const;
      }),
    );
  },
  statics: [1],
};

export const movement: Entries = [
  [
    "Reshape",
    reshaping(
      (call, shape) =>
        reshaped(
          call.has(1) ? call.sizes(1) : (call.attributes.ints("shape", undefined) ?? []),
          shape,
          call.attributes.flag("allowzero"),
        ),
      [1],
    ),
  ],
  ["Flatten", flattened],
  ["Squeeze", squeezed],
  ["Unsqueeze", unsqueezed],
  ["Transpose", transposed],
  ["Expand", expand],
  ["Tile", tiled],
  ["Concat", joined],
  ["Split", parts],
  ["Slice", sliced],
  ["Pad", padded],
  ["DepthToSpace", depthToSpace],
  ["SpaceToDepth", spaceToDepth],
  ["CenterCropPad", centerCropPad],
];
