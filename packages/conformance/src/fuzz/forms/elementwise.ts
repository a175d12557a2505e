/** Elementwise functions, comparisons, casts and choices, over every dtype that they take. */
import type { DType } from "@ermine/core";
import type { Builder } from "../builder.js";
import type { Arg, Ref } from "../program.js";
import { form, type Form } from "./form.js";

const anyDType = ["neg", "abs", "sign", "floor", "ceil", "round", "square"];
const anySign = ["exp", "expm1", "sin", "cos", "tanh", "erf", "erfc", "asinh", "isFinite", "isNaN", "isInfinite", "reciprocal"];
const positive = ["log", "log1p", "sqrt", "rsqrt"];

/** Two operands that broadcast, the wider first or second; or one and a number. */
function pair(b: Builder, one: () => Ref, dtype?: DType): readonly [Arg, Arg] {
  const { random } = b;
  const wide = one();
  if (random.chance(0.2)) return random.shuffled<Arg>([wide, dtype === "bool" ? random.chance(0.5) : b.number()]) as [Arg, Arg];
  const shape = b.shapeOf(wide);
  const narrow = (): Ref => {
    const targetShape = b.narrower(shape);
    const elementType = dtype ?? random.pick(["float32", "float32", "float32", "int32", "bool"] as const);
    return b.operand({ dtype: elementType, ...(random.chance(0.5) ? { shape } : { shape: targetShape }) });
  };
  const other = random.chance(0.15) ? wide : narrow();
  return random.shuffled([wide, other]) as [Ref, Ref];
}

const arithmetic = ["add", "sub", "mul", "div", "maximum", "minimum", "remainder", "floorDivide", "squaredDifference"];
const comparisons = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"];
const logic = ["logicalAnd", "logicalOr", "logicalXor"];

export const elementwise: readonly Form[] = [
  ...anyDType.map((name) => form(name, (b) => b.call(name, b.mixed()), 0.5)),
  ...anySign.map((name) => form(name, (b) => b.call(name, b.random.chance(0.85) ? b.float() : b.mixed()), 0.5)),
  ...positive.map((name) =>
    form(name, (b) => b.call(name, b.random.chance(0.8) ? b.call("add", b.call("abs", b.float()), 0.25) : b.float()), 0.5),
  ),
  ...arithmetic.map((name) =>
    form(name, (b) => b.call(name, ...pair(b, () => b.mixed())), name === "add" || name === "mul" ? 2 : 1),
  ),
  ...comparisons.map((name) => form(name, (b) => b.call(name, ...pair(b, () => b.mixed())), 0.5)),
  ...logic.map((name) => form(name, (b) => b.call(name, ...pair(b, () => b.operand({ dtype: "bool" }), "bool")), 0.4)),
  form("logicalNot", (b) => b.call("logicalNot", b.operand({ dtype: b.random.pick(["bool", "int32"]) })), 0.5),
  form("pow", (b) => {
    const base = b.random.chance(0.7) ? b.call("add", b.call("abs", b.float()), 0.125) : b.float();
    return b.call(
      "pow",
      base,
      b.random.chance(0.5) ? b.random.pick<Arg>([0, 1, 2, 3, -1, 0.5]) : b.float({ shape: b.narrower(b.shapeOf(base)) }),
    );
  }),
  form(
    "where",
    (b) => {
      const [x, y] = pair(b, () => b.mixed());
      const shape = b.shapeOf([x, y].find((arg): arg is Ref => typeof arg === "object") as Ref);
      return b.call("where", b.operand({ dtype: "bool", shape: b.random.chance(0.5) ? shape : b.narrower(shape) }), x, y);
    },
    2,
  ),
  form("clamp", (b) => {
    const low = b.number();
    const high = low + Math.abs(b.number());
    return b.call("clamp", b.random.chance(0.7) ? b.float() : b.operand({ dtype: "int32" }), low, high);
  }),
  form("cast", (b) => b.call("cast", b.mixed(), b.random.pick(["float32", "int32", "bool"] as const)), 2),
  form("stopGradient", (b) => b.call("stopGradient", b.float()), 0.5),
];
