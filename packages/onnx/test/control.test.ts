/** If, Loop and Scan: decided or stepped through where the host knows, and conditionals and loops of the program where it does not. */
import { beforeAll, describe, expect, test } from "vitest";
import { compile, Dim, ErmineError, leaves, ones, scalar, sum, tensor, Tensor, useBackend, valueAndGrad } from "@ermine/core";
import { isConditional, isLoop, traceEntry } from "@ermine/core/backend";
import { reference } from "@ermine/core/reference";
import { loadModel, type ImportedModel } from "../src/index.js";
import type { GraphProto } from "../src/proto/messages.js";
import { fileOf, floats, ints, node, value, type FileParts } from "./graphs.js";

beforeAll(async () => useBackend(await reference()));

const body = (graph: Partial<GraphProto>): GraphProto => ({ name: "body", input: [], ...graph });
const output = (name: string) => ({ name });

/** y = x · w where the condition holds, x + shift elsewhere. */
const conditional = (): Uint8Array =>
  fileOf({
    input: [value("x", "float32", ["N", 2]), value("condition", "bool", [])],
    output: [value("y", "float32")],
    initializer: [floats("w", [2], [2, 3]), floats("shift", [2], [10, 20])],
    node: [
      node("If", ["condition"], ["chosen"], {
        then_branch: body({ node: [node("Mul", ["x", "w"], ["a"])], output: [output("a")] }),
        else_branch: body({ node: [node("Add", ["x", "shift"], ["b"])], output: [output("b")] }),
      }),
      node("Add", ["chosen", "x"], ["y"]),
    ],
  });

/** How many conditionals and loops the program of the model has. */
function countsOf(
  model: ImportedModel,
  given: readonly { shape: readonly (number | Dim)[]; dtype: "float32" | "bool" | "int32" }[],
) {
  const { graph } = traceEntry("test", (trace) => {
    const feeds = given.map((type, i) => trace.feed(`${i}`, { ...type, domain: "real" }));
    return leaves(model.forward(...feeds)).filter((leaf): leaf is Tensor => leaf instanceof Tensor);
  });
  return {
    conditionals: graph.nodes.filter(isConditional).length,
    loops: graph.nodes.filter(isLoop).length,
  };
}

const flag = (isTrue: boolean): Tensor => scalar(Number(isTrue), { dtype: "bool" });

