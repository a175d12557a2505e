/** The models in ermine's own layers. */
import { add, mean, type Tensor } from "@ermine/core";
import {
  Conv2d,
  Flatten,
  GELU,
  LayerNorm,
  Linear,
  MaxPool2d,
  Module,
  MultiHeadAttention,
  ReLU,
  Sequential,
  type Layer,
} from "@ermine/core/nn";
import { cnnFeatures, type ModelSpec } from "../model.js";
import type { NamedNumbers } from "./data.js";

class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attention: MultiHeadAttention;
  readonly norm2: LayerNorm;
  readonly linear1: Linear;
  readonly gelu = new GELU();
  readonly linear2: Linear;

  constructor(width: number, heads: number, hidden: number) {
    super();
    this.norm1 = new LayerNorm(width);
    this.attention = new MultiHeadAttention(width, heads);
    this.norm2 = new LayerNorm(width);
    this.linear1 = new Linear(width, hidden);
    this.linear2 = new Linear(hidden, width);
  }

  forward(x: Tensor): Tensor {
    const attended = add(x, this.attention.forward(this.norm1.forward(x)));
    return add(attended, this.linear2.forward(this.gelu.forward(this.linear1.forward(this.norm2.forward(attended)))));
  }
}

class Transformer extends Module {
  readonly blocks: readonly Block[];
  readonly head: Linear;

  constructor({ blocks, width, heads, hidden, classes }: Extract<ModelSpec, { kind: "attention" }>) {
    super();
    this.blocks = Array.from({ length: blocks }, () => new Block(width, heads, hidden));
    this.head = new Linear(width, classes);
  }

  forward(x: Tensor): Tensor {
    const encoded = this.blocks.reduce((y, block) => block.forward(y), x);
    return this.head.forward(mean(encoded, { axis: 1 }));
  }
}

function structure(spec: ModelSpec): Module & { forward(x: Tensor): Tensor } {
  if (spec.kind === "attention") return new Transformer(spec);
  if (spec.kind === "mlp") {
    const layers: Layer[] = spec.sizes.slice(1).flatMap((out, i) => {
      const linear = new Linear(spec.sizes[i]!, out);
      return i === spec.sizes.length - 2 ? [linear] : [linear, new ReLU()];
    });
    return new Sequential(...layers) as Module & { forward(x: Tensor): Tensor };
  }
  const [first, second] = spec.channels;
  return new Sequential(
    new Conv2d(1, first, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(first, second, 3, { padding: 1 }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(cnnFeatures(spec), spec.classes),
  ) as Module & { forward(x: Tensor): Tensor };
}

/** The model with these parameters. */
export function ermineModel(spec: ModelSpec, parameters: readonly NamedNumbers[]): Module & { forward(x: Tensor): Tensor } {
  const model = structure(spec);
  model.loadStateDict(Object.fromEntries(parameters.map(({ name, shape, data }) => [name, { shape, data }])));
  return model;
}
