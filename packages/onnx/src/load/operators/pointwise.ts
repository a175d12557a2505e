/** Operators that work element by element: arithmetic, comparison, logic and functions of one tensor. */
import {
  abs,
  add,
  asinh,
  broadcastTo,
  cast,
  ceil,
  clamp,
  cos,
  div,
  equal,
  erf,
  exp,
  expm1,
  floor,
  floorDivide,
  greater,
  greaterEqual,
  isNaN,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  remainder,
  round,
  sign,
  sin,
  sqrt,
  sub,
  tanh,
  where,
  type DType,
  type Size,
  type Tensor,
} from "@ermine/core";
import { addSizes, broadcastShapes, mulSizes } from "@ermine/core/define";
import { dividedSize, equalSizes, mapped, mostFolded, numeric } from "../host.js";
import { countOf, type HostArray } from "../value.js";
import { type Call, type Entries, type Operator } from "./operator.js";

type Numbers = (...numbers: readonly number[]) => number;

const isSmall = (inputs: readonly (HostArray | undefined)[]): boolean =>
  inputs.every((input) => input === undefined || countOf(input.shape) <= mostFolded);

/** Is it an int32 (any integer of the file)? */
const isWhole = (t: { readonly dtype: DType }): boolean => t.dtype === "int32";

/** A function of one tensor; on the host of its numbers. */
const unary = (name: string, run: (x: Tensor) => Tensor, onHost?: Numbers, opaque = false): Entries[number] => [
  name,
  {
    run: (call) => run(call.tensor(0)),
    ...(onHost && {
      fold: (_, [x]) =>
        isSmall([x])
          ? mapped([x!], x!.dtype, rounded(x!.dtype, numeric(name, onHost) as (...e: readonly Size[]) => Size))
          : undefined,
    }),
    ...(opaque ? { opaque: "all" as const } : {}),
  },
];

/** float32 results as float32 has them. */
const rounded =
  (dtype: DType, fn: (...elements: readonly Size[]) => Size) =>
  (...elements: readonly Size[]): Size => {
    const result = fn(...elements);
    return dtype === "float32" && typeof result === "number" ? Math.fround(result) : result;
  };

const widest = (inputs: readonly (HostArray | undefined)[]): DType =>
  inputs.some((input) => input!.dtype === "float32")
    ? "float32"
    : inputs.some((input) => input!.dtype === "int32")
      ? "int32"
      : "bool";

/** A function of two tensors. `result`: the dtype on the host, default that of the inputs. */
const binary = (
  name: string,
  run: (a: Tensor, b: Tensor) => Tensor,
  onHost: (a: Size, b: Size, dtype: DType) => Size,
  { result, opaque = false }: { readonly result?: DType; readonly opaque?: boolean } = {},
): Entries[number] => [
  name,
  {
    run: (call) => run(call.tensor(0), call.tensor(1)),
    fold: (_, inputs) => {
      if (!isSmall(inputs)) return undefined;
      const dtype = widest(inputs);
      return mapped(
        inputs as readonly HostArray[],
        result ?? dtype,
        rounded(result ?? dtype, (a, b) => onHost(a!, b!, dtype)),
      );
    },
    ...(opaque ? { opaque: "all" as const } : {}),
  },
];

const compare = (name: string, run: (a: Tensor, b: Tensor) => Tensor, onHost: (a: Size, b: Size) => Size): Entries[number] =>
  binary(name, run, onHost, { result: "bool", opaque: true });

const both = (name: string, fn: Numbers): ((a: Size, b: Size) => Size) => {
  const onNumbers = numeric(name, fn);
  return (a, b) => onNumbers(a, b);
};

/** Whole numbers are divided towards 0. */
export const divided = (a: Tensor, b: Tensor): Tensor =>
  isWhole(a) && isWhole(b) ? mul(mul(sign(a), sign(b)), floorDivide(abs(a), abs(b))) : div(a, b);

/** The dividend's sign: C's fmod. */
const fmod = (a: Tensor, b: Tensor): Tensor => {
  const rest = remainder(abs(a), abs(b));
  return where(less(a, 0), neg(rest), rest);
};

/** In the base's dtype. */
function power(a: Tensor, b: Tensor): Tensor {
  if (!isWhole(a)) return pow(a, cast(b, "float32"));
  return cast(round(pow(cast(a, "float32"), cast(b, "float32"))), "int32");
}

