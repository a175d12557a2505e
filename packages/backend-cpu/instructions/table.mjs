// The one table of what the WebAssembly kernels can be told to do. The build generates from it (scripts/generate.mjs) what both sides share: for
// TypeScript the opcodes, the arguments of each instruction as a type, what steps cost and which kernel an op is; for AssemblyScript the interpreter, which
// reads those arguments, and the switch over each family's kinds. Nothing is numbered by hand: an opcode is a row's place.

/** How an argument is written and read. */
const place = "place"; // an address, which may count from scratch (src/emitter.ts)
const i32 = "i32";
const f32 = "f32"; // as its bits: float() of src/emitter.ts
const flag = "flag"; // 1 or 0
const words = "words"; // the rest of the instruction: sizes and strides of a view, say. The kernel gets its address

/**
 * @typedef {object} Instruction
 * @property {string} [kernel] "file.function" of assembly/, which takes the arguments in their order; default: function of the instruction's name
 * @property {string} [file] of assembly/; none: the interpreter has the instruction itself
 * @property {Readonly<Record<string, string>>} args by name, in the order in which they are written
 * @property {number} [cost] of one element, relative to an addition: what lowerings cut work into parts by
 * @property {readonly string[]} [given] what the kernel takes instead of the arguments one by one: where the instruction is and ends, and scratch
 */

const matrixSteps = { rowStepA: i32, depthStepA: i32, depthStepB: i32, columnStepB: i32 };
const alongAxis = { outer: i32, length: i32, inner: i32 };
const indexed = { ...alongAxis, count: i32 };

const statistics = { centers: place, spreads: place };
const inGroups = { groups: i32, each: i32, spatial: i32, eps: f32, centered: flag };
const overBatch = { from: i32, to: i32, samples: i32, channels: i32, spatial: i32, eps: f32 };

