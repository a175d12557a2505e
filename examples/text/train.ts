/** Learns the text of this repository's pages and writes some of its own: `npx tsx examples/text/train.ts lstm`, or gpt. */
import { cpu } from "@ermine/backend-cpu";
import { crossEntropy, manualSeed, reshape, type Backend, type Tensor } from "@ermine/core";
import { adamw, Trainer } from "@ermine/trainer";
import { corpusOf, windowsOf, type Corpus } from "./corpus.js";
import { GptModel, LstmModel, type LanguageModel } from "./models.js";
import { readPages } from "./pages.js";
import { writeText } from "./sampling.js";

/** Characters that a model sees at once. */
export const steps = 64;

export interface Learned {
  readonly model: LanguageModel;
  /** In nats a character. */
  readonly validationLoss: number;
}

/** Trains for so many epochs. */
export async function learn(
  name: "lstm" | "gpt",
  { characters, training, validation }: Corpus,
  epochs: number,
  backend: Backend,
): Promise<Learned> {
  manualSeed(1);
  const model = name === "lstm" ? new LstmModel(characters.length, 128) : new GptModel(characters.length, 96, steps);
  const trainer = new Trainer({
    model,
    loss: (logits, { targets }) =>
      crossEntropy(reshape(logits as Tensor, [-1, characters.length]), reshape(targets as Tensor, [-1])),
    optimizer: adamw({ learningRate: name === "lstm" ? 4e-3 : 2e-3 }),
    backend,
  });
  await trainer.fit(windowsOf(training, steps), { epochs, batchSize: 32 });
  const { loss } = await trainer.evaluate(windowsOf(validation, steps), { batchSize: 32 });
  trainer.dispose();
  return { model, validationLoss: loss };
}

if (process.argv[1] === import.meta.filename) {
  const backend = await cpu();
  const corpus = corpusOf(readPages());
  const started = performance.now();
  const { model, validationLoss } = await learn(process.argv[2] === "gpt" ? "gpt" : "lstm", corpus, 12, backend);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const share = (validationLoss / corpus.unigramEntropy).toFixed(2);
  console.log(`After ${seconds} s: ${validationLoss.toFixed(3)} nats a character, ${share} of what its frequency alone leaves.`);
  for (const options of [{ temperature: 0 }, { temperature: 0.7, topK: 10 }, { temperature: 1, topP: 0.9 }])
    console.log(
      JSON.stringify(options),
      writeText(model, { characters: corpus.characters, steps, backend }, "A loss ", { ...options, seed: 7, length: 160 }),
    );
  backend.dispose();
}
