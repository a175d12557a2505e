/** The laws, on a backend: as a list of outcomes, or as tests of any runner that has describe and it. */
import { checkedRunner, type TestRunner } from "./runner.js";
import type { Backend } from "@ermine/core";
import { checkBackend } from "@ermine/core/backend";
import { checkArgument, checkArguments, checkDefinition, checkFunction } from "@ermine/core/define";
import { arraysAreNumbers } from "./arrays.js";
import { batchesAreMeasurable } from "./batchSizes.js";
import { classesAreChecked } from "./classes.js";
import { nothingInfiniteIsCommitted } from "./commit.js";
import { gradientsHaveGradients } from "./curvature.js";
import { checkDefinitions, ownDefinitions, type Definitions } from "./definitions.js";
import { distributionsSumToOne } from "./distributions.js";
import { gradientIsSlope } from "./gradients.js";
import { dtypesAgree } from "./dtypes.js";
import { edgesAgree } from "./edges.js";
import { stepsAreInOrder } from "./inFlight.js";
import { identityHolds } from "./identity.js";
import { indicesAreChecked } from "./indices.js";
import type { Law } from "./law.js";
import { knownValues } from "./knownValues.js";
import { nothingLeaks } from "./leaks.js";
import { oneThingAtATime } from "./lifecycle.js";
import { logsAreOfTheStep } from "./logs.js";
import { monitorsFollowMetrics } from "./monitors.js";
import { namesMeanNothing } from "./names.js";
import { agreesWithReference, compiledIsEager, kernelIsDecomposition } from "./numbers.js";
import { optionsHaveEffect } from "./options.js";
import { firstProgramsEndAlike } from "./firstPrograms.js";
import { refusalsLeaveNoTrace } from "./refusals.js";
import { rowsAreFed } from "./rowGather.js";
import { maskedQueriesAreNamed } from "./maskedQueries.js";
import { metricsKeepNaN } from "./metrics.js";
import { trainingResumes } from "./resumed.js";
import { variablesAreShared } from "./sharedVariables.js";
import { specialValuesAgree } from "./special.js";
import { tokensAreChecked } from "./tokens.js";
import { sizesHold } from "./sizes.js";
import { activationsTrain } from "./training.js";
import { unusedStays } from "./unused.js";
import { metricsAreWeighted } from "./weightedMetrics.js";

/** Every law. */
export const laws: readonly Law[] = [
  agreesWithReference,
  knownValues,
  edgesAgree,
  dtypesAgree,
  specialValuesAgree,
  kernelIsDecomposition,
  compiledIsEager,
  indicesAreChecked,
  classesAreChecked,
  gradientIsSlope,
  gradientsHaveGradients,
  optionsHaveEffect,
  distributionsSumToOne,
  activationsTrain,
  trainingResumes,
  oneThingAtATime,
  refusalsLeaveNoTrace,
  stepsAreInOrder,
  firstProgramsEndAlike,
  nothingInfiniteIsCommitted,
  unusedStays,
  sizesHold,
  batchesAreMeasurable,
  maskedQueriesAreNamed,
  monitorsFollowMetrics,
  logsAreOfTheStep,
  rowsAreFed,
  variablesAreShared,
  identityHolds,
  namesMeanNothing,
  tokensAreChecked,
  metricsKeepNaN,
  metricsAreWeighted,
  arraysAreNumbers,
  nothingLeaks,
];

/** One definition under one law. */
export interface LawOutcome {
  /** The law's name. */
  readonly law: string;
  /** Which definition was tried. */
  readonly name: string;
  /** Absent where it holds. */
  readonly error?: Error;
}

/** The options of `runLaws`. */
export interface RunLawsOptions {
  /** The backend that is tried. */
  readonly backend: Backend;
  /** Default: everything of ermine's own. */
  readonly definitions?: Definitions;
  /** Told of each outcome as it comes. Default: nobody is told. */
  readonly onOutcome?: (outcome: LawOutcome) => void;
}

/** Tries every law on every definition. */
export async function runLaws(options: RunLawsOptions): Promise<readonly LawOutcome[]> {
  checkArguments("runLaws", arguments, 1);
  checkDefinition("runLaws", options, { backend: "object", definitions: "object", onOutcome: "function" }, ["backend"]);
  const { backend, definitions = ownDefinitions(), onOutcome } = options;
  checkBackend("runLaws({ backend })", backend);
  checkDefinitions("runLaws", definitions);
  const outcomes: LawOutcome[] = [];
  for (const law of laws) {
    for (const trial of law.trials(definitions)) {
      const outcome = await attempt(law, () => trial.check(backend), trial.name);
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  }
  return outcomes;
}

async function attempt({ name: law }: Law, check: () => Promise<void>, name: string): Promise<LawOutcome> {
  try {
    await check();
    return { law, name };
  } catch (error) {
    return { law, name, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/**
 * The laws as tests: a test for each definition under each law.
 *
 * @example
 * // describe and it are your test runner's, create makes your backend.
 * testBackend("yours", create, { describe, it });
 */
export function testBackend(
  name: string,
  create: () => Backend | Promise<Backend>,
  runner: TestRunner,
  definitions: Definitions = ownDefinitions(),
): void {
  checkArguments("testBackend", arguments, 4);
  const signature = "testBackend(name, create, { describe, it }, definitions)";
  checkArgument(signature, "name", name, "string");
  checkFunction("testBackend", create, signature);
  checkDefinitions("testBackend", definitions);
  const { describe, it } = checkedRunner(signature, runner);
  let backend: Promise<Backend> | undefined;
  describe(`the laws, on ${name}`, () => {
    for (const law of laws) {
      describe(law.name, () => {
        for (const trial of law.trials(definitions)) {
          it(
            trial.name,
            async () => {
              backend ??= Promise.resolve(create());
              await trial.check(await backend);
            },
            60_000,
          );
        }
      });
    }
  });
}
