/** Attention, rotary embeddings of positions, and what keeps a cache next to them. */
import {
  add,
  broadcastTo,
  concat,
  gather,
  greater,
  indexSelect,
  less,
  logicalNot,
  matmul,
  mul,
  permute,
  remainder,
  reshape,
  silu,
  slice,
  softmax,
  split,
  stack,
  sub,
  tanh,
  tensor,
  where,
  zeros,
  div,
  ErmineError,
  type Size,
  type Tensor,
} from "@ermine/core";
import { apply1, sizeOf } from "@ermine/core/define";
import { convolutionOp, iotaOp, scaledDotProductAttentionOp } from "@ermine/core/backend";
import { normalizedAxis } from "./axes.js";
import type { Call, Entries, Operator } from "./operator.js";

const places = (size: Size): Tensor => apply1(iotaOp, [], { size });

/** [batch, steps, heads · size] as [batch, heads, steps, size]. */
function toHeads(t: Tensor, heads: number): Tensor {
  const [batch, steps, features] = t.shape as [Size, Size, number];
  return permute(reshape(t, [batch, steps, heads, features / heads]), [0, 2, 1, 3]);
}

/** Each head of keys or values as often as queries share it. */
function repeated(t: Tensor, times: number): Tensor {
  if (times === 1) return t;
  const [batch, heads, steps, size] = t.shape as [Size, number, Size, Size];
  const wide = broadcastTo(reshape(t, [batch, heads, 1, steps, size]), [batch, heads, times, steps, size]);
  return reshape(wide, [batch, heads * times, steps, size]);
}

/** What is added to the scores, −∞ where nothing is attended to: [..., queries, keys]; undefined: nothing. */
function biasOf(call: Call, queries: Size, keys: Size, past: Size): Tensor | undefined {
  let bias: Tensor | undefined;
  const more = (t: Tensor): void => {
    bias = bias === undefined ? t : add(bias, t);
  };
  const given = call.optional(3);
  if (given !== undefined) {
    const mask = given.dtype === "bool" ? where(given, 0, -Infinity) : given;
    const short = mask.shape.at(-1)!;
    if (typeof keys === "number" && typeof short === "number" && short < keys) {
      const none = tensor(new Float32Array(keys - short).fill(-Infinity));
      more(concat([mask, broadcastTo(none, [...mask.shape.slice(0, -1), keys - short])], -1));
    } else more(mask);
  }
  if (call.attributes.flag("is_causal")) {
    const last = add(reshape(places(queries), [queries, 1]), typeof past === "number" ? past : 0);
    more(where(greater(reshape(places(keys), [1, keys]), last), -Infinity, 0));
  }
  const lengths = call.optional(6);
  if (lengths !== undefined) {
    const isThere = less(reshape(places(keys), [1, 1, 1, keys]), reshape(lengths, [sizeOf(lengths.shape), 1, 1, 1]));
    more(where(isThere, 0, -Infinity));
  }
  return bias;
}

const attention: Operator = {
  run(call) {
    const isPacked = call.tensor(0).rank === 3;
    const [queryHeads, keyHeads] = [
      call.attributes.int("q_num_heads", undefined),
      call.attributes.int("kv_num_heads", undefined),
    ];
    if (isPacked && (queryHeads === undefined || keyHeads === undefined))
      throw new ErmineError("ERMINE_DATA", "It does not say how many heads its packed queries and keys have.");
    const heads = (position: number, count: number | undefined): Tensor =>
      isPacked ? toHeads(call.tensor(position), count!) : call.tensor(position);
    const q = heads(0, queryHeads);
    const [newK, newV] = [heads(1, keyHeads), heads(2, keyHeads)];
    const [pastK, pastV] = [call.optional(4), call.optional(5)];
    const presentK = pastK === undefined ? newK : concat([pastK, newK], 2);
    const presentV = pastV === undefined ? newV : concat([pastV, newV], 2);
    const times = (q.shape[1] as number) / (presentK.shape[1] as number);
    if (!Number.isInteger(times))
      throw new ErmineError("ERMINE_DATA", `${q.shape[1]} heads of queries share ${presentK.shape[1]} heads of keys.`);
    const [k, v] = [repeated(presentK, times), repeated(presentV, times)];
    const scale = call.attributes.float("scale", undefined) ?? 1 / Math.sqrt(q.shape[3] as number);
    const softcap = call.attributes.float("softcap", 0);
    const bias = biasOf(call, q.shape[2]!, k.shape[2]!, pastK?.shape[2] ?? 0);
    let y: Tensor;
    let scores: Tensor | undefined;
    if (softcap === 0 && call.used[3] !== true) {
      y = apply1(scaledDotProductAttentionOp, [q, k, v, bias], { scale, causal: false, nothing: "NaN" });
    } else {
      const products = mul(matmul(q, k, { transposeB: true }), scale);
      const capped = softcap === 0 ? products : mul(tanh(div(products, softcap)), softcap);
      const masked = bias === undefined ? capped : add(capped, bias);
      const weights = softmax(masked, { axis: -1 });
      scores = [capped, capped, masked, weights][call.attributes.int("qk_matmul_output_mode", 0)];
      y = matmul(weights, v);
    }
    const [batch, count, steps, size] = y.shape as [Size, number, Size, number];
    return [isPacked ? reshape(permute(y, [0, 2, 1, 3]), [batch, steps, count * size]) : y, presentK, presentV, scores];
  },
};

