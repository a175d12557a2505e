/** A worker of the server's: one training on the digits, whose messages go to the page. */
import { serveTraining } from "@ermine/trainer/worker";
import { openBackend } from "../backends.js";
import { readDigits } from "../digits.js";
import { splitDigits } from "../race/digitSet.js";
import type { Choices, TrainingMessage } from "../race/messages.js";
import { digitsTrainer, seed, trainDigits } from "../race/training.js";

export default serveTraining(
  async ({ backend: name, choices }: { backend: string; choices: Choices }, { signal, post }): Promise<string> => {
    const tell = (message: TrainingMessage): void => post(message);
    const backend = await openBackend(name, "fast");
    const trainer = digitsTrainer(choices, backend);
    const digits = splitDigits(readDigits(), seed);
    tell({ type: "started", engine: backend.engine });
    const reason = await trainDigits(trainer, choices, digits, { signal, tell, sendWeights: true });
    trainer.dispose();
    return reason;
  },
);
