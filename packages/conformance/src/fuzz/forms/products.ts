/** Products, windows and attention. */
import type { Builder } from "../builder.js";
import type { Arg, Ref } from "../program.js";
import { form, type Form } from "./form.js";

const swapped = (shape: readonly number[]): readonly number[] => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

/** [N, C, ...size]: images of one to three spatial axes. */
function image(
  b: Builder,
  axes = b.random.pick([1, 1, 2, 2, 2, 3]),
  channels = b.random.integer(1, 4),
): { x: Ref; axes: number; channels: number; size: readonly number[] } {
  const most = axes === 3 ? 4 : 7;
  const size = Array.from({ length: axes }, () => (b.random.chance(0.15) ? 1 : b.random.integer(2, most)));
  const batch = b.random.pick([0, 1, 1, 2, 2, 3]);
  return { x: b.float({ shape: [batch, channels, ...size] }), axes, channels, size };
}

/** A weight of ∞ meets the zeros of padding on some backends, as NaN, and is left out on others: PyTorch's do not agree either. */
const weightOf = (b: Builder, shape: readonly number[]): Ref => b.float({ shape, kind: "finite" });

const kernelOf = (b: Builder, size: readonly number[]): readonly number[] => size.map((n) => b.random.integer(1, Math.min(3, n)));

function pooling(b: Builder, kernel: readonly number[]): { [option: string]: Arg } {
  const { random } = b;
  return {
    ...(random.chance(0.5) ? { stride: random.integer(1, 3) } : {}),
    ...(random.chance(0.4) ? { padding: kernel.map((n) => random.integer(0, Math.floor(n / 2))) } : {}),
    ...(random.chance(0.3) ? { ceilMode: true } : {}),
  };
}

