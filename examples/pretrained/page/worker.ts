/** Fine-tunes the ResNet, apart from the page's thread. */
import { cpu } from "@ermine/backend-cpu";
import { part, side, type Digits } from "../digits.js";
import { finetune } from "../finetune.js";
import digitsAddress from "virtual:digits";
import pretrainedAddress from "../resnet.onnx?url";

export type FromWorker =
  | { readonly type: "epoch"; readonly stage: "head" | "everything"; readonly epoch: number; readonly loss: number }
  | { readonly type: "done"; readonly headAccuracy: number; readonly accuracy: number; readonly file: Uint8Array<ArrayBuffer> }
  | { readonly type: "failed"; readonly message: string };

const post = (message: FromWorker): void => postMessage(message);

async function load(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} could not be loaded (${response.status} ${response.statusText}).`);
  return new Uint8Array(await response.arrayBuffer());
}

/** As vite.config.ts packs them: the greys of a digit as bytes, then its label. */
function unpack(packed: Uint8Array): Digits {
  const record = side * side + 1;
  const labels = Int32Array.from({ length: packed.length / record }, (_, i) => packed[(i + 1) * record - 1]);
  const images = new Float32Array(labels.length * (record - 1));
  labels.forEach((_, i) => {
    for (let p = 0; p < record - 1; p++) images[i * (record - 1) + p] = packed[i * record + p] / 255;
  });
  return { images, labels };
}

async function run(): Promise<void> {
  const [backend, pretrained, packed] = await Promise.all([cpu(), load(pretrainedAddress), load(digitsAddress)]);
  const digits = unpack(packed);
  const parts = { training: part(digits, 0, 500), test: part(digits, 500, 1500) };
  const { headAccuracy, accuracy, file } = await finetune(pretrained, parts, backend, (stage, epoch, loss) =>
    post({ type: "epoch", stage, epoch, loss }),
  );
  post({ type: "done", headAccuracy, accuracy, file: new Uint8Array(file) });
}

run().catch((error: unknown) => post({ type: "failed", message: (error as Error).message }));
