/** The laws of scan: it is the loop written out, in value and gradient, forwards and backwards, nested, eager and compiled. */
import { describe, expect, it } from "vitest";
import {
  abs,
  add,
  at,
  bernoulli,
  cast,
  compile,
  cos,
  div,
  grad,
  indexSelect,
  linear,
  manualSeed,
  matmul,
  mul,
  noGrad,
  normal,
  ones,
  Parameter,
  scalar,
  scan,
  sin,
  stack,
  stopGradient,
  sub,
  sum,
  tanh,
  tensor,
  useBackend,
  valueAndGrad,
  Variable,
  withRandom,
  zeros,
  type ScanOptions,
  type Tensor,
} from "../../src/index.js";
import { type Graph, embeddingOp, isLoop, loopOf, observeOps, traceEntry } from "../../src/entries/backend.js";
import { apply1 } from "../../src/entries/define.js";
import { leaves } from "../../src/types/tree.js";
import { checkGradients } from "../../src/reference/index.js";
import { backend, expectSame, late, numbers, poor, useReference } from "./reference.js";

useReference();

type Body<C, X, Y> = (carry: C, x: X) => readonly [C, Y];
type Loop = typeof scan;

/** The meaning of `scan`, as a loop: for one tensor of xs and of y. */
const writtenOut: Loop = ((body: Body<unknown, Tensor, Tensor>, carry: unknown, xs: Tensor, { reverse }: ScanOptions = {}) => {
  const length = xs.shape[0] as number;
  const ys: Tensor[] = [];
  let state = carry;
  for (let i = 0; i < length; i++) {
    const t = reverse === true ? length - 1 - i : i;
    const [next, y] = body(state, at(xs, t));
    [state, ys[t]] = [next, y];
  }
  return [state, stack(ys)];
}) as Loop;

const size = 3;
const weight = new Parameter(zeros([size, size]), { name: "weight" });
const bias = new Parameter(zeros([size]), { name: "bias" });

/** A recurrent network with all kinds of inputs: variables, a captured tensor, a matrix product, an elementwise product, a step's own numbers. */
const cell =
  (captured: Tensor) =>
  (h: Tensor, x: Tensor): [Tensor, Tensor] => {
    const gates = add(linear(h, weight.value, bias.value), mul(matmul(x, captured), bias.value));
    const next = tanh(add(gates, mul(sin(h), x)));
    return [next, mul(next, x)];
  };

const draw = () => {
  weight.value = normal([size, size], 0, 0.5);
  bias.value = normal([size]);
  return { x: normal([5, 2, size]), captured: normal([size, size]), start: normal([2, size]) };
};

const lossOf =
  (loop: Loop, options?: ScanOptions) =>
  ({ x, captured, start }: ReturnType<typeof draw>): Tensor => {
    const [last, ys] = loop(cell(captured), start, x, options);
    return add(sum(mul(ys, ys)), sum(mul(last, captured.shape[0] as number)));
  };

