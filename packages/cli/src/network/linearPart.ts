/** What is linear in the features: a weight for each number, each category and each word, of each member. */
import { add, expandDims, matmul, permute, tensor, zeros, type Tensor } from "@ermine/core";
import { Module, Parameter } from "@ermine/core/nn";
import { memberBags, MemberEmbedding, type MemberBag } from "./members.js";
import { inputsOf, type TableInputs, type TableShape } from "./tableShape.js";

/** Σ weight · number + Σ weight of the category + Σ weight of the word / √words + bias: (members, N, outputs). It starts from zeros. */
export class LinearPart extends Module {
  readonly shape: TableShape;
  /** (members, numbers, outputs). */
  readonly weight: Parameter | undefined;
  /** (members, 1, outputs). */
  readonly bias: Parameter;
  readonly categories: readonly MemberEmbedding[];
  readonly texts: readonly MemberBag[];

  constructor(members: number, shape: TableShape) {
    super();
    const { numbers, categories, texts, outputs } = shape;
    this.shape = shape;
    this.weight = numbers === 0 ? undefined : new Parameter(zeros([members, numbers, outputs]));
    this.bias = new Parameter(zeros([members, 1, outputs]));
    this.categories = categories.map((rows, column) => new MemberEmbedding(members, column, rows, outputs));
    this.texts = memberBags(members, texts, () => outputs);
    for (const weight of this.tables) weight.value = zeros(weight.value.shape as readonly number[]);
  }

  /** The weights of categories and words: (rows, members · outputs). */
  get tables(): readonly Parameter[] {
    return [...this.categories, ...this.texts].map(({ table }) => table.weight);
  }

  forward(...inputs: TableInputs): Tensor {
    const { numbers, ids, words } = inputsOf(this.shape, inputs);
    const terms = [
      ...this.categories.map((category) => category.forward(ids!)),
      ...this.texts.map((text) => text.forward(words!)),
    ];
    if (this.weight !== undefined) terms.push(matmul(expandDims(numbers!, 0), this.weight.value));
    return terms.reduce<Tensor>((sum, term) => add(sum, term), this.bias.value);
  }

  /** Takes the weights of another part's members. */
  load(from: LinearPart, members: readonly number[]): void {
    const { outputs } = this.shape;
    this.bias.value = picked(from.bias.value, 0, members, 1);
    if (this.weight !== undefined) this.weight.value = picked(from.weight!.value, 0, members, 1);
    this.tables.forEach((weight, i) => (weight.value = picked(from.tables[i]!.value, 1, members, outputs)));
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
