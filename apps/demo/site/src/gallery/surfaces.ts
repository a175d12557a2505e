/** Landscapes of two parameters, and how optimizers move over them. */
import { add, cos, mul, scope, square, sub, sum, tensor, valueAndGrad, type Tensor } from "@ermine/core";
import { optimizers } from "@ermine/trainer/catalog";

/** A function of (x, y), in ops, over the square that is shown. */
export interface Surface {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  /** Of points (N, 2) the heights, (N). */
  height(x: Tensor, y: Tensor): Tensor;
  readonly low: readonly [number, number];
  readonly high: readonly [number, number];
  readonly start: readonly [number, number];
  /** The lowest point that is shown. */
  readonly minimum: readonly [number, number];
}

export const surfaces: readonly Surface[] = [
  {
    name: "valley",
    title: "Valley",
    about:
      "A quadratic, twenty times as steep one way as the other: one learning rate is too large for one axis or too small for the other.",
    height: (x, y) => add(mul(square(x), 0.05), square(y)),
    low: [-4, -2],
    high: [4, 2],
    start: [-3.5, 1.4],
    minimum: [0, 0],
  },
  {
    name: "rosenbrock",
    title: "Rosenbrock",
    about: "A curved valley whose floor is nearly flat: easy to find, slow to follow.",
    height: (x, y) => add(square(sub(1, x)), mul(square(sub(y, square(x))), 10)),
    low: [-2, -1],
    high: [2, 3],
    start: [-1.4, 2.4],
    minimum: [1, 1],
  },
  {
    name: "saddle",
    title: "Saddle",
    about: "Where it begins, the slope is almost 0; the way down is across.",
    height: (x, y) => add(sub(square(x), square(y)), mul(square(square(y)), 0.25)),
    low: [-2, -2],
    high: [2, 2],
    start: [-1.6, 0.01],
    minimum: [0, Math.SQRT2],
  },
  {
    name: "ripples",
    title: "Ripples",
    about: "A bowl with many small minima, in which small steps are caught.",
    height: (x, y) => sub(add(mul(add(square(x), square(y)), 0.1), 1), mul(mul(cos(mul(x, 3)), cos(mul(y, 3))), 0.5)),
    low: [-4, -4],
    high: [4, 4],
    start: [-3.3, 2.9],
    minimum: [0, 0],
  },
];

/** The optimizers that move a parameter: one of looked-up rows alone does not. */
export const moving: readonly string[] = Object.entries(optimizers).flatMap(([name, make]) =>
  make().rows === "only" ? [] : [name],
);

/** Heights over a grid of side × side, row by row from the upper left corner. */
export function heights({ height, low, high }: Surface, side: number): Float64Array {
  return scope(() => {
    const at = (part: number, axis: 0 | 1): number => low[axis] + (high[axis] - low[axis]) * part;
    const cells = Array.from({ length: side * side }, (_, i) => i);
    const x = tensor(Float64Array.from(cells, (i) => at(((i % side) + 0.5) / side, 0)));
    const y = tensor(Float64Array.from(cells, (i) => at(1 - (Math.floor(i / side) + 0.5) / side, 1)));
    return Float64Array.from(height(x, y).dataSync());
  });
}

/** Where an optimizer goes from the surface's start; it ends early where it leaves the map by far. */
export function trajectory({ height, start }: Surface, name: string, learningRate: number, steps: number): [number, number][] {
  const optimizer = optimizers[name]!({ learningRate, weightDecay: 0 });
  return scope(() => {
    const path: [number, number][] = [[...start]];
    // A row of a matrix: some optimizers are for matrices alone.
    const shape = [1, 2];
    let parameter: Tensor = tensor(Float64Array.from(start), { shape });
    let slots: readonly Tensor[] = Object.values(optimizer.slots(shape)).map(({ start: from, shape: of }) =>
      from === "parameter" ? parameter : tensor(new Float64Array(of.reduce((a, b) => a * b, 1)).fill(from), { shape: of }),
    );
    const axis = (t: Tensor, i: 0 | 1): Tensor => sum(mul(t, tensor(Float64Array.of(1 - i, i), { shape })));
    for (let step = 0; step < steps; step++) {
      const { grads } = valueAndGrad(() => height(axis(parameter, 0), axis(parameter, 1)), parameter);
      const scalars = tensor(Float64Array.from(optimizer.scalars({ step, epoch: 0 })));
      const next = optimizer.update({ parameters: [parameter], slots: [slots] }, [grads], scalars);
      [parameter, slots] = [next.parameters[0]!, next.slots[0]!];
      const [x, y] = parameter.dataSync();
      // What has left the map by far does not come back.
      if (!(Math.abs(x!) < 100 && Math.abs(y!) < 100)) break;
      path.push([x!, y!]);
    }
    return path;
  });
}
