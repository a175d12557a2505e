/** Reductions, statistics, order and running sums. */
import type { Builder } from "../builder.js";
import type { Arg } from "../program.js";
import { form, type Form } from "./form.js";

/** No axis, one, or several; keepDims or not. */
function over(b: Builder, shape: readonly number[]): { readonly [option: string]: Arg } {
  const { random } = b;
  const keepDims = random.chance(0.3) ? { keepDims: true } : {};
  if (shape.length === 0 || random.chance(0.2)) return keepDims;
  if (random.chance(0.65)) return { axis: b.axis(shape), ...keepDims };
  const axes = random.shuffled(shape.map((_, i) => i)).slice(0, random.integer(0, shape.length));
  return { axis: axes, ...keepDims };
}

const filled = (shape: readonly number[]): boolean => !shape.includes(0);

export const reductions: readonly Form[] = [
  ...["sum", "prod", "max", "min", "amax", "amin", "mean", "any", "all"].map((name) =>
    form(
      name,
      (b) => {
        const extreme = name.endsWith("max") || name.endsWith("min");
        const x = b.mixed(extreme && b.random.chance(0.9) ? { fits: filled } : {});
        return b.call(name, x, over(b, b.shapeOf(x)));
      },
      name === "sum" ? 3 : name.startsWith("a") ? 0.4 : 1,
    ),
  ),
  ...["variance", "std"].map((name) =>
    form(
      name,
      (b) => {
        const x = b.float({ fits: filled });
        return b.call(name, x, { ...over(b, b.shapeOf(x)), ...(b.random.chance(0.5) ? { correction: 0 } : {}) });
      },
      0.6,
    ),
  ),
  form("norm", (b) => {
    const x = b.float({ fits: filled });
    return b.call("norm", x, { ...over(b, b.shapeOf(x)), ...(b.random.chance(0.5) ? { p: b.random.pick([1, 2, 3]) } : {}) });
  }),
  form("normalize", (b) => {
    const x = b.float({ ranks: [1, 4], fits: filled });
    return b.call("normalize", x, { axis: b.axis(b.shapeOf(x)), p: b.random.pick([1, 2, 3]) });
  }),
  form("cosineSimilarity", (b) => {
    const x = b.float({ ranks: [1, 4], fits: filled });
    return b.call("cosineSimilarity", x, b.float({ shape: b.shapeOf(x) }), { axis: b.axis(b.shapeOf(x)) });
  }),
  form("pairwiseDistance", (b) => {
    const x = b.float({ ranks: [1, 4], fits: filled });
    return b.call("pairwiseDistance", x, b.float({ shape: b.shapeOf(x) }), {
      p: b.random.pick([1, 2, 3]),
      keepDims: b.random.chance(0.3),
    });
  }),
  form("logSumExp", (b) => {
    const x = b.float({ fits: filled });
    return b.call("logSumExp", x, over(b, b.shapeOf(x)));
  }),
  ...["argMax", "argMin"].map((name) =>
    form(name, (b) => {
      const x = b.mixed({ fits: filled });
      const shape = b.shapeOf(x);
      return b.call(name, x, {
        ...(shape.length > 0 && b.random.chance(0.8) ? { axis: b.axis(shape) } : {}),
        ...(b.random.chance(0.3) ? { keepDims: true } : {}),
      });
    }),
  ),
  form("sort", (b) => {
    const x = b.mixed({ ranks: [1, 4] });
    const options = { axis: b.axis(b.shapeOf(x)), ...(b.random.chance(0.5) ? { descending: true } : {}) };
    b.take("sort", ".values", x, options);
    if (b.random.chance(0.3)) b.take("sort", ".indices", x, options);
  }),
  form(
    "argSort",
    (b) => {
      const x = b.mixed({ ranks: [1, 4] });
      return b.call("argSort", x, { axis: b.axis(b.shapeOf(x)) });
    },
    0.5,
  ),
  form("topK", (b) => {
    const x = b.mixed({ ranks: [1, 3] });
    const axis = b.axis(b.shapeOf(x));
    const k = b.random.integer(0, b.shapeOf(x).at(axis)!);
    return b.take("topK", b.random.pick([".values", ".values", ".indices"]), x, k, {
      axis,
      ...(b.random.chance(0.3) ? { largest: false } : {}),
    });
  }),
  form("cumsum", (b) => {
    const x = b.mixed({ ranks: [1, 4] });
    return b.call("cumsum", x, b.axis(b.shapeOf(x)));
  }),
];
