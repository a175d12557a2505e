/** @tensorflow/tfjs-node: TensorFlow's C library under TensorFlow.js's eager API. */
import { createRequire } from "node:module";
import { Absent, serve } from "./player.js";
import type { Tf } from "./tfjsModel.js";
import { tfjsWork } from "./tfjsWork.js";

const require = createRequire(import.meta.url);

/** Newer Node has dropped two functions that it calls (tensorflow/tfjs#8609). */
const util = require("node:util") as Record<string, unknown>;
util["isNullOrUndefined"] ??= (value: unknown): boolean => value === null || value === undefined;
util["isArray"] ??= Array.isArray;

type TfjsNode = Tf & {
  backend(): { readonly binding: { readonly TF_Version: string } };
  readonly version: { readonly "tfjs-node": string };
};

await serve({
  async prepare(task) {
    let tf: TfjsNode;
    try {
      tf = require("@tensorflow/tfjs-node") as TfjsNode;
    } catch {
      throw new Absent({ needs: "tfjs-node's native library", remedy: "node packages/backend-tfjs/scripts/prepare.mjs" });
    }
    return tfjsWork(tf, `tfjs-node ${tf.version["tfjs-node"]}, TensorFlow ${tf.backend().binding.TF_Version}`, task);
  },
});
