/** Both examples in Node: `npx tsx examples/pretrained/main.ts`. */
import { readFileSync } from "node:fs";
import { cpu } from "@ermine/backend-cpu";
import { adapt } from "./lora.js";
import { finetune } from "./finetune.js";
import { adaptingDigits, finetuningDigits } from "./node.js";

const backend = await cpu();
const pretrained = (name: string): Uint8Array => readFileSync(new URL(name, import.meta.url));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const tuned = await finetune(pretrained("resnet.onnx"), finetuningDigits(), backend, (stage, epoch, loss) =>
  console.log(`${stage}, epoch ${epoch}: loss ${loss.toFixed(3)}`),
);
console.log(`5 to 9 with a new head: ${percent(tuned.headAccuracy)}, fine-tuned: ${percent(tuned.accuracy)}`);

const adapted = await adapt(pretrained("transformer.onnx"), adaptingDigits(), backend);
console.log(
  `Digits on their side: ${percent(adapted.accuracyBefore)} before, ${percent(adapted.accuracy)} with adapters of ${adapted.trained} elements next to ${adapted.total}`,
);
