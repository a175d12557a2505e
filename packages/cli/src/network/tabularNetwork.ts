/** The network for tables: several members, each a linear part and a network of layers whose sum is the answer. */
import { add, concat, expandDims, gelu, mean, permute, type Tensor } from "@ermine/core";
import { Dropout, LayerNorm, Module } from "@ermine/core/nn";
import { Bins, type Bin } from "./bins.js";
import { LinearPart } from "./linearPart.js";
import { memberBags, MemberEmbedding, MemberLinear, type MemberBag } from "./members.js";
import { inputsOf, type TableInputs, type TableShape } from "./tableShape.js";

/** How the network is built. */
export interface NetworkOptions {
  /** Networks whose mean is the answer. */
  readonly members: number;
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
  /** The probability with which a hidden unit is left out of a training step. */
  readonly dropout: number;
  /** Most values of a category's vector. */
  readonly embeddingSize: number;
}

/** Most values of a text's vector. */
const textSize = 32;

/** A hidden layer: linear, normalized, GELU, dropout. */
class HiddenLayer extends Module {
  readonly linear: MemberLinear;
  readonly norm: LayerNorm;
  readonly dropout: Dropout;

  constructor(members: number, inFeatures: number, outFeatures: number, dropout: number) {
    super();
    this.linear = new MemberLinear(members, inFeatures, outFeatures);
    this.norm = new LayerNorm(outFeatures);
    this.dropout = new Dropout(dropout);
  }

  forward(x: Tensor): Tensor {
    return this.dropout.forward(gelu(this.norm.forward(this.linear.forward(x))));
  }
}

/**
 * (N, members, outputs): what each member says. Its layers start with an output of zeros, so that a member begins as its linear part, which a linear model
 * may have fitted.
 */
export class TabularNetwork extends Module {
  readonly shape: TableShape;
  readonly members: number;
  readonly linear: LinearPart;
  readonly bins: Bins | undefined;
  readonly embeddings: readonly MemberEmbedding[];
  readonly texts: readonly MemberBag[];
  /** Of the numbers and their bins, and of the vectors of categories and texts: their sum is the first layer's. */
  readonly ofNumbers: MemberLinear | undefined;
  readonly ofVectors: MemberLinear | undefined;
  readonly norm: LayerNorm;
  readonly dropout: Dropout;
  readonly hidden: readonly HiddenLayer[];
  readonly output: MemberLinear;

  constructor(shape: TableShape, bins: readonly Bin[], { members, hidden, dropout, embeddingSize }: NetworkOptions) {
    super();
    this.shape = shape;
    this.members = members;
    this.linear = new LinearPart(members, shape);
    this.bins = bins.length === 0 ? undefined : new Bins(bins);
    this.embeddings = shape.categories.map(
      (rows, column) => new MemberEmbedding(members, column, rows, Math.min(embeddingSize, Math.ceil(rows / 2))),
    );
    this.texts = memberBags(members, shape.texts, ({ words }) => Math.min(textSize, Math.ceil(words / 2)));
    const first = hidden[0]!;
    const vectors = [...this.embeddings, ...this.texts].reduce((sum, { size }) => sum + size, 0);
    this.ofNumbers = shape.numbers === 0 ? undefined : new MemberLinear(members, shape.numbers + bins.length, first);
    this.ofVectors = vectors === 0 ? undefined : new MemberLinear(members, vectors, first);
    this.norm = new LayerNorm(first);
    this.dropout = new Dropout(dropout);
    this.hidden = hidden.slice(1).map((units, i) => new HiddenLayer(members, hidden[i]!, units, dropout));
    this.output = new MemberLinear(members, hidden.at(-1)!, shape.outputs, true);
  }

  forward(...inputs: TableInputs): Tensor {
    const { numbers, ids, words } = inputsOf(this.shape, inputs);
    const parts: Tensor[] = [];
    if (numbers !== undefined) {
      const all = this.bins === undefined ? numbers : concat([numbers, this.bins.forward(numbers)], 1);
      parts.push(this.ofNumbers!.forward(expandDims(all, 0)));
    }
    const vectors = [
      ...this.embeddings.map((embedding) => embedding.forward(ids!)),
      ...this.texts.map((text) => text.forward(words!)),
    ];
    if (vectors.length > 0) parts.push(this.ofVectors!.forward(vectors.length === 1 ? vectors[0]! : concat(vectors, 2)));
    let x: Tensor = this.dropout.forward(gelu(this.norm.forward(parts.reduce((a, b) => add(a, b)))));
    for (const layer of this.hidden) x = layer.forward(x);
    return permute(add(this.output.forward(x), this.linear.forward(...inputs)), [1, 0, 2]);
  }
}

/** What is predicted: the members' mean, (N, outputs). */
export class MeanOfMembers extends Module {
  readonly network: TabularNetwork;

  constructor(network: TabularNetwork) {
    super();
    this.network = network;
  }

  forward(...inputs: TableInputs): Tensor {
    return mean(this.network.forward(...inputs), { axis: 1 });
  }
}