const rotary: Operator = {
  run(call) {
    const given = call.tensor(0);
    // [batch, steps, heads, size]
    const x =
      given.rank === 4
        ? permute(given, [0, 2, 1, 3])
        : reshape(given, [
            given.shape[0]!,
            given.shape[1]!,
            call.attributes.int("num_heads", 1),
            (given.shape[2] as number) / call.attributes.int("num_heads", 1),
          ]);
    const size = x.shape[3] as number;
    const turned = call.attributes.int("rotary_embedding_dim", 0) || size;
    const half = turned / 2;
    const [rest, turning] = [
      turned === size ? undefined : split(x, [turned, size - turned], 3)[1],
      turned === size ? x : split(x, [turned, size - turned], 3)[0]!,
    ];
    const ids = call.optional(3);
    const [cos, sin] = [1, 2].map((position) => {
      const cache = call.tensor(position);
      const rows = ids === undefined ? cache : indexSelect(cache, 0, reshape(ids, [sizeOf(ids.shape)]));
      return reshape(rows, [x.shape[0]!, x.shape[1]!, 1, half]);
    }) as [Tensor, Tensor];
    const isInterleaved = call.attributes.flag("interleaved");
    const lead = x.shape.slice(0, 3);
    const pairs = isInterleaved ? reshape(turning, [...lead, half, 2]) : undefined;
    const part = (i: number): Tensor =>
      pairs === undefined ? split(turning, half, 3)[i]! : reshape(split(pairs, 1, 4)[i]!, [...lead, half]);
    const [a, b] = [part(0), part(1)];
    const [real, imaginary] = [sub(mul(cos, a), mul(sin, b)), add(mul(sin, a), mul(cos, b))];
    const rotated = isInterleaved ? reshape(stack([real, imaginary], 4), [...lead, turned]) : concat([real, imaginary], 3);
    const whole = rest === undefined ? rotated : concat([rotated, rest], 3);
    return given.rank === 4 ? permute(whole, [0, 2, 1, 3]) : reshape(whole, given.shape);
  },
  opaque: [3],
};

/** A convolution of each channel over what is there and what was before it. */
const causalConvolution: Operator = {
  run(call) {
    const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.optional(2)];
    const kernel = weight.shape[2] as number;
    const [batch, channels] = x.shape as [Size, number];
    const past = call.optional(3) ?? zeros([batch, channels, kernel - 1]);
    const whole = kernel === 1 ? x : concat([past, x], 2);
    const y = apply1(convolutionOp, [whole, weight, bias], {
      stride: [1],
      dilation: [1],
      padBefore: [0],
      padAfter: [0],
      groups: channels,
    });
    const activation = call.attributes.string("activation", "none");
    if (!["none", "silu", "swish"].includes(activation))
      throw new ErmineError("ERMINE_UNSUPPORTED", `Its activation is ${JSON.stringify(activation)}.`);
    const length = whole.shape[2] as number;
    const state = kernel === 1 ? past : slice(whole, [0, 0, length - kernel + 1], [batch, channels, kernel - 1]);
    return [activation === "none" ? y : silu(y), state];
  },
};

/** Updates put into a cache from a place on, of each sample its own. */
const tensorScatter: Operator = {
  run(call) {
    const [cache, update] = [call.tensor(0), call.tensor(1)];
    const axis = normalizedAxis(call.attributes.int("axis", -2), cache.rank);
    const [length, steps] = [cache.shape[axis] as number, update.shape[axis] as number];
    const batch = cache.shape[0]!;
    const first = call.optional(2) ?? zeros([batch], { dtype: "int32" });
    // For each place of the cache which step of the update it gets, if one.
    const step = sub(reshape(places(length), [1, length]), reshape(first, [batch, 1]));
    const wrapped = call.attributes.string("mode", "linear") === "circular" ? remainder(step, length) : step;
    const isWritten = where(less(wrapped, 0), false, less(wrapped, steps));
    const along = (t: Tensor): Tensor =>
      broadcastTo(
        reshape(
          t,
          cache.shape.map((size, i) => (i === 0 || i === axis ? size : 1)),
        ),
        cache.shape,
      );
    const picked = gather(update, axis, along(where(isWritten, wrapped, 0)));
    return where(along(logicalNot(isWritten)), cache, picked);
  },
  opaque: [2],
};

export const attentions: Entries = [
  ["Attention", attention],
  ["RotaryEmbedding", rotary],
  ["CausalConvWithState", causalConvolution],
  ["TensorScatter", tensorScatter],
];
