/** Convolution and pooling. */
import {
  abs,
  argMax,
  broadcastTo,
  cast,
  div,
  ErmineError,
  full,
  gather,
  max,
  mean,
  mul,
  pad,
  pow,
  reshape,
  scatterAdd,
  slice,
  sum,
  tensor,
  zeros,
  add,
  type Shape,
  type Size,
  type Tensor,
  type Window,
} from "@ermine/core";
import { apply1, sizeOf } from "@ermine/core/define";
import { avgPoolOp, convolutionOp, convolutionTransposeOp, foldOp, maxPoolOp, unfoldOp } from "@ermine/core/backend";
import type { Call, Entries, Operator } from "./operator.js";

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

/** One number for each spatial axis, as an attribute has them. */
function each(call: Call, name: string, axes: number, otherwise: number): readonly number[] {
  const given = call.attributes.ints(name, undefined);
  if (given === undefined) return Array<number>(axes).fill(otherwise);
  if (
    given.length === axes &&
    given.every((n) => Number.isInteger(n) && n >= (name === "pads" || name === "output_padding" ? 0 : 1))
  )
    return given;
  throw new ErmineError("ERMINE_DATA", `Its ${name} are [${given.join(", ")}], and there are ${axes} spatial axes.`);
}

function spatial(shape: Shape): readonly Size[] {
  return shape.slice(2);
}

/** The window of a call over `sizes`, its padding filled in. @throws ErmineError ERMINE_UNSUPPORTED where padding depends on an open size */
function windowOf(call: Call, sizes: readonly Size[], kernel: readonly number[]): Window {
  const axes = kernel.length;
  const [stride, dilation] = [each(call, "strides", axes, 1), each(call, "dilations", axes, 1)];
  const mode = call.attributes.string("auto_pad", "NOTSET");
  if (mode === "NOTSET") {
    const pads = call.attributes.ints("pads", undefined) ?? Array<number>(2 * axes).fill(0);
    if (pads.length !== 2 * axes || pads.some((n) => !Number.isInteger(n) || n < 0))
      throw new ErmineError("ERMINE_DATA", `Its pads are [${pads.join(", ")}], 2 for each of ${axes} axes, and not below 0.`);
    return { kernel, stride, dilation, padBefore: pads.slice(0, axes), padAfter: pads.slice(axes) };
  }
  const none = kernel.map(() => 0);
  if (mode === "VALID") return { kernel, stride, dilation, padBefore: none, padAfter: none };
  if (mode !== "SAME_UPPER" && mode !== "SAME_LOWER")
    throw new ErmineError("ERMINE_DATA", `Its auto_pad is ${JSON.stringify(mode)}.`);
  const total = sizes.map((size, i) => {
    if (typeof size !== "number")
      throw new ErmineError("ERMINE_UNSUPPORTED", `auto_pad ${mode} needs a spatial size that is known, got ${size}.`);
    const reach = dilation[i]! * (kernel[i]! - 1) + 1;
    return Math.max(0, (Math.ceil(size / stride[i]!) - 1) * stride[i]! + reach - size);
  });
  const less = total.map((n) => Math.floor(n / 2));
  const more = total.map((n, i) => n - less[i]!);
  return {
    kernel,
    stride,
    dilation,
    padBefore: mode === "SAME_UPPER" ? less : more,
    padAfter: mode === "SAME_UPPER" ? more : less,
  };
}

const conv: Operator = {
  run(call) {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.optional(2)];
    const { kernel: _, ...window } = windowOf(call, spatial(x.shape), weight.shape.slice(2) as readonly number[]);
    return apply1(convolutionOp, [x, weight, bias], { ...window, groups: call.attributes.int("group", 1) });
  },
};