describe("scan is the loop written out", () => {
  it.each([{}, { reverse: true }])("in values, %o", (options) => {
    const { x, captured, start } = draw();
    expectSame(scan(cell(captured), start, x, options), writtenOut(cell(captured), start, x, options));
  });

  it.each([{}, { reverse: true }])("in gradients of weights, start, steps and captured tensors, %o", (options) => {
    const given = draw();
    const sources = [weight, bias, given];
    const gradients = (loop: Loop) => valueAndGrad(() => lossOf(loop, options)(given), sources);
    expectSame(gradients(scan), gradients(writtenOut));
  });

  it.each([{}, { reverse: true }])("in gradients of gradients, %o", (options) => {
    const given = draw();
    const sources = [weight, bias, given];
    const second = (loop: Loop) =>
      valueAndGrad(() => {
        const { grads } = valueAndGrad(() => lossOf(loop, options)(given), sources);
        return (leaves(grads) as Tensor[]).map((g) => sum(mul(g, g))).reduce((a, b) => add(a, b));
      }, sources);
    expectSame(second(scan), second(writtenOut), 9);
  });

  it("in third gradients", () => {
    const f = (loop: Loop) => (x: Tensor) =>
      loop((c, each: Tensor) => [mul(c, sin(mul(each, x))), c], scalar(1), tensor([1, 2, 3]))[0];
    const third = (loop: Loop) => {
      const g = (x: Tensor) => grad(f(loop))(x);
      const gg = (x: Tensor) => grad(g)(x);
      return grad(gg)(scalar(0.4));
    };
    expectSame(third(scan), third(writtenOut));
  });

  it("nested, the inner over the outer's state and steps", () => {
    const run = (loop: Loop, x: Tensor, w: Tensor): Tensor => {
      const [last, ys] = loop(
        (outer: Tensor, row: Tensor) => {
          const [inner, all] = loop((c: Tensor, each: Tensor) => [tanh(add(mul(c, w), mul(each, outer))), mul(c, c)], outer, row);
          return [add(inner, sum(all)), mul(inner, w)];
        },
        scalar(0.3),
        x,
      );
      return add(last, sum(ys));
    };
    const [x, w] = [normal([4, 3]), scalar(0.7)];
    const both = (loop: Loop) => valueAndGrad(() => run(loop, x, w), [x, w]);
    expectSame(both(scan), both(writtenOut));
    const second = (loop: Loop) => valueAndGrad(() => sum(mul(both(loop).grads[0]!, both(loop).grads[1]!)), [x, w]);
    expectSame(second(scan), second(writtenOut), 9);
  });

  it("with tables that are looked up and integers that go along", () => {
    const table = normal([4, 2]);
    const indices = tensor(
      [
        [0, 3],
        [2, 2],
        [1, 0],
      ],
      { dtype: "int32" },
    );
    const run = (loop: Loop) =>
      valueAndGrad(() => {
        const body: Body<{ count: Tensor; sum: Tensor }, Tensor, Tensor> = ({ count, sum: total }, at) => {
          const rows = indexSelect(table, 0, at);
          const other = apply1(embeddingOp, [table, at], { paddingIdx: 2, scaleGradByFreq: false });
          return [
            { count: add(count, at), sum: tanh(add(total, mul(rows, other))) },
            mul(rows, cast(count, "float32").shape[0] as number),
          ];
        };
        const [last, ys] = loop(body, { count: zeros([2], { dtype: "int32" }), sum: zeros([2, 2]) }, indices);
        return [add(sum(last.sum), sum(mul(ys, ys))), last.count] as const;
      }, table);
    expectSame(run(scan), run(writtenOut));
    expect((run(scan).value[1] as Tensor).toArray()).toEqual([3, 5]);
  });
});

it("the gradient is the slope", () => {
  const { x, captured, start } = draw();
  const [w, b] = [weight.value, bias.value];
  const fn = (...[steps, from, by, product, shift]: readonly Tensor[]): Tensor => {
    const body: Body<Tensor, Tensor, Tensor> = (h, each) => {
      const next = tanh(add(add(linear(h, product!, shift), matmul(each, by!)), mul(cos(h), shift!)));
      return [next, mul(next, each)];
    };
    const [last, ys] = scan(body, from!, steps!, { reverse: true });
    return add(sum(mul(ys, ys)), sum(mul(last, last)));
  };
  checkGradients(fn, [x, start, captured, w, b]);
});

describe("trees", () => {
  it("of carry, steps and outputs keep their form, and what is absent stays so", () => {
    const xs = { a: tensor([1, 2]), b: [tensor([[1], [2]])] } as const;
    const [carry, ys] = scan(
      ({ n, list }, { a, b }) => [
        { n: add(n, a), list: [add(list[0]!, b[0])] },
        { twice: [mul(a, 2), undefined], n },
      ],
      { n: scalar(0), list: [zeros([1])] },
      xs,
    );
    expect([carry.n.item(), carry.list[0]!.toArray()]).toEqual([3, [3]]);
    expect([(ys.twice[0] as Tensor).toArray(), ys.twice[1], ys.n.toArray()]).toEqual([[2, 4], undefined, [0, 1]]);
  });

  it("no xs, with a length; and no y", () => {
    const [value, none] = scan((c) => [mul(c, 2), undefined], scalar(1), undefined, { length: 10 });
    expect([value.item(), none]).toEqual([1024, undefined]);
  });

  it("an output that is the carry, a step, or a tensor from outside as it is", () => {
    const outside = tensor([5, 6]);
    const xs = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const run = (loop: Loop) =>
      valueAndGrad(() => {
        const [last, ys] = loop((c: Tensor, x: Tensor) => [x, stack([c, outside])], outside, xs);
        return sum(mul(sum(ys, { axis: 0 }), last));
      }, [outside, xs]);
    expectSame(run(scan), run(writtenOut));
  });
});

