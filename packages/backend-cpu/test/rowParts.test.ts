/** Loops whose rows do not meet run in parts of the batch: the bits of the whole, for any number of threads and rows. */
import { describe, expect, it } from "vitest";
import {
  add,
  at,
  compile,
  concat,
  indexSelect,
  linear,
  matmul,
  mean,
  mul,
  normal,
  relu,
  scan,
  slice,
  stack,
  sub,
  sum,
  tanh,
  tensor,
  valueAndGrad,
  where,
  zeros,
  greater,
  type Tensor,
} from "@ermine/core";
import { graphModule, isLoop, lowerModule, specialize, traceEntry } from "@ermine/core/backend";
import { GRU, LSTM } from "@ermine/core/nn";
import { cpu } from "../src/index.js";
import { fuse } from "../src/compiled/fuse.js";
import { withKernelInputs } from "../src/compiled/kernelInputs.js";
import { rowPartsOf } from "../src/compiled/rowParts.js";
import { backend, expectExact, numbers, useCpu } from "./exact.js";

useCpu();

type Step = [carry: Tensor, y: Tensor];
type Body = (h: Tensor, x: Tensor, w: Tensor, extra: Tensor) => Step;

function expectSame(computed: readonly number[], expected: readonly number[]): void {
  expect(computed).toHaveLength(expected.length);
  const place = computed.findIndex((value, i) => !Object.is(value, expected[i]));
  expect(place, `${computed[place]} for ${expected[place]} at ${place}`).toBe(-1);
}

/** The rows of each part of the one loop of a program; undefined: it runs as a whole. */
function partsOf(
  body: Body,
  [rows, size, steps]: readonly [number, number, number],
  extra: readonly number[],
): number[] | undefined {
  const { graph } = traceEntry("loop", (trace) => {
    const feed = (name: string, shape: readonly number[]): Tensor =>
      trace.feed(name, { shape, dtype: "float32", domain: "real" });
    const [w, other] = [feed("w", [size, size]), feed("extra", extra)];
    return scan((h: Tensor, x: Tensor) => body(h, x, w, other), zeros([rows, size]), feed("x", [steps, rows, size]));
  });
  const { entries } = lowerModule(graphModule({ loop: graph }), backend);
  const node = fuse(withKernelInputs(specialize(entries["loop"]!, {}))).nodes.find(isLoop)!;
  return rowPartsOf(node.op)?.map((part) => part.body.outputs[0]!.type.shape[0] as number);
}

const cell: Body = (h, x, w) => {
  const next = tanh(add(linear(h, w), x));
  return [next, next];
};

describe("the parts", () => {
  it.each([
    [7, undefined],
    [8, [4, 4]],
    [11, undefined],
    [12, [8, 4]],
    [16, [8, 8]],
    [17, [8, 9]],
    [20, [8, 8, 4]],
    [32, [8, 8, 8, 8]],
    [66, [12, 12, 12, 12, 12, 6]],
    [200, [28, 28, 28, 28, 28, 28, 28, 4]],
  ] as const)("of %i rows", (rows, sizes) => {
    expect(partsOf(cell, [rows, 32, 512], [1])).toEqual(sizes);
  });

  it("a loop of little work has none, nor has one whose weights fill a cache", () => {
    expect(partsOf(cell, [32, 4, 16], [1])).toBeUndefined();
    expect(partsOf(cell, [32, 1024, 16], [1])).toBeUndefined();
  });

  const meeting: Readonly<Record<string, Body>> = {
    "the mean over the batch": (h, x, w) => [add(linear(h, w), sub(x, mean(h, { axis: 0, keepDims: true }))), h],
    "a product of the state with itself": (h, x, w) => [add(linear(h, w), matmul(matmul(x, h, { transposeB: true }), h)), h],
    "rows that change places": (h, x, w) => [
      add(linear(h, w), concat([slice(x, [16, 0], [16, 32]), slice(x, [0, 0], [16, 32])], 0)),
      h,
    ],
    "rows that are looked up": (h, x, w) => [
      add(
        linear(h, w),
        indexSelect(
          x,
          0,
          tensor(
            Array.from({ length: 32 }, (_, i) => 31 - i),
            { dtype: "int32" },
          ),
        ),
      ),
      h,
    ],
    "an output of all rows": (h, x, w) => [add(linear(h, w), x), sum(h, { axis: 0 })],
    "columns in the places of rows": (h, x, w) => [add(linear(h, w), add(x, sum(x, { axis: 1 }))), h],
  };
  it.each(Object.entries(meeting))("a loop has none where rows meet: %s", (_, body) => {
    expect(partsOf(body, [32, 32, 512], [1])).toBeUndefined();
  });

  it("what is read from outside has the batch's rows where it is used so", () => {
    const body: Body = (h, x, w, extra) => [tanh(add(linear(h, w), mul(extra, x))), h];
    expect(partsOf(body, [32, 32, 512], [32, 32])).toEqual([8, 8, 8, 8]);
    expect(partsOf(body, [32, 32, 512], [32, 1])).toEqual([8, 8, 8, 8]);
    expect(partsOf(body, [32, 32, 512], [1, 32])).toEqual([8, 8, 8, 8]);
    // A weight may be as large.
    expect(partsOf((h, x, w, extra) => [add(linear(h, w), linear(x, extra)), h], [32, 32, 512], [32, 32])).toEqual([8, 8, 8, 8]);
    expect(partsOf((h, x, w, extra) => [add(linear(h, extra), mul(extra, x)), h], [32, 32, 512], [32, 32])).toBeUndefined();
  });
});