describe("If", () => {
  test("of a condition that is known is the branch alone, in the program it is cond", () => {
    const model = loadModel(conditional());
    const x = tensor([[1, 2]]);
    expect((model.forward(x, flag(true)) as Tensor).toArray()).toEqual([[3, 8]]);
    expect((model.forward(x, flag(false)) as Tensor).toArray()).toEqual([[12, 24]]);
    const program = compile((a: Tensor, condition: Tensor) => model.forward(a, condition) as Tensor);
    expect(program(x, flag(true)).toArray()).toEqual([[3, 8]]);
    expect(program(x, flag(false)).toArray()).toEqual([[12, 24]]);
    program.dispose();
    const types = [
      { shape: [Dim.symbol("N"), 2], dtype: "float32" as const },
      { shape: [], dtype: "bool" as const },
    ];
    expect(countsOf(model, types)).toMatchObject({ conditionals: 1, loops: 0 });
  });

  test("of a constant of the file is decided when the program is made", () => {
    const decided = fileOf({
      input: [value("x", "float32", [2])],
      output: [value("y", "float32")],
      initializer: [{ name: "yes", dims: [], dataType: 9, rawData: Uint8Array.of(1) }, floats("w", [2], [2, 3])],
      node: [
        node("If", ["yes"], ["y"], {
          then_branch: body({ node: [node("Mul", ["x", "w"], ["a"])], output: [output("a")] }),
          else_branch: body({ node: [node("ReduceSum", ["x"], ["b"])], output: [output("b")] }),
        }),
      ],
    });
    const model = loadModel(decided);
    expect(countsOf(model, [{ shape: [2], dtype: "float32" }])).toMatchObject({ conditionals: 0 });
  });

  test("gradients flow through the branch that is taken, compiled as well", () => {
    const model = loadModel(conditional());
    const gradients = (x: Tensor, condition: Tensor): readonly Tensor[] =>
      valueAndGrad(() => sum(model.forward(x, condition) as Tensor), model.parameters()).grads as readonly Tensor[];
    const program = compile(gradients);
    for (const run of [gradients, program]) {
      expect(run(tensor([[1, 2]]), flag(true)).map((t) => t.toArray())).toEqual([
        [1, 2],
        [0, 0],
      ]);
      expect(run(tensor([[1, 2]]), flag(false)).map((t) => t.toArray())).toEqual([
        [0, 0],
        [1, 1],
      ]);
    }
    program.dispose();
  });

  test("whose branches give other shapes is refused in a program, and runs without", () => {
    const model = loadModel(
      fileOf({
        input: [value("x", "float32", [2]), value("condition", "bool", [])],
        output: [value("y", "float32")],
        node: [
          node("If", ["condition"], ["y"], {
            then_branch: body({ node: [node("Neg", ["x"], ["a"])], output: [output("a")] }),
            else_branch: body({ node: [node("ReduceSum", ["x"], ["b"])], output: [output("b")] }),
          }),
        ],
      }),
    );
    expect((model.forward(ones([2]), flag(false)) as Tensor).toArray()).toEqual([2]);
    const program = compile((a: Tensor, condition: Tensor) => model.forward(a, condition) as Tensor);
    expect(() => program(ones([2]), flag(true))).toThrow(/If "y".*branches give float32 \[2\] and float32 \[1\]/);
    expect(() => program(ones([2]), flag(true))).toThrow(ErmineError);
  });

  test("a size that is open is the same within a branch and after it", () => {
    // The number of rows is a tensor in the branch first, and then after it.
    const model = loadModel(
      fileOf({
        input: [value("x", "int64", ["N"]), value("condition", "bool", [])],
        output: [value("y", "int64")],
        node: [
          node("Shape", ["x"], ["rows"]),
          node("If", ["condition"], ["chosen"], {
            then_branch: body({ node: [node("Add", ["x", "rows"], ["a"])], output: [output("a")] }),
            else_branch: body({ node: [node("Neg", ["x"], ["b"])], output: [output("b")] }),
          }),
          node("Add", ["chosen", "rows"], ["y"]),
        ],
      }),
    );
    const program = compile((a: Tensor, condition: Tensor) => model.forward(a, condition) as Tensor, { symbolicBatch: true });
    expect(program(tensor([1, 2, 3], { dtype: "int32" }), flag(true)).toArray()).toEqual([7, 8, 9]);
    expect(program(tensor([1, 2], { dtype: "int32" }), flag(false)).toArray()).toEqual([1, 0]);
    program.dispose();
  });
});

/** `steps` times: total ← total · w + step; stacks the totals. */
const loop = (steps: string, rest: Partial<FileParts> = {}, condition = "go"): Uint8Array =>
  fileOf({
    input: [value("x", "float32", ["N"])],
    output: [value("last", "float32"), value("totals", "float32")],
    initializer: [
      ints("many", [40], []),
      { name: "yes", dims: [], dataType: 9, rawData: Uint8Array.of(1) },
      floats("w", [1], [0.5]),
    ],
    node: [
      node("Shape", ["x"], ["rows"]),
      node("Loop", [steps, "yes", "x"], ["last", "totals"], {
        body: body({
          input: [value("step", "int64", []), value("go", "bool", []), value("total", "float32")],
          node: [
            node("Cast", ["step"], ["s"], { to: 1n }),
            node("Mul", ["total", "w"], ["half"]),
            node("Add", ["half", "s"], ["next"]),
            node("Identity", [condition], ["on"]),
          ],
          output: [output("on"), output("next"), output("next")],
        }),
      }),
    ],
    ...rest,
  });

