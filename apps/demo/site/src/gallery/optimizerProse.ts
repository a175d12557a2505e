/** Descriptions of the optimizers. θ is a parameter, g its gradient, lr the learning rate, t the update, from 1; ^ marks a moment over its bias correction. */

/** The gallery's description of an optimizer. */
export interface OptimizerProse {
  /** An update. */
  readonly formula: string;
  /** How far an element moves. */
  readonly step: string;
  /** Its state for each parameter. */
  readonly state: string;
  /** Where it is used and why. */
  readonly role: string;
  readonly source: string;
}

const adamMoments = "m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²";

/** By name. */
export const optimizerProse: Readonly<Record<string, OptimizerProse>> = {
  sgd: {
    formula: "θ ← θ − lr · g; with momentum b ← μb + g, θ ← θ − lr · b",
    step: "In proportion to the gradient: steep ways are gone in large steps, flat ones hardly.",
    state: "Nothing; with momentum one value an element.",
    role: "Convolutional networks, with momentum 0.9 and a schedule; the one to reason about.",
    source: "Robbins and Monro 1951; momentum: Polyak 1964",
  },
  rmsprop: {
    formula: "v ← αv + (1 − α)g²; θ ← θ − lr · g / (√v + ε)",
    step: "About lr, whatever the gradient's scale.",
    state: "One value an element; with momentum two.",
    role: "Recurrent networks and reinforcement learning, where gradients change their scale.",
    source: "Hinton 2012 (lecture)",
  },
  adam: {
    formula: `${adamMoments}; θ ← θ − lr · m̂ / (√v̂ + ε)`,
    step: "At most about lr; smaller where the gradient's sign keeps changing.",
    state: "Two values an element.",
    role: "The usual choice where nothing is known yet. Its weight decay is L2; take adamw for a decay proper.",
    source: "Kingma and Ba 2015",
  },
  adamw: {
    formula: `θ ← (1 − lr · λ)θ; ${adamMoments}; θ ← θ − lr · m̂ / (√v̂ + ε)`,
    step: "As adam's; the decay shrinks every element by the same share.",
    state: "Two values an element.",
    role: "Transformers, and most of what is trained today.",
    source: "Loshchilov and Hutter 2019",
  },
  adagrad: {
    formula: "G ← G + g²; θ ← θ − lr · g / (√G + ε)",
    step: "At most lr, ever smaller: of an element that often had gradients the most.",
    state: "One value an element.",
    role: "Sparse features, such as words that seldom come.",
    source: "Duchi, Hazan and Singer 2011",
  },
  adadelta: {
    formula: "v ← ρv + (1 − ρ)g²; Δ = √(u + ε) / √(v + ε) · g; u ← ρu + (1 − ρ)Δ²; θ ← θ − lr · Δ",
    step: "As large as its last ones, from √ε at first: it starts slowly.",
    state: "Two values an element.",
    role: "Where no learning rate is to be chosen: 1 is meant to fit.",
    source: "Zeiler 2012",
  },
  adamax: {
    formula: "m ← β₁m + (1 − β₁)g; u ← max(β₂u, |g| + ε); θ ← θ − lr · m̂ / u",
    step: "At most lr, by the largest gradient lately.",
    state: "Two values an element.",
    role: "As adam, for gradients with rare large values.",
    source: "Kingma and Ba 2015",
  },
  nadam: {
    formula: `${adamMoments}; θ ← θ − lr · ((1 − μₜ)g / (1 − Πμ) + μₜ₊₁m / (1 − Πμ · μₜ₊₁)) / (√v̂ + ε)`,
    step: "As adam's, with the momentum of the next update in it already.",
    state: "Two values an element.",
    role: "As adam, a little faster where the way goes on in one direction.",
    source: "Dozat 2016",
  },
  radam: {
    formula: `${adamMoments}; θ ← θ − lr · r · m̂ / √v̂, r from 0 to 1 as v̂ becomes certain; θ ← θ − lr · m̂ while it is not`,
    step: "As adam's; the first ones in proportion to the gradient.",
    state: "Two values an element.",
    role: "As adam, without a warm-up.",
    source: "Liu et al. 2020",
  },
  asgd: {
    formula: "θ ← (1 − λη)θ − ηg, η = lr / (1 + λ · lr · (t − 1))^α; its slot `average` is the mean of θ from t₀ on",
    step: "In proportion to the gradient, slowly smaller.",
    state: "The average, one value an element.",
    role: "Where the average over the last updates is wanted, which is steadier than any of them.",
    source: "Polyak and Juditsky 1992",
  },
  rprop: {
    formula: "s ← 1.2 s where the sign of g stays, ½ s where it changes (and g counts as 0); θ ← θ − sign(g) · s",
    step: "Its own for each element, from lr at first, between 10⁻⁶ and 50.",
    state: "Two values an element.",
    role: "Whole data sets in one batch: it looks at signs alone, which batches would make random.",
    source: "Riedmiller and Braun 1993",
  },
  lion: {
    formula: "θ ← (1 − lr · λ)θ − lr · sign(β₁m + (1 − β₁)g); m ← β₂m + (1 − β₂)g",
    step: "Exactly lr, in each element.",
    state: "One value an element.",
    role: "Large models with large batches, at a learning rate 3 to 10 times below adamw's.",
    source: "Chen et al. 2023",
  },
  lamb: {
    formula: `${adamMoments}; r = m̂ / (√v̂ + ε) + λθ; θ ← θ − lr · (‖θ‖ / ‖r‖) · r`,
    step: "For a whole parameter lr times its norm.",
    state: "Two values an element.",
    role: "Very large batches: each layer moves by the same share of itself.",
    source: "You et al. 2020",
  },
  adafactor: {
    formula:
      "R, C the means of g² over rows and columns; V = R C / mean R; θ ← θ − max(ε₂, rms(θ)) · min(lr, 1/√t) · g / √V, clipped",
    step: "A share of the parameter's own size.",
    state: "n + k values for an n × k matrix.",
    role: "Models whose optimizer would not fit into memory otherwise.",
    source: "Shazeer and Stern 2018",
  },
  muon: {
    formula: "b ← μb + (1 − μ)g; θ ← (1 − lr · λ)θ − lr · √max(1, rows / columns) · orthogonal((1 − μ)g + μb)",
    step: "As large in every direction of the matrix.",
    state: "One value an element.",
    role: "The matrices of hidden layers; biases, embeddings and the last layer have an adamw next to it.",
    source: "Jordan et al. 2024",
  },
};