export const products: readonly Form[] = [
  form(
    "matmul",
    (b) => {
      const a = b.float({ ranks: [1, 4] });
      const shape = b.shapeOf(a);
      const transposeA = shape.length > 1 && b.random.chance(0.3);
      const inner = transposeA ? shape.at(-2)! : shape.at(-1)!;
      if (b.random.chance(0.15)) return b.call("matmul", a, b.float({ shape: [inner] }), transposeA ? { transposeA } : {});
      const lead = shape.length > 2 ? b.narrower(shape.slice(0, -2)) : [];
      const right = [...lead, inner, b.size()];
      const transposeB = b.random.chance(0.4);
      const other = b.float({ shape: transposeB ? swapped(right) : right });
      return b.call("matmul", a, other, { ...(transposeA ? { transposeA } : {}), ...(transposeB ? { transposeB } : {}) });
    },
    3,
  ),
  form(
    "dot",
    (b) => {
      const a = b.float({ ranks: [1, 1] });
      return b.call("dot", a, b.float({ shape: b.shapeOf(a) }));
    },
    0.5,
  ),
  form("outer", (b) => b.call("outer", b.float({ ranks: [0, 2] }), b.mixed({ ranks: [0, 2] })), 0.5),
  form("einsum", (b) => {
    const sizes: Record<string, number> = Object.fromEntries(["i", "j", "k", "n"].map((letter) => [letter, b.size()]));
    const equation = b.random.pick([
      "ij,jk->ik",
      "nij,njk->nik",
      "ij,j->i",
      "ij->ji",
      "ii->i",
      "ij,ij->",
      "ij,kj->ik",
      "nij,nij->ni",
      "i,j->ij",
      "nij,jk->nki",
    ]);
    const operands = equation
      .split("->")[0]!
      .split(",")
      .map((letters) => b.float({ shape: [...letters].map((letter) => sizes[letter]!) }));
    return b.call("einsum", equation, ...operands);
  }),
  form(
    "linear",
    (b) => {
      const x = b.float({ ranks: [1, 3] });
      const [inner, out] = [b.shapeOf(x).at(-1)!, b.size()];
      return b.call("linear", x, b.float({ shape: [out, inner] }), ...(b.random.chance(0.7) ? [b.float({ shape: [out] })] : []));
    },
    2,
  ),
  form(
    "convolution",
    (b) => {
      const { x, channels, size } = image(b);
      const groups = b.random.pick([1, 1, 1, channels]);
      const out = groups * b.random.integer(1, 3);
      const kernel = kernelOf(b, size);
      const weight = weightOf(b, [out, channels / groups, ...kernel]);
      const options = {
        ...(b.random.chance(0.4) ? { stride: b.random.integer(1, 2) } : {}),
        ...(b.random.chance(0.5)
          ? { padding: b.random.pick<Arg>([1, 2, kernel.map(() => b.random.integer(0, 2)), "valid"]) }
          : {}),
        ...(b.random.chance(0.3) ? { dilation: b.random.integer(1, 2) } : {}),
        ...(groups > 1 ? { groups } : {}),
      };
      return b.random.chance(0.6)
        ? b.call("convolution", x, weight, b.float({ shape: [out] }), options)
        : b.call("convolution", x, weight, undefined, options);
    },
    2,
  ),
  form(
    "convolutionTranspose",
    (b) => {
      const { x, channels, size } = image(b);
      const groups = b.random.pick([1, 1, channels]);
      const each = b.random.integer(1, 3);
      const weight = weightOf(b, [channels, each, ...kernelOf(b, size)]);
      const stride = b.random.integer(1, 3);
      const options = {
        stride,
        ...(b.random.chance(0.3) ? { padding: 1 } : {}),
        ...(stride > 1 && b.random.chance(0.3) ? { outputPadding: 1 } : {}),
        ...(b.random.chance(0.2) ? { dilation: 2 } : {}),
        ...(groups > 1 ? { groups } : {}),
      };
      return b.call(
        "convolutionTranspose",
        x,
        weight,
        b.random.chance(0.6) ? b.float({ shape: [each * groups] }) : undefined,
        options,
      );
    },
    1.5,
  ),
  ...["maxPool", "maxPoolIndices"].map((name) =>
    form(
      name,
      (b) => {
        const { x, size } = image(b);
        const kernel = kernelOf(b, size);
        return b.call(name, x, kernel, { ...pooling(b, kernel), ...(b.random.chance(0.2) ? { dilation: 2 } : {}) });
      },
      name === "maxPool" ? 1.5 : 0.4,
    ),
  ),
  form("linearCrossEntropy", (b) => {
    const x = b.float({ ranks: [2, 2], fits: (shape) => !shape.includes(0) });
    const [count, features] = b.shapeOf(x) as readonly [number, number];
    const classes = b.random.integer(1, 6);
    const options = {
      chunkSize: b.random.integer(1, classes),
      reduction: b.random.pick(["mean", "sum", "none"]),
      ...(b.random.chance(0.3) ? { labelSmoothing: 0.25 } : {}),
    };
    return b.call("linearCrossEntropy", x, weightOf(b, [classes, features]), b.indices([count], classes), options);
  }),
  form("maxUnpool", (b) => {
    const { x, size } = image(b);
    // Any place of the image will do, the same one more than once too.
    const places = size.reduce((count, n) => count * 2 * n, 1);
    return b.call(
      "maxUnpool",
      x,
      b.indices(b.shapeOf(x), places),
      size.map(() => 2),
    );
  }),
  form(
    "avgPool",
    (b) => {
      const { x, size } = image(b);
      const kernel = kernelOf(b, size);
      return b.call("avgPool", x, kernel, { ...pooling(b, kernel), ...(b.random.chance(0.4) ? { countIncludePad: false } : {}) });
    },
    1.5,
  ),
  form(
    "lpPool",
    (b) => {
      const { x, size } = image(b);
      return b.call("lpPool", x, b.random.pick([1, 2, 3]), kernelOf(b, size));
    },
    0.5,
  ),
  ...["adaptiveAvgPool", "adaptiveMaxPool", "adaptiveMaxPoolIndices"].map((name) =>
    form(
      name,
      (b) => {
        const { x, size } = image(b);
        return b.call(
          name,
          x,
          size.map((n) => b.random.integer(1, n + 1)),
        );
      },
      0.5,
    ),
  ),
  form(
    "resize",
    (b) => {
      const axes = b.random.integer(1, 2);
      const { x, size } = image(b, axes);
      const mode = b.random.pick([
        "nearest",
        "nearest-exact",
        "area",
        axes === 1 ? "linear" : "bilinear",
        ...(axes === 2 ? ["bicubic"] : []),
      ]);
      return b.call("resize", x, {
        size: size.map(() => b.random.integer(1, 6)),
        mode,
        ...(mode.includes("linear") && b.random.chance(0.5) ? { alignCorners: true } : {}),
      });
    },
    0.7,
  ),
  form("unfold", (b) => {
    const { x, size } = image(b);
    const options = { ...(b.random.chance(0.4) ? { stride: 2 } : {}), ...(b.random.chance(0.4) ? { padding: 1 } : {}) };
    return b.call("unfold", x, kernelOf(b, size), options);
  }),
  form("fold", (b) => {
    const { x, size } = image(b);
    const kernel = kernelOf(b, size);
    const options = b.random.chance(0.5) ? { padding: 1 } : {};
    return b.call("fold", b.call("unfold", x, kernel, options), size, kernel, options);
  }),
  form(
    "scaledDotProductAttention",
    (b) => {
      const lead = b.random.pick<readonly number[]>([[], [2], [1, 2]]);
      const [queries, keys, features, out] = [b.size(), b.size(), b.random.integer(1, 5), b.random.integer(1, 4)];
      const [q, k, v] = [
        [queries, features],
        [keys, features],
        [keys, out],
      ].map((shape) => b.float({ shape: [...lead, ...shape] })) as [Ref, Ref, Ref];
      const mask = b.random.chance(0.4);
      return b.call("scaledDotProductAttention", q, k, v, {
        ...(mask
          ? { mask: b.operand({ dtype: b.random.pick(["bool", "float32"]), shape: [queries, keys] }) }
          : b.random.chance(0.4)
            ? { causal: true }
            : {}),
        ...(b.random.chance(0.3) ? { scale: 0.375 } : {}),
      });
    },
    1.5,
  ),
  ...(["layerNorm", "rmsNorm"] as const).map((name) =>
    form(name, (b) => {
      const shape = [b.size(), b.random.integer(2, 9)];
      const last = [shape[1]!];
      const weight = b.random.chance(0.5) ? { weight: b.float({ shape: last }) } : {};
      const bias = b.random.chance(0.5) ? { bias: b.float({ shape: last }) } : {};
      return b.call(name, b.float({ shape }), b.random.pick([last[0]!, last]), {
        ...weight,
        ...bias,
        eps: b.random.pick([1e-5, 0.125]),
      });
    }),
  ),
  form("groupNorm", (b) => {
    const groups = b.random.integer(1, 3);
    const channels = groups * b.random.integer(1, 3);
    const shape = [b.size(), channels, b.random.integer(2, 6), ...b.random.pick<readonly number[]>([[], [1], [3]])];
    const weight = b.random.chance(0.5) ? { weight: b.float({ shape: [channels] }) } : {};
    const bias = b.random.chance(0.5) ? { bias: b.float({ shape: [channels] }) } : {};
    return b.call("groupNorm", b.float({ shape }), groups, { ...weight, ...bias, eps: b.random.pick([1e-5, 0.125]) });
  }),
];