/** All tensors, one after the other. */
const variadic = (
  name: string,
  run: (a: Tensor, b: Tensor) => Tensor,
  onHost: (a: Size, b: Size) => Size,
  end?: (total: Tensor, count: number) => Tensor,
): Entries[number] => [
  name,
  {
    run: (call) => {
      const tensors = call.tensors();
      const total = tensors.reduce((a, b) => run(a, b));
      return end === undefined ? total : end(total, tensors.length);
    },
    ...(end === undefined && {
      fold: (_: Call, inputs: readonly (HostArray | undefined)[]) =>
        isSmall(inputs) && inputs.length > 0
          ? (inputs as readonly HostArray[]).reduce((a, b) => mapped([a, b], a.dtype, (x, y) => onHost(x!, y!)))
          : undefined,
    }),
  },
];

const whereOperator: Operator = {
  run(call) {
    const [condition, a, b] = [call.tensor(0), call.tensor(1), call.tensor(2)];
    return where(condition, a, b);
  },
  fold: (_, inputs) =>
    isSmall(inputs)
      ? mapped(inputs as readonly HostArray[], inputs[1]!.dtype, (condition, a, b) => (condition === 0 ? b! : a!))
      : undefined,
  opaque: [0],
};

const clip: Operator = {
  run(call) {
    const x = call.tensor(0);
    const bounds = (["min", "max"] as const).map((name, i) => call.inputs[i + 1] ?? call.attributes.float(name, undefined));
    const numbers = bounds.map((bound) => {
      if (bound === undefined || typeof bound === "number") return bound;
      return bound.isKnown && bound.host!.elements.length === 1 ? (bound.host!.elements[0] as number) : null;
    });
    const [min, max] = numbers;
    if (min === undefined && max === undefined) return x;
    // Of int64 a bound may be the least or the greatest that there is.
    if (min !== null && max !== null && (min ?? -Infinity) <= (max ?? Infinity)) {
      if (!isWhole(x)) return clamp(x, min ?? undefined, max ?? undefined);
      const within = (bound: number | undefined): number | undefined =>
        bound === undefined ? undefined : Math.min(Math.max(bound, -(2 ** 31)), 2 ** 31 - 1);
      return clamp(x, within(min), within(max));
    }
    const tensors = bounds.map((bound) => (bound === undefined || typeof bound === "number" ? bound : bound.tensor));
    const above = tensors[0] === undefined ? x : maximum(x, tensors[0]);
    return tensors[1] === undefined ? above : minimum(above, tensors[1]);
  },
};

const modulo = both("Mod", (a, b) => a! - Math.floor(a! / b!) * b!);

/** Two tensors under one shape. */
function alike(a: Tensor, b: Tensor): readonly [Tensor, Tensor] {
  const shape = broadcastShapes("Operator", a.shape, b.shape);
  return [broadcastTo(a, shape), broadcastTo(b, shape)];
}

