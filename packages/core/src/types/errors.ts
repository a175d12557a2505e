/** The one error that ermine throws on purpose: it says what was wrong, where, and what to do about it. */

export type ErmineErrorCode =
  | "ERMINE_SHAPE"
  | "ERMINE_DTYPE"
  | "ERMINE_DOMAIN"
  | "ERMINE_VALUE"
  | "ERMINE_OPTION"
  | "ERMINE_DATA"
  | "ERMINE_RELEASED"
  | "ERMINE_BACKEND"
  | "ERMINE_UNSUPPORTED"
  | "ERMINE_MEMORY"
  | "ERMINE_NOT_FINITE"
  | "ERMINE_USAGE"
  | "ERMINE_FILE";

/**
 * An error of ermine's. `message` is whole sentences: what was wrong with which values, then what to do.
 *
 * @example
 * try {
 *   matmul(ones([2, 3]), ones([4, 5]));
 * } catch (error) {
 *   if (error instanceof ErmineError) console.log(error.code); // ERMINE_SHAPE
 * }
 */
export class ErmineError extends Error {
  /** Always "ErmineError". */
  override readonly name = "ErmineError";
  /** What kind of error it is, for programs. */
  readonly code: ErmineErrorCode;

  constructor(
    code: ErmineErrorCode,
    message: string,
    options?: {
      /** The error that led to this one. Default: none. */
      cause?: unknown;
    },
  ) {
    super(message, options);
    this.code = code;
  }

  /** The same error with the place where it happened in front of its message (a layer's path, an entry's name). */
  at(place: string): ErmineError {
    const located = new ErmineError(this.code, `${place}: ${this.message}`, { cause: this });
    if (this.stack !== undefined) located.stack = this.stack;
    return located;
  }
}

/** The name among `known` that is nearest to `name` (edit distance ≤ 2 or a known foreign spelling), if any. */
export function nearestName(
  name: string,
  known: readonly string[],
  foreign: Readonly<Record<string, string>> = {},
): string | undefined {
  if (typeof name !== "string") return undefined;
  const translated = foreign[name];
  if (translated !== undefined && known.includes(translated)) return translated;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
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