/** @type {Readonly<Record<string, Instruction>>} */
export const instructions = {
  // Where the interpreter goes on (assembly/interpreter.ts).
  fork: { args: { parts: i32, ends: words } },
  skipUnless: { args: { condition: place, skipped: i32, fault: place } },
  loop: { args: { times: i32, changes: i32, code: words } },
  skipIfFalse: { args: { condition: place, skipped: i32 } },
  skip: { args: { skipped: i32 } },

  // Elements that move.
  fill: { file: "layout", args: { dst: place, count: i32, bits: i32 } },
  copy: { file: "layout", args: { dst: place, src: place, rank: i32, dims: words } },
  move: { file: "layout", args: { dst: place, src: place, count: i32 } },
  iota: { file: "layout", args: { dst: place, count: i32 } },
  checkIndices: { file: "layout", args: { indices: place, count: i32, size: i32, fault: place, site: i32 } },
  indexSelect: { file: "layout", args: { dst: place, x: place, indices: place, ...indexed, missing: i32 } },
  indexAdd: { file: "layout", args: { dst: place, indices: place, updates: place, ...indexed, integers: i32 } },
  gather: { file: "layout", args: { dst: place, x: place, indices: place, ...indexed, missing: i32 } },
  scatterAdd: { file: "layout", args: { dst: place, indices: place, updates: place, ...indexed, integers: i32 } },
  firstRows: { file: "tables", args: { first: place, indices: place, size: i32, count: i32 } },
  shareRows: { file: "tables", args: { share: place, first: place, indices: place, size: i32, count: i32 } },
  sumRows: {
    file: "tables",
    args: { sums: place, indices: place, rows: place, size: i32, inner: i32, count: i32, first: place, from: i32, to: i32 },
  },
  embeddingBag: {
    file: "tables",
    args: {
      dst: place,
      places: place,
      table: place,
      indices: place,
      offsets: place,
      weights: place,
      mode: i32,
      size: i32,
      inner: i32,
      count: i32,
      bags: i32,
      padding: i32,
      from: i32,
      to: i32,
    },
  },
  setRows: {
    file: "tables",
    args: { dst: place, table: place, indices: place, rows: place, size: i32, inner: i32, count: i32 },
  },
  randomUniform: { file: "layout", args: { dst: place, count: i32, key0: i32, key1: i32, counters: place } },

  // Element by element: one step of a family, or several in a chain.
  unary: { file: "unary", args: { kind: i32, dst: place, x: place, count: i32 } },
  activation: { file: "activation", args: { kind: i32, dst: place, x: place, count: i32, p: f32, q: f32 } },
  activationGradient: {
    file: "activation",
    args: { kind: i32, dst: place, g: place, x: place, count: i32, p: f32, q: f32 },
  },
  binary: { file: "binary", args: { kind: i32, dst: place, a: place, b: place, rank: i32, dims: words } },
  where: { file: "binary", args: { dst: place, condition: place, a: place, b: place, rank: i32, dims: words } },
  chain: {
    file: "chain",
    args: { from: i32, to: i32, block: i32, prologue: i32, steps: words },
    given: ["pc", "next", "own", "common"],
  },

  // Along axes.
  reduce: { file: "reduce", args: { kind: i32, dst: place, src: place, ...alongAxis } },
  sumColumns: { file: "reduceLoops", args: { dst: place, src: place, length: i32, columns: i32, stride: i32 } },
  argMax: { file: "reduce", args: { dst: place, src: place, ...alongAxis, integers: i32 } },
  cumsum: { file: "reduce", args: { dst: place, src: place, ...alongAxis, integers: i32 } },
  sort: {
    file: "reduce",
    args: { values: place, indices: place, src: place, ...alongAxis, integers: i32, descending: i32, scratch: place },
  },
  allFinite: { file: "fused", args: { dst: place, x: place, count: i32 }, cost: 0.5 },

  // Products.
  gemm: {
    file: "gemm",
    kernel: "gemmBatch",
    args: {
      c: place,
      a: place,
      b: place,
      bias: place,
      m: i32,
      n: i32,
      k: i32,
      ...matrixSteps,
      accumulate: flag,
      scratch: place,
      batch: i32,
      stepC: i32,
      stepA: i32,
      stepB: i32,
    },
  },
  packB: { file: "gemm", args: { dst: place, b: place, columns: i32, depth: i32, depthStep: i32, columnStep: i32 } },
  gemmTile: {
    file: "gemm",
    args: {
      c: place,
      a: place,
      panels: place,
      bias: place,
      m: i32,
      n: i32,
      k: i32,
      rowStepC: i32,
      rowStepA: i32,
      depthStepA: i32,
      accumulate: flag,
      scratch: place,
    },
  },
  rowsTimes: {
    file: "rows",
    args: {
      c: place,
      a: place,
      b: place,
      bias: place,
      m: i32,
      n: i32,
      k: i32,
      rowStepC: i32,
      rowStepA: i32,
      depthStepB: i32,
      columnStepB: i32,
      accumulate: flag,
    },
  },

  // Steps of recurrent cells between their products: rows of a state of so many elements, and of its gates, which are `step` bytes apart (0: only in scratch).
  lstmCell: {
    file: "recurrent",
    args: {
      h: place,
      next: place,
      gates: place,
      step: i32,
      input: place,
      recurrent: place,
      c: place,
      rows: i32,
      size: i32,
    },
    cost: 50,
  },
  lstmCellGradient: {
    file: "recurrent",
    args: {
      toGates: place,
      toC: place,
      g: place,
      toNext: place,
      gates: place,
      c: place,
      next: place,
      rows: i32,
      size: i32,
    },
    cost: 24,
  },
  gruCell: {
    file: "recurrent",
    args: { next: place, gates: place, step: i32, input: place, recurrent: place, h: place, rows: i32, size: i32 },
    cost: 40,
  },
  gruCellGradient: {
    file: "recurrent",
    args: {
      toInput: place,
      toRecurrent: place,
      toH: place,
      g: place,
      gates: place,
      h: place,
      rows: i32,
      size: i32,
    },
    cost: 16,
  },

  // Windows.
  unfold: { file: "window", args: { dst: place, x: place, planes: i32, padding: f32, window: words } },
  fold: { file: "window", args: { dst: place, columns: place, planes: i32, window: words } },
  maxPool: { file: "pooling", args: { dst: place, x: place, planes: i32, window: words } },
  maxPoolGradient: { file: "poolingGradient", args: { dst: place, g: place, x: place, y: place, planes: i32, window: words } },
  avgPool: { file: "pooling", args: { dst: place, x: place, planes: i32, inside: flag, window: words } },
  avgPoolGradient: {
    file: "poolingGradient",
    args: { dst: place, g: place, planes: i32, inside: flag, scratch: place, window: words },
  },
  convolvePack: {
    file: "convolve",
    args: {
      packed: place,
      weight: place,
      from: i32,
      to: i32,
      groups: i32,
      rows: i32,
      channels: i32,
      groupStep: i32,
      packedStep: i32,
      rowStep: i32,
      channelStep: i32,
      taps: i32,
      places: words,
    },
  },
  convolve: {
    file: "convolve",
    args: { y: place, x: place, packed: place, bias: place, scratch: place, from: i32, to: i32, geometry: words },
  },
  convolveWeightGradient: {
    file: "convolveGradient",
    args: { toWeight: place, toBias: place, x: place, g: place, scratch: place, from: i32, to: i32, geometry: words },
  },
  depthwise: {
    file: "depthwise",
    args: {
      y: place,
      x: place,
      weight: place,
      bias: place,
      scratch: place,
      from: i32,
      to: i32,
      first: i32,
      end: i32,
      taps: i32,
      geometry: words,
    },
  },
  depthwiseWeightGradient: {
    file: "depthwise",
    args: { toWeight: place, toBias: place, x: place, g: place, scratch: place, from: i32, to: i32, geometry: words },
  },
  winogradWeights: {
    file: "winograd",
    args: { dst: place, weight: place, scratch: place, from: i32, to: i32, rows: i32, channels: i32, turned: i32 },
  },
  winograd: {
    file: "winograd",
    args: { y: place, x: place, transformed: place, weight: place, bias: place, scratch: place, tiles: words },
  },
  winogradWeightGradient: {
    file: "winogradGradient",
    args: { sums: place, x: place, g: place, scratch: place, tiles: words },
  },
  winogradWeightFinish: {
    file: "winogradGradient",
    args: { toWeight: place, toBias: place, sums: place, x: place, g: place, scratch: place, tiles: words },
  },

  // Normalizations.
  groupNorm: {
    file: "groupNorm",
    args: { y: place, ...statistics, x: place, weight: place, bias: place, samples: i32, ...inGroups },
  },
  groupNormGradient: {
    file: "groupNorm",
    args: {
      dx: place,
      sums: place,
      g: place,
      toCenters: place,
      toSpreads: place,
      x: place,
      weight: place,
      ...statistics,
      samples: i32,
      block: i32,
      ...inGroups,
    },
  },
  batchNorm: {
    file: "batchNorm",
    args: { y: place, ...statistics, x: place, weight: place, bias: place, scratch: place, ...overBatch },
  },
  batchNormGradient: {
    file: "batchNorm",
    args: {
      dx: place,
      toWeight: place,
      toBias: place,
      g: place,
      toCenters: place,
      toSpreads: place,
      x: place,
      weight: place,
      ...statistics,
      scratch: place,
      ...overBatch,
    },
  },

  // Composites in one pass. An exponential is eight additions.
  softmax: {
    file: "fused",
    args: { dst: place, x: place, ...alongAxis, logarithm: i32, scratch: place },
    cost: 8,
  },
  softmaxGradient: {
    file: "fused",
    args: { dst: place, g: place, y: place, ...alongAxis, logarithm: i32, scratch: place },
    cost: 2,
  },
  crossEntropy: {
    file: "fused",
    args: {
      value: place,
      normalizer: place,
      logits: place,
      target: place,
      weight: place,
      rows: i32,
      classes: i32,
      scratch: place,
      ignoreIndex: i32,
      labelSmoothing: f32,
    },
    cost: 8,
  },
  crossEntropyGradient: {
    file: "fused",
    args: {
      dst: place,
      g: place,
      logits: place,
      target: place,
      weight: place,
      rows: i32,
      classes: i32,
      scratch: place,
      ignoreIndex: i32,
      labelSmoothing: f32,
    },
    cost: 8,
  },
  bceWithLogits: { file: "fused", args: { value: place, logits: place, target: place, count: i32 }, cost: 10 },
  bceWithLogitsGradient: {
    file: "fused",
    args: { dst: place, g: place, logits: place, target: place, count: i32, gStep: i32 },
    cost: 10,
  },
  attention: {
    file: "attention",
    args: { y: place, q: place, k: place, v: place, mask: place, scratch: place, geometry: words },
  },
  attentionGradient: {
    file: "attention",
    args: {
      toQ: place,
      toK: place,
      toV: place,
      g: place,
      q: place,
      k: place,
      v: place,
      mask: place,
      scratch: place,
      geometry: words,
    },
  },

  // An optimizer's step, a parameter and its slots in one pass: the kernels are made of the optimizers' definitions (scripts/updates.mjs).
  update: { file: "generated/updates", args: { kind: i32, scalars: place, count: i32, operands: words } },
  // The same on a table, whose gradient is some rows.
  updateTable: {
    file: "tables",
    args: {
      kind: i32,
      scalars: place,
      from: i32,
      count: i32,
      inner: i32,
      first: place,
      rows: place,
      slots: i32,
      scratch: place,
      operands: words,
    },
  },
};