const convTranspose: Operator = {
  run(call) {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.optional(2)];
    const kernel = weight.shape.slice(2) as readonly number[];
    const axes = kernel.length;
    const sizes = spatial(x.shape) as readonly number[];
    const [stride, dilation] = [each(call, "strides", axes, 1), each(call, "dilations", axes, 1)];
    const extra = each(call, "output_padding", axes, 0);
    const whole = sizes.map((size, i) => (size - 1) * stride[i]! + dilation[i]! * (kernel[i]! - 1) + 1);
    const { before, output } = transposedSizes(call, sizes, whole, stride, extra);
    const groups = call.attributes.int("group", 1);
    // With equal padding on both sides, and room at the end for no further window.
    const isEven = before.every((n, i) => output[i]! === whole[i]! - 2 * n + extra[i]!) && extra.every((n, i) => n < stride[i]!);
    if (isEven)
      return apply1(convolutionTransposeOp, [x, weight, bias], { stride, dilation, groups, padding: before, outputSize: output });
    const y = apply1(convolutionTransposeOp, [x, weight, undefined], {
      stride,
      dilation,
      groups,
      padding: kernel.map(() => 0),
      outputSize: whole,
    });
    const cut = pad(y, [[0, 0], [0, 0], ...before.map((n, i) => [-n, output[i]! + n - whole[i]!] as const)]);
    if (bias === undefined) return cut;
    return add(cut, reshape(bias, [bias.shape[0]!, ...kernel.map(() => 1)]));
  },
};

/** How much is cut off in front of each axis, and what the sizes are then. */
function transposedSizes(
  call: Call,
  sizes: readonly number[],
  whole: readonly number[],
  stride: readonly number[],
  extra: readonly number[],
): { readonly before: readonly number[]; readonly output: readonly number[] } {
  const axes = sizes.length;
  const mode = call.attributes.string("auto_pad", "NOTSET");
  const shape = call.attributes.ints("output_shape", undefined);
  if (shape === undefined && mode !== "SAME_UPPER" && mode !== "SAME_LOWER") {
    const pads = call.attributes.ints("pads", undefined) ?? Array<number>(2 * axes).fill(0);
    if (pads.length !== 2 * axes)
      throw new ErmineError("ERMINE_DATA", `Its pads are [${pads.join(", ")}], 2 for each of ${axes} axes.`);
    return { before: pads.slice(0, axes), output: whole.map((size, i) => size - pads[i]! - pads[axes + i]! + extra[i]!) };
  }
  const output = shape === undefined ? sizes.map((size, i) => size * stride[i]!) : shape.slice(-axes);
  const before = output.map((size, i) => {
    const total = whole[i]! + extra[i]! - size;
    const half = Math.floor(Math.max(total, 0) / 2);
    return mode === "SAME_UPPER" || total < 0 ? half : Math.max(total, 0) - half;
  });
  return { before, output };
}

/** The window with what ceil_mode has it reach over the end. */
function rounded(call: Call, sizes: readonly Size[], window: Window): Window {
  if (!call.attributes.flag("ceil_mode")) return window;
  const { kernel, stride, padBefore, padAfter, dilation } = window;
  const needed = (sizes as readonly number[]).map((size, i) => {
    const reach = dilation[i]! * (kernel[i]! - 1) + 1;
    const last = Math.ceil((size + padBefore[i]! + padAfter[i]! - reach) / stride[i]!);
    // A window that would start in the padding at the end is none.
    const start = (last * stride[i]! >= size + padBefore[i]! ? last - 1 : last) * stride[i]!;
    return Math.max(padAfter[i]!, start + reach - size - padBefore[i]!);
  });
  return { ...window, padAfter: needed };
}

const kernelOf = (call: Call): readonly number[] => {
  const kernel = call.attributes.ints("kernel_shape", undefined);
  if (kernel === undefined || kernel.some((n) => !Number.isInteger(n) || n < 1))
    throw new ErmineError("ERMINE_DATA", `Its kernel_shape is ${kernel === undefined ? "left out" : `[${kernel.join(", ")}]`}.`);
  return kernel;
};

