/** Limits of tensors: more elements than int32 counts, and cyclic trees. */
import { describe, expect, it } from "vitest";
import {
  add,
  broadcastTo,
  compile,
  concat,
  convolution,
  einsum,
  ErmineError,
  expandDims,
  grad,
  leaves,
  mapTree,
  matmul,
  oneHot,
  ones,
  pad,
  resize,
  sum,
  tensor,
  tile,
  useBackend,
  valueAndGrad,
  type Tensor,
} from "../../src/index.js";
import { Linear } from "../../src/nn/index.js";
import { reference } from "../../src/reference/index.js";

useBackend(reference());

const codeOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(ErmineError);
    return (error as ErmineError).code;
  }
  return "taken";
};

const column = (): Tensor => ones([65536, 1]);
const row = (): Tensor => ones([1, 65536]);
const tooLarge: Readonly<Record<string, () => unknown>> = {
  add: () => add(column(), row()),
  matmul: () => matmul(column(), row()),
  einsum: () => einsum("i,j->ij", ones([65536]), ones([65536])),
  broadcastTo: () => broadcastTo(ones([1]), [2 ** 16, 2 ** 15]),
  tile: () => tile(ones([2]), [2 ** 30]),
  pad: () => pad(ones([1]), [[0, 2 ** 31]]),
  concat: () => concat(Array<Tensor>(2 ** 12).fill(broadcastTo(expandDims(ones([1]), 0), [2 ** 10, 2 ** 10]))),
  oneHot: () => oneHot(tensor(new Int32Array(65536)), 65536),
  resize: () => resize(ones([1, 1, 2, 2]), { size: [65536, 65536] }),
  "convolution, its padding": () => convolution(ones([1, 1, 1]), ones([1, 1, 1]), undefined, { padding: 2 ** 31 }),
  "a gradient": () => grad((x: Tensor) => sum(broadcastTo(x, [2 ** 16, 2 ** 16])))(ones([1])),
};

describe("more elements than a tensor can have", () => {
  it.each(Object.entries(tooLarge))("%s", (_, fn) => {
    expect(codeOf(fn)).toBe("ERMINE_MEMORY");
    expect(codeOf(() => compile(fn as () => Tensor)())).toBe("ERMINE_MEMORY");
  });

  it("as many as there may be are taken in a trace", () => {
    expect(codeOf(() => compile(() => sum(broadcastTo(ones([2]), [2, 2])))())).toBe("taken");
  });

  it("a size that is open in the program: refused for the batch that is too large", () => {
    const outer = compile((x: Tensor) => sum(matmul(expandDims(x, 1), expandDims(x, 0))), { symbolicBatch: true });
    expect((outer(ones([3])) as Tensor).item()).toBe(9);
    expect(codeOf(() => outer(ones([65536])))).toBe("ERMINE_MEMORY");
    expect((outer(ones([2])) as Tensor).item()).toBe(4);
  });
});

const cyclicObject = (): object => {
  const tree: Record<string, unknown> = { x: ones([1]) };
  tree["again"] = tree;
  return tree;
};
const cyclicArray = (): unknown[] => {
  const tree: unknown[] = [ones([1])];
  tree.push(tree);
  return tree;
};
const deepArray = (): unknown => {
  let tree: unknown = [1];
  for (let i = 0; i < 1e5; i++) tree = [tree];
  return tree;
};
const deepObject = (): unknown => {
  let tree: unknown = ones([1]);
  for (let i = 0; i < 1e5; i++) tree = { a: tree };
  return tree;
};

describe.each(Object.entries({ cyclicObject, cyclicArray, deepArray, deepObject }))("a tree without an end, %s", (_, make) => {
  it.each(
    Object.entries<(tree: never) => unknown>({
      leaves,
      mapTree: (tree) => mapTree(tree, (leaf) => leaf),
      tensor: (tree) => tensor(tree),
      "an argument of a compiled function": (tree) => compile((t) => t)(tree),
      "the result of a compiled function": (tree) => compile(() => tree)(),
      "parameters of valueAndGrad": (tree) => valueAndGrad(() => sum(ones([1])), tree),
      "the result of valueAndGrad": (tree) => valueAndGrad(() => [sum(ones([1])), tree] as never, ones([1])),
      loadStateDict: (tree) => new Linear(1, 1).loadStateDict({ weight: tree, bias: tree }),
    }),
  )("%s", (_name, use) => {
    const code = codeOf(() => use(make() as never));
    expect(code).toMatch(/^ERMINE_/);
  });
});

it("a tree of a depth that somebody may have is taken", () => {
  let tree: unknown = 1;
  for (let i = 0; i < 100; i++) tree = { a: [tree] };
  expect(leaves(tree)).toEqual([1]);
});