/**
 * @typedef {object} Kind One function of a family.
 * @property {string} [op] the op that it is, where it is one
 * @property {string} [integers] the kind that the op is on int32 and bool
 * @property {readonly string[]} [dtypes] of the op's first input; default: float32, and int32 where `integers` is there
 * @property {readonly (string | number)[]} [options] the op's attributes that are p and q, or numbers
 * @property {1 | 2} [reads] of a gradient: whether it reads the op's input (1, default) or its output (2)
 * @property {number} [cost] relative to an addition; default 1
 * @property {string} [loop] the function that goes through the elements, where it is not the family's
 */

/**
 * @typedef {object} Switch A generated function that goes by the kind to a loop over elements of which that kind is the first argument, a constant.
 * @property {string} name
 * @property {string} file of assembly/ that has the loops
 * @property {string} loop its function for every kind that names no other
 * @property {Readonly<Record<string, string>>} parameters after the kind, with their types
 */

/**
 * @typedef {object} Family
 * @property {boolean} [chained] its kinds can be steps of a chain; default true
 * @property {number} options words after the operands' addresses in a chain
 * @property {"contiguous" | "contiguous or single"} views how a chain's step may read an operand; anything else is laid out in a temporary first
 * @property {readonly Switch[]} switches
 * @property {Readonly<Record<string, Kind>>} kinds
 */

