/** What is linear in the features: a weight for each number and for each category, of each member. */
import { add, expandDims, matmul, permute, tensor, zeros, type Tensor } from "@ermine/core";
import { Module, Parameter } from "@ermine/core/nn";
import { MemberEmbedding } from "./members.js";
import { inputsOf, type TableInputs, type TableShape } from "./tableShape.js";

/** Σ weight · number + Σ weight of the category + bias: (members, N, outputs). It starts from zeros. */
export class LinearPart extends Module {
  readonly shape: TableShape;
  /** (members, numbers, outputs). */
  readonly weight: Parameter | undefined;
  /** (members, 1, outputs). */
  readonly bias: Parameter;
  readonly categories: readonly MemberEmbedding[];

  constructor(members: number, shape: TableShape) {
    super();
    const { numbers, categories, outputs } = shape;
    this.shape = shape;
    this.weight = numbers === 0 ? undefined : new Parameter(zeros([members, numbers, outputs]));
    this.bias = new Parameter(zeros([members, 1, outputs]));
    this.categories = categories.map((rows, column) => {
      const embedding = new MemberEmbedding(members, column, rows, outputs);
      embedding.table.weight.value = zeros([rows, members * outputs]);
      return embedding;
    });
  }

  forward(...inputs: TableInputs): Tensor {
    const { numbers, ids } = inputsOf(this.shape, inputs);
    const terms = this.categories.map((category) => category.forward(ids!));
    if (this.weight !== undefined) terms.push(matmul(expandDims(numbers!, 0), this.weight.value));
    return terms.reduce<Tensor>((sum, term) => add(sum, term), this.bias.value);
  }

  /** Takes the weights of another part's members. */
  load(from: LinearPart, members: readonly number[]): void {
    const { outputs } = this.shape;
    this.bias.value = picked(from.bias.value, 0, members, 1);
    if (this.weight !== undefined) this.weight.value = picked(from.weight!.value, 0, members, 1);
    this.categories.forEach((category, i) => {
      category.table.weight.value = picked(from.categories[i]!.table.weight.value, 1, members, outputs);
    });
  }

  override describe(): string {
    return "LinearPart";
  }
}

/** Blocks of `size` along an axis. */
function picked(source: Tensor, axis: 0 | 1, blocks: readonly number[], size: number): Tensor {
  const shape = source.shape as readonly number[];
  const data = source.dataSync();
  const outer = axis === 0 ? 1 : shape[0]!;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const result = new Float32Array(outer * blocks.length * size * inner);
  for (let o = 0; o < outer; o++)
    blocks.forEach((block, i) => {
      const start = (o * shape[axis]! + block * size) * inner;
      result.set(data.subarray(start, start + size * inner), (o * blocks.length + i) * size * inner);
    });
  return tensor(result, { shape: shape.map((length, i) => (i === axis ? blocks.length * size : length)) });
}

/** (N, members, outputs) of a linear part. */
export class LinearMembers extends Module {
  readonly part: LinearPart;

  constructor(part: LinearPart) {
    super();
    this.part = part;
  }

  forward(...inputs: TableInputs): Tensor {
    return permute(this.part.forward(...inputs), [1, 0, 2]);
  }
}
