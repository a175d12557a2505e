/** Layers of several members at once: each has weights of its own, and all of them are one product. */
import { add, initialize, matmul, permute, reshape, slice, uniformInit, zeros, type Tensor } from "@ermine/core";
import { Embedding, Module, Parameter } from "@ermine/core/nn";

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
