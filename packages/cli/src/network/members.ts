/** Layers of several members at once: each has weights of its own, and all of them are one product. */
import {
  add,
  cast,
  initialize,
  matmul,
  maximum,
  mul,
  notEqual,
  permute,
  reshape,
  rsqrt,
  slice,
  sum,
  uniformInit,
  zeros,
  type Tensor,
} from "@ermine/core";
import { Embedding, EmbeddingBag, Module, Parameter } from "@ermine/core/nn";
import type { TextShape } from "./tableShape.js";

/** y[m] = x[m] · weight[m] + bias[m]: (members or 1, N, in) → (members, N, out). */
export class MemberLinear extends Module {
  /** (members, in, out). */
  readonly weight: Parameter;
  /** (members, 1, out). */
  readonly bias: Parameter;

  /** @param isZero starts from zeros, not from U(±1/√in) */
  constructor(members: number, inFeatures: number, outFeatures: number, isZero = false) {
    super();
    const bound = 1 / Math.sqrt(inFeatures);
    const start = (shape: readonly number[], name: string): Tensor<"real"> =>
      isZero ? zeros(shape) : initialize(uniformInit(-bound, bound), shape, name);
    this.weight = new Parameter(start([members, inFeatures, outFeatures], "weight"));
    this.bias = new Parameter(start([members, 1, outFeatures], "bias"));
  }

  forward(x: Tensor): Tensor<"real"> {
    return add(matmul(x, this.weight.value), this.bias.value);
  }

  override describe(): string {
    const [members, inFeatures, outFeatures] = this.weight.value.shape;
    return `MemberLinear ${inFeatures} → ${outFeatures}, ${members} members`;
  }
}

/** The vectors of one column of ids, of each member's own table: int32 (N, columns) → (members, N, size). */
export class MemberEmbedding extends Module {
  readonly members: number;
  /** Which column of the ids. */
  readonly column: number;
  readonly size: number;
  readonly table: Embedding;

  constructor(members: number, column: number, rows: number, size: number) {
    super();
    this.members = members;
    this.column = column;
    this.size = size;
    this.table = new Embedding(rows, members * size);
  }

  forward(ids: Tensor): Tensor {
    const vectors = this.table.forward(reshape(slice(ids, [0, this.column], [ids.shape[0]!, 1]), [-1]));
    return permute(reshape(vectors, [-1, this.members, this.size]), [1, 0, 2]);
  }

  override describe(): string {
    return `MemberEmbedding ${this.table.numEmbeddings} × ${this.size}, ${this.members} members`;
  }
}

/** The words of one column of texts: Σ vector / √words, of each member's own table: int32 (N, ids of all texts) → (members, N, size). */
export class MemberBag extends Module {
  readonly members: number;
  /** Where the column's ids begin. */
  readonly from: number;
  readonly length: number;
  readonly size: number;
  readonly table: EmbeddingBag;

  constructor(members: number, from: number, { words, length }: TextShape, size: number) {
    super();
    this.members = members;
    this.from = from;
    this.length = length;
    this.size = size;
    this.table = new EmbeddingBag(words, members * size, { mode: "sum", paddingIdx: 0 });
  }

  forward(words: Tensor): Tensor {
    const ids = slice(words, [0, this.from], [words.shape[0]!, this.length]);
    const count = sum(cast(notEqual(ids, 0), "float32"), { axis: 1, keepDims: true });
    const vectors = mul(this.table.forward(ids), rsqrt(maximum(count, 1)));
    return permute(reshape(vectors, [-1, this.members, this.size]), [1, 0, 2]);
  }

  override describe(): string {
    return `MemberBag ${this.table.numEmbeddings} × ${this.size}, ${this.members} members`;
  }
}

/** A bag for each column of texts, whose ids lie next to each other. */
export function memberBags(members: number, texts: readonly TextShape[], sizeOf: (text: TextShape) => number): MemberBag[] {
  let from = 0;
  return texts.map((text) => {
    const bag = new MemberBag(members, from, text, sizeOf(text));
    from += text.length;
    return bag;
  });
}