describe("lengths", () => {
  it("0: the carry as it is, and nothing stacked", () => {
    const [w, x] = [
      tensor([
        [2, 0],
        [0, 2],
      ]),
      zeros([0, 2]),
    ];
    const run = () => scan((c: Tensor, each: Tensor) => [linear(add(c, each), w), c], tensor([1, 2]), x);
    const [last, ys] = run();
    expect([last.toArray(), ys.shape]).toEqual([
      [1, 2],
      [0, 2],
    ]);
    const { grads } = valueAndGrad(() => add(sum(run()[0]), sum(run()[1])), { w, x });
    expect([grads.w.toArray(), grads.x.shape]).toEqual([
      [
        [0, 0],
        [0, 0],
      ],
      [0, 2],
    ]);
    const compiled = compile(() => run());
    expect((compiled() as Tensor[]).map((t) => t.shape)).toEqual([[2], [0, 2]]);
    compiled.dispose();
  });

  it("1: one step", () => {
    const run = (x: Tensor) => scan((c: Tensor, each: Tensor) => [mul(c, each), c], scalar(3), x);
    expect(numbers(run(tensor([4])))).toEqual([[12], [3]]);
    const compiled = compile(run);
    expect(numbers(compiled(tensor([4])))).toEqual([[12], [3]]);
    compiled.dispose();
  });

  it("an open first axis of what is not the steps", () => {
    const run = (x: Tensor) => scan((c: Tensor, each: Tensor) => [add(c, each), c], zeros([x.shape[0]!]), stack([x, x, x]))[0];
    const compiled = compile(run, { symbolicBatch: true });
    expect(compiled(tensor([1, 2])).toArray()).toEqual([3, 6]);
    expect(compiled(tensor([1, 2, 3])).toArray()).toEqual([3, 6, 9]);
    compiled.dispose();
  });

  it("an open number of steps", () => {
    const run = (x: Tensor) => {
      const { value, grads } = valueAndGrad(
        () => sum(scan((c: Tensor, each: Tensor) => [tanh(add(c, each)), c], scalar(0), x)[1]),
        x,
      );
      return [value, grads];
    };
    const compiled = compile(run, { symbolicBatch: true });
    for (const x of [tensor([1, 2]), tensor([1, 2, 3, 4]), zeros([0])]) expectSame(compiled(x), run(x));
    compiled.dispose();
  });
});

describe("compiled", () => {
  it.each([
    ["reference", backend],
    ["float32 alone, without random bits", poor],
  ])("is eager: %s", (_, on) => {
    useBackend(on);
    const given = draw();
    const step = (x: Tensor, captured: Tensor, start: Tensor) => {
      const { value, grads } = valueAndGrad(() => lossOf(scan)({ x, captured, start }), [weight, x, captured, start]);
      return [value, ...grads];
    };
    const compiled = compile(step, { backend: on });
    expectSame(compiled(given.x, given.captured, given.start), step(given.x, given.captured, given.start), 10);
    compiled.dispose();
  });

  it("works where the backend answers later", async () => {
    useBackend(late);
    const compiled = compile((x: Tensor) => scan((c: Tensor, each: Tensor) => [add(c, each), c], scalar(0), x), {
      backend: late,
    });
    const [last, ys] = compiled(tensor([1, 2, 3]));
    expect([...(await last.data()), ...(await ys.data())]).toEqual([6, 0, 1, 3]);
    compiled.dispose();
  });

  it("leaves nothing behind", () => {
    const given = draw();
    const compiled = compile(({ x, captured, start }: typeof given) => lossOf(scan)({ x, captured, start }));
    compiled(given).dispose();
    const before = backend.memory().tensors;
    for (let i = 0; i < 3; i++) compiled(given).dispose();
    expect(backend.memory().tensors).toBe(before);
    compiled.dispose();
  });

  it("has one node for the loop at any length, and its gradient one more", () => {
    const nodesAt = (length: number): number => {
      const x = zeros([length, 2, size]);
      const { graph } = traceEntry("loop", () => {
        const { value, grads } = valueAndGrad(
          () => lossOf(scan)({ x, captured: ones([size, size]), start: zeros([2, size]) }),
          weight,
        );
        return [value, grads];
      });
      expect(graph.nodes.filter(isLoop)).toHaveLength(2);
      return graph.nodes.length;
    };
    expect(nodesAt(1000)).toBe(nodesAt(2));
  });

  it("notices a body that does something else each time", () => {
    let count = 0;
    const compiled = compile((x: Tensor) => scan((c: Tensor, each: Tensor) => [mul(c, mul(each, ++count)), c], scalar(1), x));
    expect(() => compiled(tensor([1, 2]))).toThrow(/each time that it is traced/);
  });
});