const bodies: Readonly<Record<string, Body>> = {
  "a product and a chain": cell,
  "pieces, a fill and a condition": (h, x, w, extra) => {
    const half = Math.floor((h.shape[1] as number) / 2);
    const rest = (h.shape[1] as number) - half;
    const left = slice(h, [0, 0], [h.shape[0] as number, half]);
    const right = slice(x, [0, half], [h.shape[0] as number, rest]);
    const next = where(greater(x, 0), tanh(matmul(concat([left, right], 1), w)), add(zeros(h.shape as number[]), mul(extra, x)));
    return [next, add(h, relu(next))];
  },
};

for (const [name, body] of Object.entries(bodies)) {
  describe(`in parts: ${name}`, () => {
    it.each([
      [8, 31],
      [13, 32],
      [17, 33],
      [33, 20],
      [66, 12],
    ])(
      "%i rows of %i elements are the steps written out, forwards and backwards",
      async (rows, size) => {
        const steps = Math.ceil(2 ** 20 / (2 * rows * size * size));
        const given = [normal([steps, rows, size]), mul(normal([size, size]), 0.2), normal([rows, 1])];
        const other = await cpu({ threads: 3 });
        for (const reverse of [false, true]) {
          const loop = (x: Tensor, w: Tensor, extra: Tensor): readonly Tensor[] =>
            scan((h: Tensor, each: Tensor) => body(h, each, w, extra), zeros([rows, size]), x, { reverse });
          const out = (x: Tensor, w: Tensor, extra: Tensor): readonly Tensor[] => {
            const ys: Tensor[] = [];
            let h: Tensor = zeros([rows, size]);
            for (let i = 0; i < steps; i++) {
              const t = reverse ? steps - 1 - i : i;
              [h, ys[t]] = body(h, at(x, t), w, extra);
            }
            return [h, stack(ys)];
          };
          const [first, second] = [compile(loop, { backend }), compile(out, { backend })];
          const expected = numbers(second(...(given as [Tensor, Tensor, Tensor])));
          for (let run = 0; run < 2; run++) expectSame(numbers(first(...(given as [Tensor, Tensor, Tensor]))), expected);
          const threads = compile(loop, { backend: other });
          const copies = given.map((t) => tensor(t.dataSync(), { shape: t.shape as number[] })) as [Tensor, Tensor, Tensor];
          for (let run = 0; run < 3; run++) expectSame(numbers(threads(...copies)), expected);
          [first, second, threads].forEach((each) => each.dispose());
        }
        other.dispose();
      },
      60_000,
    );

    it("has the reference's gradients", () => {
      const fn = (x: Tensor, w: Tensor, extra: Tensor): readonly Tensor[] => {
        const loss = (): Tensor => {
          const [last, ys] = scan((h: Tensor, each: Tensor) => body(h, each, w, extra), zeros([17, 20]), x);
          return add(mean(mul(ys, ys)), mean(last));
        };
        return valueAndGrad(loss, [x, w, extra]).grads;
      };
      expectExact(fn, [normal([80, 17, 20]), mul(normal([20, 20]), 0.2), normal([17, 1])]);
    }, 60_000);
  });
}

it.each([
  ["LSTM", LSTM],
  ["GRU", GRU],
] as const)(
  "an %s over sequences of several lengths, both ways, has the same bits on any number of threads",
  async (_, Layer) => {
    const layer = new Layer(12, 16, { bidirectional: true, numLayers: 2 });
    const x = normal([19, 40, 12]);
    const lengths = tensor(
      Array.from({ length: 19 }, (__, i) => (7 * i) % 41),
      { dtype: "int32" },
    );
    const backends = [await cpu({ threads: 3 }), await cpu({ threads: 1 })];
    const [first, second] = backends.map((other) => {
      const step = compile(
        (inputs: Tensor, counts: Tensor) => {
          const loss = (): Tensor => mean(mul(layer.forward(inputs, { lengths: counts }), 2));
          const { value, grads } = valueAndGrad(loss, layer.parameters());
          return [value, ...grads];
        },
        { backend: other },
      );
      const copies = [
        tensor(x.dataSync(), { shape: x.shape as number[] }),
        tensor(lengths.dataSync(), { dtype: "int32" }),
      ] as const;
      const result = numbers(step(...copies));
      step.dispose();
      return result;
    });
    expectSame(first!, second!);
    for (const other of backends) other.dispose();
  },
  60_000,
);
