/** The playground's network, and what it shows of its inside. */
import { manualSeed, softmax, type Tensor } from "@ermine/core";
import { withDomain } from "@ermine/core/define";
import { Dropout, Linear, Module, Sequential, type Layer } from "@ermine/core/nn";
import { activationLayer } from "./options.js";
import type { Settings } from "./settings.js";

/** A softmax whose probabilities pass for logits: the mistake that ermine's types refuse otherwise. */
class SoftmaxAsLogits extends Module {
  forward(x: Tensor): Tensor {
    return withDomain(softmax(x), "real");
  }
}

/** A layer's sums, and what its activation makes of them. */
export interface HiddenLayer {
  readonly linear: Linear;
  readonly activation: Layer;
}

/** The network of some settings. */
export interface Network {
  /** What is trained and saved. */
  readonly model: Sequential;
  readonly hidden: readonly HiddenLayer[];
  readonly last: Linear;
  /** Of the outputs of `last`: what the loss is given. */
  readonly head: Layer | undefined;
}

/** Its starting values follow from the seed. */
export function buildNetwork(
  { hidden: widths, activation, dropout, output, seed }: Settings,
  inputs: number,
  outputs: number,
): Network {
  manualSeed(seed);
  const modules: Layer[] = [];
  const hidden = widths.map((width, i) => {
    const layer = { linear: new Linear(widths[i - 1] ?? inputs, width), activation: activationLayer(activation) };
    modules.push(layer.linear, layer.activation, ...(dropout > 0 ? [new Dropout(dropout)] : []));
    return layer;
  });
  const last = new Linear(widths.at(-1) ?? inputs, outputs);
  const head = output === "softmax" && outputs > 1 ? new SoftmaxAsLogits() : undefined;
  modules.push(last, ...(head === undefined ? [] : [head]));
  return { model: new Sequential(...modules), hidden, last, head };
}