/** The backward loop of a traced gradient. */
function backwardBody(fn: () => Tensor, source: Parameter): { readonly body: Graph; readonly graph: Graph } {
  const { graph } = traceEntry("gradient", () => valueAndGrad(fn, source).grads);
  const loops = graph.nodes.filter(isLoop);
  return { body: loopOf(loops.at(-1)!.op)!.body, graph };
}

it("gradients of weights are one product after the loop, not a sum from step to step", () => {
  const { x, start } = draw();
  const body = (h: Tensor, each: Tensor): [Tensor, Tensor] => {
    const next = tanh(add(linear(h, weight.value, bias.value), each));
    return [next, next];
  };
  const back = backwardBody(() => sum(scan(body, start, x)[1]), weight);
  const madeInside = back.body.nodes.flatMap(({ outputs }) =>
    outputs.filter(({ type }) => type.shape.join() === `${size},${size}`),
  );
  // The weight itself alone, which the gradient of the state is multiplied with.
  expect(madeInside.filter(({ node }) => node.kind === "op")).toEqual([]);
  const products = back.graph.nodes.filter((node) => node.kind === "op" && node.op.name === "matmul");
  expect(products.map(({ outputs }) => outputs[0]!.type.shape)).toEqual([[size, size]]);
});

it("a step keeps only what its gradient reads", () => {
  const x = normal([7, size]);
  const { graph } = traceEntry(
    "kept",
    () =>
      valueAndGrad(() => sum(scan((c: Tensor, each: Tensor) => [add(c, mul(each, 2)), undefined], zeros([size]), x)[0]), x).grads,
  );
  const [forward] = graph.nodes.filter(isLoop);
  // Only the carry: sums and products with a number need nothing of a step.
  expect(forward!.outputs.map(({ type }) => type.shape)).toEqual([[size]]);
});

describe("what the body may do", () => {
  it("reads variables and tensors, and gradients flow to them where they may", () => {
    const given = draw();
    const both = (loop: Loop) =>
      valueAndGrad(() => {
        const body: Body<Tensor, Tensor, Tensor> = (h, x) => {
          const fixed = stopGradient(given.captured);
          const constant = noGrad(() => mul(h, sum(given.captured)));
          const next = tanh(add(matmul(h, fixed), add(x, constant)));
          return [next, mul(stopGradient(next), matmul(x, given.captured))];
        };
        const [last, ys] = loop(body, given.start, given.x);
        return add(sum(ys), sum(last));
      }, given);
    expectSame(both(scan), both(writtenOut));
  });

  it("differentiates inside", () => {
    const w = scalar(0.5);
    const energy = (q: Tensor): Tensor => mul(w, sum(mul(q, mul(q, q))));
    const run = (loop: Loop) =>
      valueAndGrad(
        () =>
          sum(
            loop(
              (q: Tensor, dt: Tensor) => [sub(q, mul(dt, grad(energy)(q))), q],
              tensor([0.4, 0.2]),
              tensor([0.1, 0.2, 0.1]),
            )[1],
          ),
        w,
      );
    expectSame(run(scan), run(writtenOut));
  });

  it("draws random numbers: each step its own, each call others, the same for a seed, and constants to the gradient", () => {
    const run = () =>
      scan((c: Tensor, x: Tensor) => [c, cast(bernoulli(mul(ones([8]), x)), "float32")], scalar(0), tensor([0.5, 0.5, 0.5]))[1];
    const [first, second] = [run(), run()].map((t) => numbers(t)[0]!);
    const rows = [0, 8, 16].map((from) => first!.slice(from, from + 8).join());
    expect(new Set(rows).size).toBe(3);
    expect(first).not.toEqual(second);
    manualSeed(3);
    expect(numbers(run())[0]).toEqual(first);
    const x = ones([3, 8]);
    const masked = () =>
      valueAndGrad(() => {
        const ys = scan(
          (c: Tensor, each: Tensor) => [c, mul(each, cast(bernoulli(mul(ones([8]), 0.5)), "float32"))],
          scalar(0),
          x,
        )[1];
        return [sum(ys), ys] as const;
      }, x);
    const { value, grads } = masked();
    expect(numbers(grads)).toEqual(numbers(value[1]));
  });

  it.each([
    ["reference", backend],
    ["fed with random numbers", poor],
  ])("draws from counters in a program: %s", (_, on) => {
    useBackend(on);
    const run = (counters: Tensor) =>
      withRandom({ seed: 1, counters }, () =>
        scan((c: Tensor) => [c, cast(bernoulli(mul(ones([16]), 0.5)), "float32")], scalar(0), undefined, { length: 4 }),
      )[1] as Tensor;
    const compiled = compile(run, { backend: on });
    const at = (step: number) => tensor([step, 0, 0], { dtype: "int32" });
    expect(numbers(compiled(at(1)))).toEqual(numbers(compiled(at(1))));
    expect(numbers(compiled(at(1)))).not.toEqual(numbers(compiled(at(2))));
    if (on === backend) expect(numbers(compiled(at(1)))).toEqual(numbers(run(at(1))));
    compiled.dispose();
  });

  it("writes no variable", () => {
    const count = new Variable(scalar(0), { name: "count" });
    const run = () =>
      scan(
        (c: Tensor, x: Tensor) => {
          count.value = add(count.value, 1);
          return [add(c, x), c];
        },
        scalar(0),
        tensor([1, 2]),
      );
    expect(run).toThrow(/writes count, .* Let what changes go from step to step/s);
    expect(count.value.item()).toBe(0);
    expect(() => compile(run)()).toThrow(/writes count/);
  });

  it("is watched op by op", () => {
    const seen: string[] = [];
    observeOps(
      (op) => seen.push(op.name),
      () => scan((c: Tensor, x: Tensor) => [div(c, x), c], scalar(1), tensor([1, 0])),
    );
    expect(seen.filter((name) => name === "div")).toHaveLength(2);
    expect(seen).not.toContain("scan");
  });
});