/** For each window the elements that it has: [N, C, kernel, windows], and its counts. */
function columnsOf(x: Tensor, window: Window, padValue: number): { readonly columns: Tensor; readonly shape: Shape } {
  const columns = apply1(unfoldOp, [x], { ...window, padValue });
  const counts = spatial(x.shape).map((size, i) => {
    const reach = window.dilation[i]! * (window.kernel[i]! - 1) + 1;
    return Math.floor(((size as number) + window.padBefore[i]! + window.padAfter[i]! - reach) / window.stride[i]!) + 1;
  });
  return { columns, shape: [...x.shape.slice(0, 2), ...counts] };
}

const maxPool: Operator = {
  run(call) {
    const given = call.tensor(0);
    const x = cast(given, "float32");
    const window = rounded(call, spatial(x.shape), windowOf(call, spatial(x.shape), kernelOf(call)));
    const y = cast(apply1(maxPoolOp, [x], window), given.dtype);
    if (call.used[1] !== true) return [y];
    return [y, largestPlaces(call, x, window)];
  },
};

/** Where each window's largest stands among all elements of x, as ONNX counts them. */
function largestPlaces(call: Call, x: Tensor, window: Window): Tensor {
  const sizes = spatial(x.shape) as readonly number[];
  const [batch, channels] = x.shape as readonly number[];
  const { columns, shape } = columnsOf(x, window, -Infinity);
  const isColumnMajor = call.attributes.int("storage_order", 0) === 1;
  const strides = sizes.map((_, i) => product(isColumnMajor ? sizes.slice(0, i) : sizes.slice(i + 1)));
  const plane = Float32Array.from({ length: product(sizes) }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += (rest % sizes[axis]!) * strides[axis]!;
      rest = Math.floor(rest / sizes[axis]!);
    }
    return at;
  });
  const image = tensor(plane, { shape: [1, 1, ...sizes] });
  const places = broadcastTo(apply1(unfoldOp, [image], { ...window, padValue: 0 }), columns.shape);
  const chosen = reshape(cast(gather(places, 2, argMax(columns, { axis: 2, keepDims: true })), "int32"), shape);
  const planes = Int32Array.from({ length: batch! * channels! }, (_, i) => i * product(sizes));
  return add(chosen, tensor(planes, { shape: [batch!, channels!, ...sizes.map(() => 1)] }));
}

/** How many elements each window's mean divides by, for each window. */
function divisors(
  sizes: readonly number[],
  window: Window,
  asked: Window,
  countIncludePad: boolean,
  counts: readonly number[],
): Tensor {
  let list = [1];
  counts.forEach((count, axis) => {
    const [kernel, stride, dilation, before] = [window.kernel, window.stride, window.dilation, window.padBefore].map(
      (l) => l[axis]!,
    ) as [number, number, number, number];
    const size = sizes[axis]!;
    const [from, to] = countIncludePad ? [0, before + size + asked.padAfter[axis]!] : [before, before + size];
    const inside = Array.from({ length: count }, (_, p) => {
      let n = 0;
      for (let k = 0; k < kernel; k++) {
        const at = p * stride + k * dilation;
        if (at >= from && at < to) n++;
      }
      return n;
    });
    list = list.flatMap((n) => inside.map((m) => n * m));
  });
  return tensor(Float32Array.from(list), { shape: counts });
}

const averagePool: Operator = {
  run(call) {
    const x = call.tensor(0);
    const asked = windowOf(call, spatial(x.shape), kernelOf(call));
    const countIncludePad = call.attributes.flag("count_include_pad");
    const window = rounded(call, spatial(x.shape), asked);
    const isPlain = window.padAfter.every((n, i) => n === asked.padAfter[i]) && window.dilation.every((n) => n === 1);
    if (isPlain) {
      const { dilation: _, ...rest } = window;
      return apply1(avgPoolOp, [x], { ...rest, countIncludePad });
    }
    const { columns, shape } = columnsOf(x, window, 0);
    const sums = reshape(sum(columns, { axis: 2 }), shape);
    return div(
      sums,
      divisors(spatial(x.shape) as readonly number[], window, asked, countIncludePad, shape.slice(2) as readonly number[]),
    );
  },
};