const expectedTotals = (steps: number, start: readonly number[]): number[][] => {
  const rows: number[][] = [];
  let row = [...start];
  for (let step = 0; step < steps; step++) rows.push((row = row.map((total) => total * 0.5 + step)));
  return rows;
};

describe("Loop", () => {
  test("of a constant number of steps is one loop of the program, whatever their number", () => {
    const model = loadModel(loop("many"));
    const forward = (x: Tensor) => model.forward(x) as Record<string, Tensor>;
    const program = compile(forward, { symbolicBatch: true });
    for (const run of [forward, program]) {
      for (const start of [
        [1, 2],
        [3, 4, 5],
      ]) {
        const { last, totals } = run(tensor(start));
        const rows = expectedTotals(40, start);
        expect(totals!.shape).toEqual([40, start.length]);
        (last!.toArray() as number[]).forEach((total, i) => expect(total).toBeCloseTo(rows.at(-1)![i]!, 4));
      }
    }
    program.dispose();
    expect(countsOf(model, [{ shape: [3], dtype: "float32" }])).toMatchObject({ loops: 1 });
  });

  test("of as many steps as a size that is open is one program for all of them", () => {
    const model = loadModel(loop("rows"));
    const program = compile((x: Tensor) => model.forward(x) as Record<string, Tensor>, { symbolicBatch: true });
    for (const start of [[1, 2], [3, 4, 5], Array.from({ length: 20 }, (_, i) => i)]) {
      const { totals } = program(tensor(start));
      const rows = expectedTotals(start.length, start);
      expect(totals!.shape).toEqual([start.length, start.length]);
      (totals!.toArray() as number[][]).forEach((row, i) =>
        row.forEach((total, k) => expect(total).toBeCloseTo(rows[i]![k]!, 4)),
      );
    }
    program.dispose();
    expect(countsOf(model, [{ shape: [Dim.symbol("N")], dtype: "float32" }])).toMatchObject({ loops: 1 });
  });

  test("gradients flow through all its steps", () => {
    const model = loadModel(loop("many"), { trainable: (name) => name === "w" });
    const [w] = model.parameters();
    const gradient = (x: Tensor): Tensor =>
      (valueAndGrad(() => sum((model.forward(x) as Record<string, Tensor>)["last"]!), [w!]).grads as readonly Tensor[])[0]!;
    // The slope of the recursion: d ← d · w + total.
    let [slope, total] = [0, 1];
    for (let step = 0; step < 40; step++) [slope, total] = [slope * 0.5 + total, total * 0.5 + step];
    const program = compile(gradient);
    for (const run of [gradient, program]) expect(run(tensor([1])).toArray()).toEqual([expect.closeTo(slope, 2)]);
    program.dispose();
  });

  test("without an end is refused", () => {
    const model = loadModel(loop(""));
    expect(() => model.forward(tensor([1]))).toThrow(/Loop "last, totals".*it may have no end/);
  });
});

test("Scan over an axis of open size is one loop of the program", () => {
  const model = loadModel(
    fileOf({
      input: [value("x", "float32", ["N", 2])],
      output: [value("sums", "float32")],
      initializer: [floats("start", [2], [0, 0])],
      node: [
        node("Scan", ["start", "x"], ["", "sums"], {
          num_scan_inputs: 1n,
          body: body({
            input: [value("total", "float32"), value("row", "float32")],
            node: [node("Add", ["total", "row"], ["next"])],
            output: [output("next"), output("next")],
          }),
        }),
      ],
    }),
  );
  const program = compile((x: Tensor) => model.forward(x) as Tensor, { symbolicBatch: true });
  expect(
    program(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ).toArray(),
  ).toEqual([
    [1, 2],
    [4, 6],
    [9, 12],
  ]);
  expect(program(tensor([[1, 2]])).toArray()).toEqual([[1, 2]]);
  program.dispose();
  expect(countsOf(model, [{ shape: [Dim.symbol("N"), 2], dtype: "float32" }])).toMatchObject({ loops: 1 });
});
