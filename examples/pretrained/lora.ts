/**
 * A transformer that PyTorch has trained on upright digits learns to read them on their side by low-rank adapters: `npx tsx examples/pretrained/main.ts`.
 */
import { crossEntropy, manualSeed, withBackend, type Backend } from "@ermine/core";
import { lora } from "@ermine/core/nn";
import { readSafetensors, writeSafetensors } from "@ermine/formats";
import { loadModel, saveModel } from "@ermine/onnx";
import { accuracy, adamw, Trainer } from "@ermine/trainer";
import { asDataset, type Digits } from "./digits.js";

export interface Adapted {
  /** Shares of the unseen digits that are read right. */
  readonly accuracyBefore: number;
  readonly accuracy: number;
  /** How many elements train, and how many the model has. */
  readonly trained: number;
  readonly total: number;
  /** The adapters as PEFT has them, and the model with them merged as an ONNX file. */
  readonly adapters: Uint8Array;
  readonly file: Uint8Array;
}

/** @param pretrained the file of the transformer */
export async function adapt(
  pretrained: Uint8Array,
  { training, test }: { readonly training: Digits; readonly test: Digits },
  backend: Backend,
): Promise<Adapted> {
  manualSeed(0);
  const start = (): ReturnType<typeof lora<ReturnType<typeof loadModel>>> =>
    lora(loadModel(pretrained), { targets: ["linear1", "linear2", "in_proj_weight", "patches"], rank: 6, alpha: 12, rename });
  const model = start();
  const unseen = asDataset(test, 0);
  const trainer = new Trainer({
    model,
    loss: crossEntropy,
    optimizer: adamw({ learningRate: 0.01 }),
    backend,
    metrics: [accuracy()],
    seed: 0,
  });
  const { accuracy: accuracyBefore } = await trainer.evaluate(unseen);
  await trainer.fit(asDataset(training, 0), { epochs: 15, batchSize: 32, notice: () => {} });
  const { accuracy: reached } = await trainer.evaluate(unseen);
  trainer.dispose();
  const adapters = writeSafetensors(await model.adapterState(), { metadata: { format: "pt" } });
  // Whoever has the transformer's file needs the adapters alone.
  const again = start();
  again.loadAdapterState(readSafetensors(adapters).stateDict());
  const file = await saveModel(withBackend(backend, () => again.merge()));
  return {
    accuracyBefore,
    accuracy: reached,
    trained: model.parameterCount({ trainable: true }),
    total: model.base.parameterCount(),
    adapters,
    file,
  };
}

/** What PEFT would call the module of a weight that is not called after it. */
const rename = (name: string): string | undefined =>
  name.endsWith(".in_proj_weight") ? name.slice(0, -".in_proj_weight".length) : undefined;
