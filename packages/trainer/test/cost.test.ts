import { describe, expect, it } from "vitest";
import { convolution, grad, matmul, mul, scaledDotProductAttention, sum, type Tensor } from "@ermine/core";
import { type OpNode, traceEntry } from "@ermine/core/backend";
import { apply1, defineOp } from "@ermine/core/define";
import { costOf } from "../src/plan/cost.js";

type Shapes = readonly (readonly number[])[];

/** The ops of a traced function of float32 inputs. */
function opsOf(fn: (...inputs: Tensor[]) => unknown, shapes: Shapes): OpNode[] {
  const { graph } = traceEntry("f", (trace) =>
    fn(...shapes.map((shape, i) => trace.feed(`x${i}`, { shape, dtype: "float32", domain: "real" }))),
  );
  return graph.nodes.flatMap((node) => (node.kind === "op" ? [node] : []));
}

/** Cost of the last op of that name, given which of its outputs are read. */
function flopsOf(name: string, nodes: readonly OpNode[], isRead = (_: number): boolean => true): number {
  const node = nodes.findLast(({ op }) => op.name === name)!;
  return costOf([node], ({ index }) => isRead(index)).flops;
}

describe("operations", () => {
  it.each<readonly [string, (...inputs: Tensor[]) => unknown, Shapes, number]>([
    [
      "matmul",
      (a, b) => matmul(a!, b!),
      [
        [5, 2, 3],
        [3, 4],
      ],
      2 * 5 * 2 * 3 * 4,
    ],
    [
      "matmul",
      (a, b) => matmul(a!, b!, { transposeA: true, transposeB: true }),
      [
        [3, 2],
        [4, 3],
      ],
      2 * 2 * 3 * 4,
    ],
    [
      "convolution",
      (x, w) => convolution(x!, w!, undefined, { groups: 2 }),
      [
        [2, 4, 5, 5],
        [6, 2, 3, 3],
      ],
      2 * (2 * 6 * 9) * (2 * 9),
    ],
    [
      "scaledDotProductAttention",
      (q, k, v) => scaledDotProductAttention(q!, k!, v!),
      [
        [2, 3, 4],
        [2, 5, 4],
        [2, 5, 7],
      ],
      2 * 2 * 15 * (4 + 7),
    ],
    [
      "mul",
      (a, b) => mul(a!, b!),
      [
        [3, 1],
        [1, 4],
      ],
      12,
    ],
    ["sum", (x) => sum(x!), [[3, 4]], 12],
  ])("%s", (name, fn, shapes, flops) => {
    expect(flopsOf(name, opsOf(fn, shapes))).toBe(flops);
  });

  it("of a convolution's gradient are as many as forward for each that is read of x and the weight, and one for each slope of the bias", () => {
    const shapes = [[2, 3, 5, 5], [4, 3, 3, 3], [4]];
    const nodes = opsOf(
      (...all) => grad((x: Tensor, w: Tensor, b: Tensor) => sum(convolution(x, w, b)))(...(all as [Tensor, Tensor, Tensor])),
      shapes,
    );
    const slopes = 2 * 4 * 9;
    const forward = 2 * slopes * 27;
    const count = (isRead: (index: number) => boolean): number => flopsOf("convolutionGradient", nodes, isRead);
    expect(count(() => true)).toBe(2 * forward + slopes);
    expect(count((index) => index === 0)).toBe(forward);
    expect(count((index) => index > 0)).toBe(forward + slopes);
  });

  it("are what an op says of itself; a name says nothing", () => {
    const op = (name: string, counted: boolean) =>
      defineOp({
        name,
        inputs: [{ name: "x" }],
        infer: ([x]) => [x!],
        decompose: ([x]) => [mul(x!, 2)],
        ...(counted && { flops: ([x]) => 100 * (x!.shape[0] as number) }),
      });
    const costly = op("costly", true);
    const plain = op("convolution", false);
    expect(
      flopsOf(
        "costly",
        opsOf((x) => apply1(costly, [x], {}), [[3, 4]]),
      ),
    ).toBe(300);
    expect(
      flopsOf(
        "convolution",
        opsOf((x) => apply1(plain, [x], {}), [[3, 4]]),
      ),
    ).toBe(12);
  });
});
