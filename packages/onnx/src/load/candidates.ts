/** Core's definitions that functions of files may be, by the functions' names, with the options that each has. */
import {
  celu,
  Dim,
  elu,
  focal,
  gaussianNll,
  gelu,
  glu,
  hardshrink,
  hardSigmoid,
  hardSwish,
  hardTanh,
  huber,
  l1,
  leakyRelu,
  logCosh,
  logSigmoid,
  logSoftmax,
  mish,
  mse,
  relu6,
  selu,
  silu,
  smoothL1,
  softmax,
  softmin,
  softplus,
  softshrink,
  softsign,
  split,
  tanhshrink,
  threshold,
  type Activation,
  type Tensor,
} from "@ermine/core";
import * as backend from "@ermine/core/backend";
import { rreluEval, type Op } from "@ermine/core/define";
import type { FunctionNote } from "../functionNote.js";
import { identifier } from "../save/functions.js";

/** A definition that functions may be. */
export interface Candidate {
  readonly op: Op;
  /** Are these its options? */
  takes(attributes: FunctionNote["attributes"]): boolean;
}

let candidates: ReadonlyMap<string, Candidate> | undefined;

/** The definition that functions of this name are written for: its own, or with the number of a further one. */
export function candidateOf(name: string): Candidate | undefined {
  candidates ??= new Map([...activations(), ...ops(), ...losses()].map((item) => [identifier(item.op.name), item] as const));
  const end = name.lastIndexOf("_");
  const isNumbered = end > 0 && Number.isInteger(Number(name.slice(end + 1)));
  return candidates.get(name) ?? (isNumbered ? candidates.get(name.slice(0, end)) : undefined);
}

const activations = (): readonly Candidate[] =>
  [
    ...[celu, elu, gelu, glu, hardSigmoid, hardSwish, hardTanh, hardshrink, leakyRelu, logSigmoid, logSoftmax, mish, relu6],
    ...[rreluEval, selu, silu, softmax, softmin, softplus, softshrink, softsign, tanhshrink, threshold],
  ].map((activation) => {
    const { op, defaults, check } = activation as Activation;
    const names = Object.keys(defaults);
    return {
      op,
      takes(attributes) {
        try {
          check(attributes as never);
          return names.every((name) => Object.hasOwn(attributes, name));
        } catch {
          return false;
        }
      },
    };
  });

/** What options are: "size" may be open, "index" left out (null). */
type Kind = "number" | "boolean" | "string" | "size" | "index" | "sizes";

const isSize = (value: unknown): boolean => value instanceof Dim || (Number.isInteger(value) && (value as number) >= 0);

const isOfKind: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  string: (value) => typeof value === "string",
  size: isSize,
  index: (value) => value === null || Number.isInteger(value),
  sizes: (value) => Array.isArray(value) && value.every(isSize),
};

/** Losses of differences keep their reduction among the options. */
const candidate = (op: object, kinds: Readonly<Record<string, Kind>> = {}): Candidate => ({
  op: op as Op,
  takes(attributes) {
    const all: Readonly<Record<string, Kind>> = { ...kinds, reduction: "string" };
    const areTheirs = Object.entries(attributes).every(
      ([name, value]) => Object.hasOwn(all, name) && isOfKind[all[name]!](value),
    );
    return areTheirs && Object.keys(kinds).every((name) => Object.hasOwn(attributes, name));
  },
});

/** The body grows with the chunks of classes: of more than these it runs itself. */
const mostChunks = 64;

function chunkedLoss(): Candidate {
  const { op, takes } = candidate(backend.linearCrossEntropyElementsOp, {
    classes: "size",
    chunkSize: "size",
    ignoreIndex: "index",
    labelSmoothing: "number",
  });
  return {
    op,
    takes: (attributes) =>
      takes(attributes) && (attributes["classes"] as number) <= mostChunks * (attributes["chunkSize"] as number),
  };
}

/** Windows are not among them: what is written for them grows with their sizes. */
const ops = (): readonly Candidate[] => [
  candidate(backend.scaledDotProductAttentionOp, { scale: "number", causal: "boolean", nothing: "string" }),
  candidate(backend.groupNormOp, { groups: "size", eps: "number", centered: "boolean" }),
  candidate(backend.embeddingBagOp, {
    mode: "string",
    paddingIdx: "index",
    scaleGradByFreq: "boolean",
    bags: "size",
    length: "index",
  }),
  candidate(backend.sumRowsOp, { size: "size" }),
  candidate(backend.maxUnpoolOp, { outputSize: "sizes" }),
  ...[backend.lstmCellOp, backend.gruCellOp].map((op) => candidate(op)),
  candidate(backend.castOp, { dtype: "string" }),
  ...[backend.setRowsOp, backend.floorDivideOp, backend.remainderOp, backend.erfcOp].map((op) => candidate(op)),
  ...[backend.expm1Op, backend.log1pOp, backend.isFiniteOp].map((op) => candidate(op)),
];

/** What losses are made of, and `split`: some of these ops core exports within the losses alone. */
function losses(): readonly Candidate[] {
  const opsByName = opsWithin(({ reals, classes }) => {
    for (const loss of [l1, mse, smoothL1, huber, logCosh]) loss.elements([reals, reals]);
    focal.elements([reals, classes]);
    gaussianNll.elements([reals, reals, reals]);
    split(reals, 1, 1);
  });
  const kindsOfOps: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
    l1Elements: {},
    mseElements: {},
    logCoshElements: {},
    smoothL1Elements: { beta: "number" },
    huberElements: { delta: "number" },
    focalModulation: { gamma: "number" },
    knownClasses: { classes: "size", ignoreIndex: "index" },
    nanWhere: {},
    split: { axis: "size", sizes: "sizes" },
  };
  return [
    candidate(backend.crossEntropyElementsOp, { ignoreIndex: "index", labelSmoothing: "number" }),
    chunkedLoss(),
    candidate(backend.nllElementsOp, { ignoreIndex: "index" }),
    ...[backend.bceElementsOp, backend.bceWithLogitsElementsOp].map((op) => candidate(op)),
    ...Object.entries(kindsOfOps).map(([name, kinds]) => candidate(opsByName.get(name)!, kinds)),
  ];
}

interface Feeds {
  readonly reals: Tensor<"real">;
  readonly classes: Tensor;
}

/** The ops that `fn` applies, by their names. */
function opsWithin(fn: (feeds: Feeds) => void): ReadonlyMap<string, Op> {
  const trace = new backend.Trace();
  trace.run(() =>
    fn({
      reals: trace.feed("reals", { shape: [2, 3], dtype: "float32", domain: "real" }) as Tensor<"real">,
      classes: trace.feed("classes", { shape: [2], dtype: "int32", domain: "real" }),
    }),
  );
  return new Map(trace.nodes.flatMap((node) => (node.kind === "op" ? [[node.op.name, node.op] as const] : [])));
}
