/** Images looked up where a grid says. */
import {
  abs,
  add,
  broadcastTo,
  cast,
  clamp,
  div,
  ErmineError,
  floor,
  gather,
  greaterEqual,
  indexSelect,
  lessEqual,
  logicalAnd,
  matmul,
  mul,
  ones,
  remainder,
  reshape,
  round,
  stack,
  sub,
  tensor,
  where,
  equal,
  type Tensor,
} from "@ermine/core";
import type { Call, Entries, Operator } from "./operator.js";

type Padding = "zeros" | "border" | "reflection";

/** One neighbour of each point along an axis: its position, its weight, and whether it is there. */
interface Neighbour {
  readonly at: Tensor;
  readonly weight: Tensor;
  readonly isInside: Tensor | undefined;
}

/** Mirrored at the ends until it lies within. */
function reflected(x: Tensor, low: number, high: number): Tensor {
  const range = high - low;
  if (range === 0) return mul(x, 0);
  const far = abs(sub(x, low));
  const turns = floor(div(far, range));
  const rest = sub(far, mul(turns, range));
  return where(equal(remainder(turns, 2), 0), add(rest, low), sub(high, rest));
}

const cubicA = -0.75;

/** Keys' kernel at a distance below 1, and from 1 to 2. Source: Keys 1981. */
const cubicNear = (t: Tensor): Tensor => add(mul(mul(sub(mul(t, cubicA + 2), cubicA + 3), t), t), 1);
const cubicFar = (t: Tensor): Tensor => sub(mul(add(mul(sub(mul(t, cubicA), 5 * cubicA), t), 8 * cubicA), t), 4 * cubicA);

/** The neighbours of points, whose coordinates count from −1 to 1 along an axis of that size. */
function neighboursOf(
  coordinates: Tensor,
  size: number,
  mode: string,
  padding: Padding,
  alignCorners: boolean,
): readonly Neighbour[] {
  const [low, high] = alignCorners ? [0, size - 1] : [-0.5, size - 0.5];
  const raw = alignCorners ? mul(add(coordinates, 1), (size - 1) / 2) : div(sub(mul(add(coordinates, 1), size), 1), 2);
  const rounded = mode === "nearest" ? round(raw) : raw;
  const x =
    padding === "border" ? clamp(rounded, 0, size - 1) : padding === "reflection" ? reflected(rounded, low, high) : rounded;
  const start = floor(x);
  const share = sub(x, start);
  const weights: readonly (readonly [offset: number, weight: Tensor])[] =
    mode === "nearest"
      ? [[0, add(mul(x, 0), 1)]]
      : mode === "linear"
        ? [
            [0, sub(1, share)],
            [1, share],
          ]
        : [
            [-1, cubicFar(add(share, 1))],
            [0, cubicNear(share)],
            [1, cubicNear(sub(1, share))],
            [2, cubicFar(sub(2, share))],
          ];
  return weights.map(([offset, weight]) => {
    const at = offset === 0 ? start : add(start, offset);
    const isInside = padding === "zeros" ? logicalAnd(greaterEqual(at, 0), lessEqual(at, size - 1)) : undefined;
    const within = padding === "reflection" ? reflected(at, low, high) : at;
    return { at: cast(clamp(within, 0, size - 1), "int32"), weight, isInside };
  });
}

const modes: Readonly<Record<string, string>> = {
  bilinear: "linear",
  linear: "linear",
  bicubic: "cubic",
  cubic: "cubic",
  nearest: "nearest",
};

