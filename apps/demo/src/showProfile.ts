/** `demo train --profile`: where the time of a step goes. */
import { writeFileSync } from "node:fs";
import { ErmineError } from "@ermine/core";
import { openBackend, registerBackends } from "./backends.js";
import { loadDigits } from "./digits.js";
import { inputShape } from "./models.js";
import { trainerFor, type TrainOptions } from "./train.js";

export async function showProfile(options: TrainOptions, print: (text: string) => void): Promise<void> {
  const fastest = options.backend === "fastest";
  if (fastest) await registerBackends("all", options.numerics);
  const backend = fastest ? ("fastest" as const) : await openBackend(options.backend, options.numerics);
  const { training } = loadDigits(inputShape(options.model), options.seed);
  const profile = await trainerFor(options, backend).profile(training, { batchSize: options.batchSize });
  print(options.json ? JSON.stringify(profile) : String(profile));
  if (options.profileFile === undefined) return;
  try {
    writeFileSync(options.profileFile, profile.chromeTrace());
  } catch (error) {
    throw new ErmineError("ERMINE_OPTION", `--profile: ${(error as Error).message}`);
  }
  if (!options.json) print(`\n${options.profileFile} is for chrome://tracing or ui.perfetto.dev.`);
}
