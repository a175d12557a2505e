/** The nearest name to a misspelt one. */

/** The one of `names` that is nearest to `name` (edit distance ≤ 2, or the name in another framework); undefined: none is near. */
export function nearestName(
  name: string,
  names: readonly string[],
  foreign: Readonly<Record<string, string>> = {},
): string | undefined {
  if (typeof name !== "string") return undefined;
  const translated = foreign[name];
  if (translated !== undefined && names.includes(translated)) return translated;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length]!;
}

/** PyTorch's, Keras' and tfjs' spellings of options that ermine names otherwise. */
export const foreignSpellings: Readonly<Record<string, string>> = {
  lr: "learningRate",
  learning_rate: "learningRate",
  weight_decay: "weightDecay",
  label_smoothing: "labelSmoothing",
  ignore_index: "ignoreIndex",
  pos_weight: "posWeight",
  dim: "axis",
  keepdim: "keepDims",
  keepdims: "keepDims",
  negative_slope: "negativeSlope",
  alpha: "negativeSlope",
  epsilon: "eps",
  betas: "beta1",
  max_norm: "maxNorm",
  batch_size: "batchSize",
  in_features: "inFeatures",
  out_features: "outFeatures",
  in_channels: "inChannels",
  out_channels: "outChannels",
  kernel_size: "kernelSize",
  p: "rate",
  rate: "p",
};