describe("refusals", () => {
  const xs = tensor([1, 2]);
  const body = (c: Tensor, x: Tensor): [Tensor, Tensor] => [add(c, x), c];
  it.each<[string, () => unknown, RegExp]>([
    [
      "another shape",
      () => scan((c: Tensor, x: Tensor) => [stack([c, x]), c], scalar(0), xs),
      /carry is \[\] before a step and \[2\] after it/,
    ],
    [
      "another dtype",
      () => scan((c: Tensor) => [cast(c, "int32"), c], scalar(0), xs),
      /float32 before a step and int32 after it.*cast/,
    ],
    [
      "another form",
      () => scan((c: unknown) => [[c, c], c] as never, scalar(0), xs),
      /hands on 0, 1, and the carry is one tensor/,
    ],
    [
      "different lengths",
      () => scan((c: Tensor) => [c, c], scalar(0), { a: xs, b: zeros([3]) }),
      /xs\.b \[3\] has 3 steps, and xs\.a has 2/,
    ],
    ["another length than said", () => scan(body, scalar(0), xs, { length: 3 }), /xs \[2\] has 2 steps, and length is 3/],
    ["no length", () => scan((c: Tensor) => [c, c], scalar(0), undefined), /give \{ length \}/],
    ["a length that is none", () => scan(body, scalar(0), xs, { length: 1.5 }), /length is a whole number ≥ 0, got 1\.5/],
    ["no axis for the steps", () => scan(body, scalar(0), scalar(1)), /xs has no axis for the steps/],
    ["no tensors", () => scan(body as never, 0 as never, xs), /the carry is a tree of tensors .* is 0/],
    ["no pair", () => scan(((c: Tensor) => c) as never, scalar(0), xs), /the body gives \[the next carry, y\], got a tensor/],
    ["an async body", () => scan((async () => [scalar(0), scalar(0)]) as never, scalar(0), xs), /cannot be async/],
    ["an unknown option", () => scan(body, scalar(0), xs, { reversed: true } as never), /reversed/],
    ["no function", () => scan(xs as never, scalar(0), xs), /scan\(\(carry, x\)/],
  ])("%s", (_, run, message) => {
    expect(run).toThrow(expect.objectContaining({ name: "ErmineError", message: expect.stringMatching(message) as string }));
    expect(numbers(scan(body, scalar(0), xs))).toEqual([[3], [0, 1]]);
  });

  it("a tensor of the body that was kept outside of it", () => {
    let leaked: Tensor | undefined;
    scan((c: Tensor, x: Tensor) => [add((leaked = c), x), c], scalar(0), xs);
    expect(() => abs(leaked!)).toThrow();
  });
});
