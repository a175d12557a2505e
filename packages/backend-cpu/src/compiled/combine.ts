/**
 * In chains, a product that only one sum, difference, product or quotient reads is one step with it: a pass over the block less, the same two roundings. So is
 * the negative of a product that is added, which no rounding concerns: a + −(b · c) is a − b · c.
 */
import { kinds } from "../generated/instructions.js";
import { isSingle, type Chain, type ChainStep, type Source } from "../lower/chain.js";

const { add, div, mul, sub } = kinds.binary;
const { minusProduct, productMinus, productOver, productPlus, productTimes } = kinds.combine;

export function combine(chain: Chain): Chain {
  const reads = new Map<number, number>();
  for (const { sources } of chain.steps) {
    for (const source of sources) if ("step" in source) reads.set(source.step, (reads.get(source.step) ?? 0) + 1);
  }
  const gone = new Set<number>();
  /** Products that are one step with one of their factors already. */
  const absorbed = new Set<number>();

  /** The earlier step that a source is, where nobody else reads it. */
  const ownStep = (source: Source, reader: number): { readonly at: number; readonly step: ChainStep } | undefined => {
    if (!("step" in source) || source.step >= reader || gone.has(source.step) || absorbed.has(source.step)) return undefined;
    if (reads.get(source.step) !== 1 || chain.outputs.includes(source.step)) return undefined;
    return { at: source.step, step: chain.steps[source.step]! };
  };

  /** The product that a source is, or the negative of one. */
  const productOf = (source: Source, reader: number): Product | undefined => {
    const earlier = ownStep(source, reader);
    if (earlier === undefined) return undefined;
    const { family, kind } = earlier.step.step;
    if (family === "unary" && kind === kinds.unary.neg) {
      const inner = productOf(earlier.step.sources[0]!, earlier.at);
      return inner && !inner.negative ? { ...inner, negative: true, steps: [...inner.steps, earlier.at] } : undefined;
    }
    if (family !== "binary" || kind !== mul) return undefined;
    const factors = ordered(earlier.step.sources, chain.count);
    return factors && { factors, negative: false, steps: [earlier.at] };
  };

  const combined = chain.steps.map((step, i) => {
    const { family, kind } = step.step;
    if (family !== "binary" || (kind !== add && kind !== sub && kind !== mul && kind !== div)) return step;
    for (const side of kind === div ? ([0] as const) : ([1, 0] as const)) {
      const product = productOf(step.sources[side]!, i);
      // The negative of a product is only ever added.
      if (product === undefined || (product.negative && kind !== add)) continue;
      for (const at of product.steps) gone.add(at);
      if (kind === mul) absorbed.add(i);
      return combinedStep(kindOf(kind, side, product.negative), [...product.factors, step.sources[1 - side]!]);
    }
    return step;
  });
  return without(gone, { ...chain, steps: combined });
}

interface Product {
  readonly factors: readonly [Source, Source];
  readonly negative: boolean;
  /** The steps that it is. */
  readonly steps: readonly number[];
}

function kindOf(operation: number, side: 0 | 1, negative: boolean): number {
  if (operation === div) return productOver;
  if (operation === mul) return productTimes;
  if (operation === add) return negative ? minusProduct : productPlus;
  return side === 0 ? productMinus : minusProduct;
}

const combinedStep = (kind: number, sources: readonly Source[]): ChainStep => ({
  step: { family: "combine", kind, reads: [0, 1, 2] },
  sources,
});

/** Two factors, the first of them no single element; none where both are. */
function ordered([a, b]: readonly Source[], count: number): readonly [Source, Source] | undefined {
  const single = (source: Source): boolean => count > 1 && "view" in source && isSingle(source.view);
  if (!single(a!)) return [a!, b!];
  return single(b!) ? undefined : [b!, a!];
}

/** The chain with the steps that are gone left out. */
function without(gone: ReadonlySet<number>, chain: Chain): Chain {
  const place: number[] = [];
  let next = 0;
  chain.steps.forEach((_, i) => place.push(gone.has(i) ? -1 : next++));
  const moved = (source: Source): Source => ("step" in source ? { step: place[source.step]! } : source);
  return {
    count: chain.count,
    steps: chain.steps.flatMap((step, i) => (gone.has(i) ? [] : [{ ...step, sources: step.sources.map(moved) }])),
    outputs: chain.outputs.map((i) => place[i]!),
  };
}