export const pointwise: Entries = [
  unary(
    "Identity",
    (x) => x,
    (x) => x!,
  ),
  unary("Abs", abs, (x) => Math.abs(x!)),
  unary("Neg", neg, (x) => -x!),
  unary("Sign", sign, (x) => Math.sign(x!), true),
  unary("Exp", exp, (x) => Math.exp(x!)),
  unary("Log", log, (x) => Math.log(x!)),
  unary("Sqrt", sqrt, (x) => Math.sqrt(x!)),
  unary("Sin", sin, (x) => Math.sin(x!)),
  unary("Cos", cos, (x) => Math.cos(x!)),
  unary("Tanh", tanh),
  unary("Erf", erf),
  unary("Floor", floor, (x) => Math.floor(x!), true),
  unary("Ceil", ceil, (x) => Math.ceil(x!), true),
  unary("Round", round, undefined, true),
  unary("Reciprocal", reciprocal, (x) => 1 / x!),
  unary("Tan", (x) => div(sin(x), cos(x))),
  // From e^|x| and its inverse, which keep the digits near 0.
  unary("Sinh", (x) => {
    const y = expm1(abs(x));
    return mul(mul(sign(x), 0.5), add(y, div(y, add(y, 1))));
  }),
  unary("Cosh", (x) => {
    const y = exp(abs(x));
    return mul(0.5, add(y, reciprocal(y)));
  }),
  unary("Asinh", asinh),
  unary("Acosh", (x) => {
    const above = sub(x, 1);
    return log1p(add(above, sqrt(mul(above, add(x, 1)))));
  }),
  unary("Atanh", (x) => mul(0.5, sub(log1p(x), log1p(neg(x))))),
  unary("Atan", arcTangent),
  unary("Asin", (x) => arcTangent(div(x, sqrt(mul(sub(1, x), add(1, x)))))),
  unary("Acos", (x) => mul(2, arcTangent(div(sqrt(sub(1, x)), sqrt(add(1, x)))))),
  unary("IsNaN", isNaN, undefined, true),
  [
    "IsInf",
    {
      run(call) {
        const x = call.tensor(0);
        const above = equal(x, Infinity);
        const below = equal(x, -Infinity);
        const [isPositive, isNegative] = [
          call.attributes.flag("detect_positive", true),
          call.attributes.flag("detect_negative", true),
        ];
        if (isPositive && isNegative) return logicalOr(above, below);
        return isPositive ? above : isNegative ? below : less(x, -Infinity);
      },
      opaque: "all",
    },
  ],
  unary("Not", logicalNot, (x) => Number(x === 0), true),

  binary("Add", add, addSizes),
  binary("Sub", sub, (a, b) => addSizes(a, mulSizes(b, -1))),
  binary("Mul", mul, mulSizes),
  binary("Div", divided, (a, b, dtype) => (dtype === "float32" ? both("Div", (x, y) => x! / y!)(a, b) : dividedSize(a, b))),
  binary(
    "Pow",
    power,
    both("Pow", (a, b) => a! ** b!),
  ),
  [
    "Mod",
    {
      run: (call) => (call.attributes.flag("fmod") ? fmod : remainder)(call.tensor(0), call.tensor(1)),
      fold: (call, inputs) =>
        isSmall(inputs) && !call.attributes.flag("fmod")
          ? mapped(inputs as readonly HostArray[], widest(inputs), (a, b) => modulo(a!, b!))
          : undefined,
    },
  ],
  compare("Equal", equal, equalSizes),
  compare(
    "Less",
    less,
    both("Less", (a, b) => Number(a! < b!)),
  ),
  compare(
    "LessOrEqual",
    lessEqual,
    both("LessOrEqual", (a, b) => Number(a! <= b!)),
  ),
  compare(
    "Greater",
    greater,
    both("Greater", (a, b) => Number(a! > b!)),
  ),
  compare(
    "GreaterOrEqual",
    greaterEqual,
    both("GreaterOrEqual", (a, b) => Number(a! >= b!)),
  ),
  compare(
    "And",
    logicalAnd,
    both("And", (a, b) => Number(a !== 0 && b !== 0)),
  ),
  compare(
    "Or",
    logicalOr,
    both("Or", (a, b) => Number(a !== 0 || b !== 0)),
  ),
  compare(
    "Xor",
    logicalXor,
    both("Xor", (a, b) => Number((a !== 0) !== (b !== 0))),
  ),
  variadic(
    "Max",
    (a, b) => maximum(...alike(a, b)),
    both("Max", (a, b) => Math.max(a!, b!)),
  ),
  variadic(
    "Min",
    (a, b) => minimum(...alike(a, b)),
    both("Min", (a, b) => Math.min(a!, b!)),
  ),
  variadic("Sum", add, addSizes),
  variadic("Mean", add, addSizes, (total, count) => div(total, count)),
  ["Where", whereOperator],
  ["Clip", clip],
  ["PRelu", { run: (call) => where(less(call.tensor(0), 0), mul(call.tensor(0), call.tensor(1)), call.tensor(0)) }],
];

/** The arc tangent: of |x| > 1 it is π/2 − atan(1/x), of the rest a polynomial after halving the angle. */
export function arcTangent(x: Tensor): Tensor {
  const size = abs(x);
  const isFar = greater(size, 1);
  const near = where(isFar, div(1, where(isFar, size, 1)), size);
  // tan(a / 2) = t / (1 + √(1 + t²)): twice, so that what is left is at most tan(π / 16).
  const half = (t: Tensor): Tensor => div(t, add(1, sqrt(add(1, mul(t, t)))));
  const t = half(half(near));
  const square = mul(t, t);
  const series = [1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3, 1].reduce<Tensor | number>(
    (sum, coefficient) => (typeof sum === "number" ? sub(coefficient, mul(square, sum)) : sub(coefficient, mul(square, sum))),
    1 / 15,
  ) as Tensor;
  const angle = mul(4, mul(t, series));
  return mul(where(less(x, 0), -1, 1), where(isFar, sub(Math.PI / 2, angle), angle)) as Tensor;
}
