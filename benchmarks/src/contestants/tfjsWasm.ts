/** @tensorflow/tfjs-backend-wasm: TensorFlow.js's WebAssembly kernels. */
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import { allLayers } from "../model.js";
import { Absent, serve } from "./player.js";
import { tfjsWork } from "./tfjsWork.js";

const require = createRequire(import.meta.url);

await serve({
  async prepare(task, threads) {
    const kinds = task.kind === "train" ? allLayers(task.model.layers).map(({ kind }) => kind) : [];
    if (kinds.includes("convolution"))
      throw new Absent({ cannot: "it has no Conv2DBackpropFilter, so it cannot train convolutions" });
    if (kinds.includes("embedding")) throw new Absent({ cannot: "it has no UnsortedSegmentSum, so it cannot train embeddings" });
    // The whole of it, for the gradients; and its own build for Node, so that there is one copy of its core.
    const tf = require("@tensorflow/tfjs") as typeof import("@tensorflow/tfjs-core");
    const wasm = require("@tensorflow/tfjs-backend-wasm") as typeof import("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}${sep}`);
    wasm.setThreadsCount(threads);
    await tf.setBackend("wasm");
    await tf.ready();
    return tfjsWork(tf, `tfjs-backend-wasm ${wasm.version_wasm}`, task);
  },
});
