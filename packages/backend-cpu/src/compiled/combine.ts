/** In chains, a product that only one sum or difference reads is one step with it: a pass over the block less, the same two roundings. */
import { kinds } from "../generated/instructions.js";
import { isSingle, type Chain, type ChainStep, type Source } from "../lower/chain.js";

const { add, mul, sub } = kinds.binary;
const { minusProduct, productMinus, productPlus } = kinds.combine;

export function combine(chain: Chain): Chain {
  const reads = new Map<number, number>();
  for (const { sources } of chain.steps) {
    for (const source of sources) if ("step" in source) reads.set(source.step, (reads.get(source.step) ?? 0) + 1);
  }
  const gone = new Set<number>();
  const combined = chain.steps.map((step, i) => {
    const { family, kind } = step.step;
    if (family !== "binary" || (kind !== add && kind !== sub)) return step;
    for (const side of [1, 0] as const) {
      const source = step.sources[side]!;
      if (!("step" in source) || source.step >= i || gone.has(source.step)) continue;
      const product = chain.steps[source.step]!;
      const own = product.step.family === "binary" && product.step.kind === mul;
      if (!own || reads.get(source.step) !== 1 || chain.outputs.includes(source.step)) continue;
      const factors = ordered(product.sources, chain.count);
      if (factors === undefined) continue;
      gone.add(source.step);
      const which = kind === add ? productPlus : side === 0 ? productMinus : minusProduct;
      return made(which, [...factors, step.sources[1 - side]!]);
    }
    return step;
  });
  return without(gone, { ...chain, steps: combined });
}

const made = (kind: number, sources: readonly Source[]): ChainStep => ({
  step: { family: "combine", kind, reads: [0, 1, 2] },
  sources,
});

/** Two factors, the first of them no single number; none where both are. */
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