const lpPool: Operator = {
  run(call) {
    const x = call.tensor(0);
    const p = call.attributes.int("p", 2);
    const window = rounded(call, spatial(x.shape), windowOf(call, spatial(x.shape), kernelOf(call)));
    const { columns, shape } = columnsOf(pow(abs(x), p), window, 0);
    return pow(reshape(sum(columns, { axis: 2 }), shape), 1 / p);
  },
};

const overAll = (fn: (x: Tensor, axis: readonly number[], call: Call) => Tensor): Operator => ({
  run(call) {
    const x = call.tensor(0);
    return fn(
      x,
      spatial(x.shape).map((_, i) => i + 2),
      call,
    );
  },
});

const maxUnpool: Operator = {
  run(call) {
    const [x, places] = [call.tensor(0), call.tensor(1)];
    const [batch, channels] = x.shape as readonly number[];
    const kernel = kernelOf(call);
    const { stride, padBefore, padAfter } = windowOf(call, spatial(x.shape), kernel);
    const pooled = spatial(x.shape).map(
      (size, i) => ((size as number) - 1) * stride[i]! - padBefore[i]! - padAfter[i]! + kernel[i]!,
    );
    const sizes = [batch!, channels!, ...pooled];
    const shape = call.has(2) ? call.numbers(2) : sizes;
    call.checkSize(shape);
    // Places count within the size that the pooling had; what is asked for beyond it is 0.
    const flat = scatterAdd(zeros([product(sizes)]), 0, reshape(places, [sizeOf(places.shape)]), reshape(x, [sizeOf(x.shape)]));
    return pad(
      reshape(flat, sizes),
      sizes.map((size, i) => [0, shape[i]! - size] as const),
    );
  },
  statics: [2],
  opaque: [1],
};

const columnsToImage: Operator = {
  run(call) {
    const x = call.tensor(0);
    const [outputSize, kernel] = [call.numbers(1), call.numbers(2)];
    const window = windowOf(call, outputSize, kernel);
    const elements = product(kernel);
    const [batch, merged, positions] = x.shape as readonly number[];
    return apply1(foldOp, [reshape(x, [batch!, merged! / elements, elements, positions!])], { ...window, outputSize });
  },
  statics: [1, 2],
};

/** x / (bias + alpha / size · Σ x²) ^ beta, the sum over neighbouring channels. */
const localResponse: Operator = {
  run(call) {
    const x = call.tensor(0);
    const size = call.attributes.int("size", 1);
    const [alpha, beta, bias] = [
      call.attributes.float("alpha", 1e-4),
      call.attributes.float("beta", 0.75),
      call.attributes.float("bias", 1),
    ];
    const before = Math.floor((size - 1) / 2);
    const squares = pad(
      mul(x, x),
      x.shape.map((_, i) => (i === 1 ? ([before, size - 1 - before] as const) : ([0, 0] as const))),
    );
    const around = Array.from({ length: size }, (_, k) =>
      slice(
        squares,
        x.shape.map((__, i) => (i === 1 ? k : 0)),
        x.shape,
      ),
    ).reduce<Tensor>((a, b) => add(a, b), zerosOf(x));
    return div(x, pow(add(bias, mul(alpha / size, around)), beta));
  },
};

const zerosOf = (x: Tensor): Tensor => full(x.shape, 0);

export const windows: Entries = [
  ["Conv", conv],
  ["ConvTranspose", convTranspose],
  ["MaxPool", maxPool],
  ["AveragePool", averagePool],
  ["LpPool", lpPool],
  ["GlobalAveragePool", overAll((x, axis) => mean(x, { axis, keepDims: true }))],
  ["GlobalMaxPool", overAll((x, axis) => max(x, { axis, keepDims: true }))],
  [
    "GlobalLpPool",
    overAll((x, axis, call) => {
      const p = call.attributes.int("p", 2);
      return pow(sum(pow(abs(x), p), { axis, keepDims: true }), 1 / p);
    }),
  ],
  ["MaxUnpool", maxUnpool],
  ["Col2Im", columnsToImage],
  ["LRN", localResponse],
];
