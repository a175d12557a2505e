/** `demo experiments`: each claim, what was measured, and whether it holds. */
import { cpu } from "@ermine/backend-cpu";
import { useBackend } from "@ermine/core";
import type { Figure } from "./experiment.js";
import { experiments } from "./index.js";
import { shownValue } from "./shownValue.js";

export interface ExperimentsOptions {
  /** The first seed. */
  readonly seed: number;
  /** How many seeds, one after the other. */
  readonly seeds: number;
  /** One object a line. */
  readonly json: boolean;
}

/** JSON has no NaN and no infinity: they are texts there. */
const inJson = (figures: readonly Figure[]): Record<string, number | string> =>
  Object.fromEntries(figures.map(({ name, value }) => [name, Number.isFinite(value) ? value : String(value)]));

/**
 * Runs all with portable numerics, so that a seed's figures are the same on every machine.
 *
 * @returns whether every claim holds for every seed
 */
export async function runExperiments(
  { seed: first, seeds, json }: ExperimentsOptions,
  print: (text: string) => void,
): Promise<boolean> {
  const backend = await cpu({ numerics: "portable", threads: 1 });
  useBackend(backend);
  let refuted = 0;
  for (const experiment of experiments) {
    if (!json) print(`${experiment.name}\n  ${experiment.claim}`);
    for (let seed = first; seed < first + seeds; seed++) {
      const { figures, holds } = await experiment.run(seed);
      if (!holds) refuted++;
      if (json) print(JSON.stringify({ name: experiment.name, seed, holds, figures: inJson(figures) }));
      else print(described(seed, seeds, figures, holds));
    }
  }
  backend.dispose();
  const runs = experiments.length * seeds;
  if (json) print(JSON.stringify({ event: "end", runs, holds: runs - refuted }));
  else print(`${runs - refuted} of ${runs} runs bear their claim out.`);
  return refuted === 0;
}

function described(seed: number, seeds: number, figures: readonly Figure[], holds: boolean): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  const lines = figures.map(({ name, value }) => `    ${name.padEnd(width)}  ${shownValue(value)}`);
  return [...lines, `  ${holds ? "✓ it holds" : "✗ it does not hold"}${seeds > 1 ? ` (seed ${seed})` : ""}\n`].join("\n");
}
