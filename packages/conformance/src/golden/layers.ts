/** Layers of nn by their golden names: "conv2d" is Conv2d, "leakyRelu" LeakyReLU. What nn lacks is a reason to skip. */
import * as nn from "@ermine/core/nn";
import { Skip, skipUnknownOptions } from "./kind.js";

type Options = Record<string, unknown>;
type LayerClass = new (...args: unknown[]) => nn.Layer;

const classes = new Map(
  Object.entries(nn).flatMap(([name, value]) =>
    typeof value === "function" && value.prototype instanceof nn.Module
      ? [[name.toLowerCase(), value as unknown as LayerClass] as const]
      : [],
  ),
);

/** What a constructor takes by place; everything else is in its options. The first pattern that fits. */
const positional: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(bi)?linear$/, ["inFeatures", "outFeatures"]],
  [/^conv/, ["inChannels", "outChannels", "kernelSize"]],
  [/^adaptive/, ["outputSize"]],
  [/pool/, ["kernelSize"]],
  [/^(batch|instance)norm/, ["numFeatures"]],
  [/^groupnorm/, ["numGroups", "numChannels"]],
  [/norm$/, ["normalizedShape"]],
  [/^embedding/, ["numEmbeddings", "embeddingDim"]],
  [/^(rnn|lstm|gru)$/, ["inputSize", "hiddenSize"]],
  [/^multiheadattention$/, ["embedDim", "numHeads"]],
  [/^dropout/, ["p"]],
];

/**
 * The layer of that golden name with those options.
 *
 * @throws Skip where nn has no such layer, or the layer no such option
 */
export function makeLayer(name: string, options: Options): nn.Layer {
  const key = name.replace(/Eval$/, "").toLowerCase();
  const Layer = classes.get(key);
  if (Layer === undefined) throw new Skip(`there is no layer "${name}"`);
  const places = positional.find(([pattern]) => pattern.test(key))?.[1] ?? [];
  const named = Object.fromEntries(Object.entries(options).filter(([option]) => !places.includes(option)));
  const args = places.map((place) => options[place]);
  return skipUnknownOptions(() => new Layer(...args, ...(Object.keys(named).length > 0 ? [named] : [])));
}
