/** Descriptions of the schedules: the rate after t steps, from a learning rate lr. */

/** The gallery's description of a schedule. */
export interface ScheduleProse {
  /** The rate at t. */
  readonly formula: string;
  /** Which rates there are. */
  readonly range: string;
  /** Where it is used and why. */
  readonly role: string;
  /** PyTorch's class; undefined: it has none. */
  readonly torch?: string;
}

/** By name. */
export const scheduleProse: Readonly<Record<string, ScheduleProse>> = {
  step: {
    formula: "lr · γ^⌊t / stepSize⌋",
    range: "(0, lr]",
    role: "Drops at equal distances; each lets a loss fall that had stopped falling.",
    torch: "StepLR",
  },
  multiStep: {
    formula: "lr · γ^(milestones passed)",
    range: "(0, lr]",
    role: "Drops where one wants them: the recipe of residual networks.",
    torch: "MultiStepLR",
  },
  exponential: {
    formula: "lr · γᵗ",
    range: "(0, lr]",
    role: "A steady decay without an end.",
    torch: "ExponentialLR",
  },
  linear: {
    formula: "lr · (startFactor + (endFactor − startFactor) · min(t / totalSteps, 1))",
    range: "between lr · startFactor and lr · endFactor",
    role: "A warm-up, or the way down after one.",
    torch: "LinearLR",
  },
  constant: {
    formula: "lr · factor while t < totalSteps, then lr",
    range: "lr · factor and lr",
    role: "A smaller rate for the first steps.",
    torch: "ConstantLR",
  },
  polynomial: {
    formula: "lr · (1 − t / totalSteps)^power, 0 afterwards",
    range: "[0, lr]",
    role: "Segmentation networks; with power 1 a straight line to 0, with which language models are fine-tuned.",
    torch: "PolynomialLR",
  },
  cosine: {
    formula: "min + ½(lr − min)(1 + cos(πt / totalSteps))",
    range: "[min, lr]",
    role: "The usual decay: slow at first, fast in the middle, slow at the end.",
    torch: "CosineAnnealingLR",
  },
  cosineWarmRestarts: {
    formula: "the cosine over each cycle, which is cycleFactor times as long as the one before",
    range: "[min, lr]",
    role: "Several models on one way: one at the end of each cycle.",
    torch: "CosineAnnealingWarmRestarts",
  },
  oneCycle: {
    formula: "up from lr / 25 to lr on a cosine, then down to lr / 250,000",
    range: "[lr / 250,000, lr]",
    role: "A large rate in the middle lets a training be short.",
    torch: "OneCycleLR",
  },
  cyclic: {
    formula: "a zigzag between baseLearningRate and maxLearningRate, stepSizeUp steps up and as many down",
    range: "[base, max]",
    role: "Where the right rate is not known: each cycle passes it twice.",
    torch: "CyclicLR",
  },
  warmupCosine: {
    formula: "from startFactor · lr to lr over warmupSteps, then the cosine down to min at totalSteps, and min from there on",
    range: "[min, lr]",
    role: "Transformers: early steps, whose gradients are large, are small.",
  },
  reduceOnPlateau: {
    formula: "lr · factorᵏ, k the times that more than `patience` epochs brought no improvement",
    range: "(0, lr]",
    role: "Where the length is not known: it waits for the loss to stop falling.",
    torch: "ReduceLROnPlateau",
  },
};
