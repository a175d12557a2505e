/** Golden cases on a backend: each passes, fails with its worst number, or is skipped with its reason. */
import { ErmineError, type Backend } from "@ermine/core";
import { checkBackend } from "@ermine/core/backend";
import { checkArguments, checkDefinition, show } from "@ermine/core/define";
import { worstDifference, type Difference } from "./comparison.js";
import { Skip, type GoldenKind, type Mode } from "./kind.js";
import { activationKind } from "./kinds/activations.js";
import { lossKind } from "./kinds/losses.js";
import { metricKind } from "./kinds/metrics.js";
import { moduleKind } from "./kinds/modules.js";
import { opKind } from "./kinds/ops.js";
import { optimizerKind } from "./kinds/optimizers.js";
import { scheduleKind } from "./kinds/schedules.js";
import { trainingKind } from "./kinds/training.js";
import type { GoldenCase, GoldenFile } from "./schema.js";

/** Every kind of golden case, in the order of a reader. */
export const goldenKinds = [
  opKind,
  activationKind,
  lossKind,
  optimizerKind,
  scheduleKind,
  moduleKind,
  trainingKind,
  metricKind,
] as unknown as readonly GoldenKind[];

/** The outcome of a case; it has passed where it has in every mode. */
export type Outcome = { 
/** The kind of the case: "losses". */
readonly kind: string; 
/** The case's name in its file. */
readonly id: string } & (
  | { readonly status: "passed" }
  | { readonly status: "skipped"; readonly reason: string }
  | { readonly status: "failed"; readonly mode: Mode; readonly difference?: Difference; readonly error?: Error }
);

/** The options of `runGolden`. */
export interface RunGoldenOptions {
  /** The backend that is tried. */
  readonly backend: Backend;
  /** Golden files, parsed. */
  readonly files: readonly GoldenFile[];
  /** Default both. */
  readonly modes?: readonly Mode[];
  /** Told of each outcome as it comes. Default: nobody is told. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

/**
 * Runs every case of the files on the backend, in every mode.
 *
 * @throws ErmineError ERMINE_DATA where a file is of another schema or of a kind that does not exist
 */
export async function runGolden(options: RunGoldenOptions): Promise<readonly Outcome[]> {
  checkArguments("runGolden", arguments, 1);
  checkDefinition("runGolden", options, { backend: "object", files: "list", modes: "list", onOutcome: "function" }, ["backend", "files"]);
  checkBackend("runGolden({ backend, files })", options.backend);
  const { backend, files, modes = ["eager", "compiled"], onOutcome } = options;
  const outcomes: Outcome[] = [];
  for (const file of files) {
    if (typeof file !== "object" || file === null || !Array.isArray(file.cases))
      throw new ErmineError("ERMINE_DATA", `runGolden: files are parsed golden files { schema, kind, cases }, got ${show(file)}.`);
    const kind = goldenKinds.find(({ name }) => name === file.kind);
    if (kind === undefined || file.schema !== 1) {
      throw new ErmineError(
        "ERMINE_DATA",
        `A golden file of schema ${String(file.schema)} and kind "${file.kind}": this kit reads schema 1 of ${goldenKinds.map((k) => k.name).join(", ")}.`,
      );
    }
    for (const golden of file.cases) {
      const outcome = await runCase(kind, golden, backend, kind.usesBackend ? modes : modes.slice(0, 1));
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  }
  return outcomes;
}

async function runCase(kind: GoldenKind, golden: GoldenCase, backend: Backend, modes: readonly Mode[]): Promise<Outcome> {
  const place = { kind: kind.name, id: golden.id };
  for (const mode of modes) {
    try {
      const difference = worstDifference(await kind.run(golden, { backend, mode }), golden.tolerance ?? kind.tolerance);
      if (difference !== undefined) return { ...place, status: "failed", mode, difference };
    } catch (error) {
      if (error instanceof Skip) return { ...place, status: "skipped", reason: error.message };
      return { ...place, status: "failed", mode, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }
  return { ...place, status: "passed" };
}