const gridSample: Operator = {
  run(call) {
    const [x, grid] = [call.tensor(0), call.tensor(1)];
    const given = call.attributes.string("mode", "linear");
    const padding = call.attributes.string("padding_mode", "zeros") as Padding;
    if (!Object.hasOwn(modes, given) || !["zeros", "border", "reflection"].includes(padding))
      throw new ErmineError("ERMINE_DATA", `Its mode is ${JSON.stringify(given)}, its padding ${JSON.stringify(padding)}.`);
    const sizes = x.shape.slice(2) as readonly number[];
    const [batch, channels] = x.shape as readonly number[];
    const points = (grid.shape.slice(1, -1) as readonly number[]).reduce((a, b) => a * b, 1);
    const flat = reshape(grid, [batch!, points, sizes.length]);
    const axes = sizes.map((size, axis) => {
      // A grid has the last axis first.
      const column = indexSelect(flat, 2, tensor(Int32Array.of(sizes.length - 1 - axis)));
      return neighboursOf(reshape(column, [batch!, points]), size, modes[given]!, padding, call.attributes.flag("align_corners"));
    });
    const image = reshape(x, [batch!, channels!, sizes.reduce((a, b) => a * b, 1)]);
    const around = axes.reduce<readonly Neighbour[]>(
      (corners, neighbours, axis) =>
        corners.length === 0
          ? neighbours
          : corners.flatMap((corner) =>
              neighbours.map((neighbour) => ({
                at: add(mul(corner.at, sizes[axis]!), neighbour.at),
                weight: mul(corner.weight, neighbour.weight),
                isInside: corner.isInside && logicalAnd(corner.isInside, neighbour.isInside!),
              })),
            ),
      [],
    );
    const parts = around.map(({ at, weight, isInside }) => {
      const indices = broadcastTo(reshape(at, [batch!, 1, points]), [batch!, channels!, points]);
      const counted = isInside === undefined ? weight : where(isInside, weight, 0);
      return mul(gather(image, 2, indices), reshape(counted, [batch!, 1, points]));
    });
    return reshape(
      parts.reduce((a, b) => add(a, b)),
      [batch!, channels!, ...grid.shape.slice(1, -1)],
    );
  },
};

/** Where each element of an image comes from, of an affine map: [N, …size, axes]. */
const affineGrid: Operator = {
  run(call) {
    const theta = call.tensor(0);
    const [batch, , ...sizes] = call.numbers(1) as [number, number, ...number[]];
    call.checkSize([batch, ...sizes, sizes.length]);
    const isAligned = call.attributes.flag("align_corners");
    const at = (i: number, size: number): number =>
      isAligned ? (size === 1 ? 0 : -1 + (2 * i) / (size - 1)) : -1 + (2 * i + 1) / size;
    const points = sizes.reduce((a, b) => a * b, 1);
    // The last axis first, and a 1 for what is added.
    const columns = sizes
      .map((size, axis) =>
        broadcastTo(
          tensor(
            Float32Array.from({ length: size }, (_, i) => at(i, size)),
            { shape: sizes.map((n, k) => (k === axis ? n : 1)) },
          ),
          sizes,
        ),
      )
      .reverse();
    const base = reshape(stack([...columns, ones(sizes)], -1), [1, points, sizes.length + 1]);
    return reshape(matmul(base, theta, { transposeB: true }), [batch, ...sizes, sizes.length]);
  },
  statics: [1],
};

/** A window of so many elements, from a cosine's terms. */
const cosineWindow = (terms: readonly number[]): Operator => ({
  run(call: Call) {
    const size = call.number(0);
    call.checkSize([size]);
    const period = call.attributes.flag("periodic", true) ? size : size - 1;
    return tensor(
      Float32Array.from({ length: size }, (_, i) =>
        terms.reduce((sum, term, k) => sum + term * Math.cos((2 * Math.PI * k * i) / period), 0),
      ),
    );
  },
  statics: [0],
});

export const grids: Entries = [
  ["GridSample", gridSample],
  ["AffineGrid", affineGrid],
  ["HannWindow", cosineWindow([0.5, -0.5])],
  ["HammingWindow", cosineWindow([25 / 46, -21 / 46])],
  ["BlackmanWindow", cosineWindow([0.42, -0.5, 0.08])],
];
