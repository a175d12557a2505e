/** A property over sizes and numbers: the sizes at which vector code has its edges, then some at random. */
import fc from "fast-check";

/** Below, at and beyond the widths of vectors, blocks and pages. */
export const edges: readonly number[] = [0, 1, 3, 4, 5, 31, 64, 1000, 65_537];

export interface PropertyOptions {
  /** Larger sizes are left out. */
  readonly largest: number;
  /** Sizes at random, beyond the edges. Default 2. */
  readonly runs?: number;
}

/**
 * Tries `holds` at every edge up to `largest` and at some random sizes below 100. A failing random size is shrunk by fast-check.
 *
 * @throws Error with the size and the seed of the numbers at which it does not hold
 */
export async function property(
  { largest, runs = 2 }: PropertyOptions,
  holds: (size: number, seed: number) => Promise<string | undefined>,
): Promise<void> {
  const sizes = edges.filter((size) => size <= largest);
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: Math.min(100, largest) }),
      fc.integer({ min: 1, max: 1000 }),
      async (size, seed) => {
        const difference = await holds(size, seed);
        if (difference !== undefined) throw new Error(`at size ${size}: ${difference}`);
      },
    ),
    { examples: sizes.map((size) => [size, size + 1]), numRuns: sizes.length + runs, seed: 1 },
  );
}