const elements = { count: "i32" };
const from = { dst: "usize", x: "usize" };
const options = { p: "f32", q: "f32" };

const exponential = 10;
/** Sines and powers are computed one by one, in double precision. */
const oneByOne = 60;

/** @type {Readonly<Record<string, Family>>} */
export const families = {
  unary: {
    options: 0,
    views: "contiguous",
    switches: [{ name: "unary", file: "unary", loop: "each", parameters: { ...from, ...elements } }],
    kinds: {
      neg: { op: "neg", integers: "negInt" },
      abs: { op: "abs", integers: "absInt" },
      sign: { op: "sign", integers: "signInt" },
      exp: { op: "exp", cost: 8 },
      log: { op: "log", cost: 8 },
      log1p: { op: "log1p", cost: 8 },
      expm1: { op: "expm1", cost: 8 },
      sqrt: { op: "sqrt" },
      sin: { op: "sin", cost: oneByOne, loop: "trigonometric" },
      cos: { op: "cos", cost: oneByOne, loop: "trigonometric" },
      tanh: { op: "tanh", cost: exponential },
      erf: { op: "erf", cost: exponential },
      floor: { op: "floor" },
      ceil: { op: "ceil" },
      round: { op: "round" },
      isFinite: { op: "isFinite" },
      not: { op: "logicalNot", dtypes: ["bool"] },
      negInt: {},
      absInt: {},
      signInt: {},
      toInt: {},
      toFloat: {},
      toBool: {},
      intToBool: {},
    },
  },
  activation: {
    options: 2,
    views: "contiguous",
    switches: [{ name: "activation", file: "activation", loop: "pass", parameters: { ...from, ...elements, ...options } }],
    kinds: {
      leakyRelu: { op: "leakyRelu", options: ["negativeSlope"], loop: "piecewise" },
      clamp: { loop: "piecewise" },
      threshold: { op: "threshold", options: ["threshold", "value"], loop: "piecewise" },
      softshrink: { op: "softshrink", options: ["lambda"], loop: "piecewise" },
      hardshrink: { op: "hardshrink", options: ["lambda"], loop: "piecewise" },
      hardSigmoid: { op: "hardSigmoid", loop: "piecewise" },
      hardSwish: { op: "hardSwish", loop: "piecewise" },
      relu: { op: "relu", loop: "piecewise" },
      elu: { op: "elu", options: ["alpha"], cost: exponential },
      celu: { op: "celu", options: ["alpha"], cost: exponential },
      selu: { op: "selu", cost: exponential },
      softplus: { op: "softplus", options: ["beta", "threshold"], cost: exponential, loop: "softplus" },
      softsign: { op: "softsign" },
      logSigmoid: { op: "logSigmoid", cost: exponential },
      tanhshrink: { op: "tanhshrink", cost: exponential },
      mish: { op: "mish", cost: exponential },
      sigmoid: { op: "sigmoid", cost: exponential },
      silu: { op: "silu", cost: exponential },
      gelu: { cost: exponential },
      geluTanh: { cost: exponential },
      asinh: { op: "asinh", cost: exponential },
    },
  },
  // Of (gradient of the output, input or output).
  gradient: {
    options: 2,
    views: "contiguous",
    switches: [
      {
        name: "activationGradient",
        file: "activation",
        loop: "passBack",
        parameters: { dst: "usize", g: "usize", x: "usize", ...elements, ...options },
      },
    ],
    kinds: {
      leakyRelu: { op: "leakyReluGradient", options: ["negativeSlope"], loop: "piecewiseGradient" },
      threshold: { op: "thresholdGradient", options: ["threshold", "value"], loop: "piecewiseGradient" },
      inside: { op: "hardTanhGradient", options: ["minValue", "maxValue"], loop: "piecewiseGradient" },
      shrink: { op: "softshrinkGradient", options: ["lambda"], loop: "piecewiseGradient" },
      hardSigmoid: { op: "hardSigmoidGradient", loop: "piecewiseGradient" },
      hardSwish: { op: "hardSwishGradient", loop: "piecewiseGradient" },
      relu: { op: "reluGradient", loop: "piecewiseGradient" },
      sigmoid: { op: "sigmoidGradient", reads: 2, loop: "piecewiseGradient" },
      tanh: { op: "tanhGradient", reads: 2, loop: "piecewiseGradient" },
      elu: { op: "eluGradient", options: ["alpha"], cost: exponential },
      celu: { op: "celuGradient", options: ["alpha"], cost: exponential },
      selu: { op: "seluGradient", cost: exponential },
      softplus: { op: "softplusGradient", options: ["beta", "threshold"], cost: exponential, loop: "softplusGradient" },
      softsign: { op: "softsignGradient" },
      logSigmoid: { op: "logSigmoidGradient", cost: exponential },
      tanhshrink: { op: "tanhshrinkGradient", cost: exponential },
      mish: { op: "mishGradient", cost: exponential },
      silu: { op: "siluGradient", cost: exponential },
      gelu: { cost: exponential },
      geluTanh: { cost: exponential },
      asinh: { op: "asinhGradient", cost: 2 },
    },
  },
  binary: {
    options: 0,
    views: "contiguous or single",
    switches: [
      {
        name: "binaryRow",
        file: "binaryLoops",
        loop: "each",
        parameters: { dst: "usize", a: "usize", b: "usize", ...elements, stepA: "i32", stepB: "i32" },
      },
    ],
    kinds: {
      add: { op: "add", integers: "addInt" },
      sub: { op: "sub", integers: "subInt" },
      mul: { op: "mul", integers: "mulInt" },
      div: { op: "div" },
      maximum: { op: "maximum", integers: "maximumInt" },
      minimum: { op: "minimum", integers: "minimumInt" },
      pow: { op: "pow", cost: oneByOne, loop: "oneByOne" },
      remainder: { op: "remainder", integers: "remainderInt", cost: oneByOne, loop: "oneByOne" },
      equal: { op: "equal", integers: "equalInt", dtypes: ["float32", "int32", "bool"] },
      less: { op: "less", integers: "lessInt", dtypes: ["float32", "int32", "bool"] },
      lessEqual: { op: "lessEqual", integers: "lessEqualInt", dtypes: ["float32", "int32", "bool"] },
      and: { op: "logicalAnd", dtypes: ["bool"] },
      or: { op: "logicalOr", dtypes: ["bool"] },
      addInt: {},
      subInt: {},
      mulInt: {},
      maximumInt: {},
      minimumInt: {},
      remainderInt: { cost: oneByOne, loop: "oneByOne" },
      equalInt: {},
      lessInt: {},
      lessEqualInt: {},
    },
  },
  where: { options: 0, views: "contiguous or single", switches: [], kinds: { where: { op: "where", dtypes: ["bool"] } } },
  move: { options: 0, views: "contiguous or single", switches: [], kinds: { move: {} } },
  // A strided view laid out side by side.
  spread: { options: 0, views: "contiguous", switches: [], kinds: { spread: {} } },
  // A product and what is done with it, each rounded: what src/compiled/combine.ts makes of several steps. The first factor is never a single element.
  combine: {
    options: 0,
    views: "contiguous or single",
    switches: [
      {
        name: "combineRow",
        file: "binaryLoops",
        loop: "combineEach",
        parameters: { dst: "usize", a: "usize", b: "usize", c: "usize", ...elements, stepB: "i32", stepC: "i32" },
      },
    ],
    kinds: { productPlus: {}, productMinus: {}, minusProduct: {}, productTimes: {}, productOver: {} },
  },
  reduction: {
    chained: false,
    options: 0,
    views: "contiguous",
    switches: [
      { name: "reduceRows", file: "reduceLoops", loop: "rows", parameters: { ...from, outer: "i32", length: "i32" } },
      {
        name: "reduceAlong",
        file: "reduceLoops",
        loop: "along",
        parameters: { ...from, outer: "i32", length: "i32", inner: "i32" },
      },
    ],
    kinds: { sum: {}, prod: {}, max: {}, min: {}, sumInt: {}, prodInt: {}, maxInt: {}, minInt: {} },
  },
};

/** Sizes on which both sides rely: how kernels cut their work into blocks, and so how much scratch lowerings reserve. */
export const sizes = {
  /** Rows and columns of the product's micro-kernel. */
  microRows: 4,
  microColumns: 8,
  /** Rows of A, and terms of each sum, that are packed at once. */
  productRows: 96,
  productDepth: 256,
  /** Elements of a tile that is not whole, and its bias (assembly/wideProduct.ts). */
  productEdge: 112,
  /** Queries of a block of attention. */
  attentionRows: 64,
  /** Cross-entropy of so few classes takes four rows at a time. */
  fewClasses: 16,
  /** Elements of a table whose gradient is laid out at once: 4 KB, which stay in the first-level cache with the parameter and its slots. */
  tableBlock: 1024,
};
