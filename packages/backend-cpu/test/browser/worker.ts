/** A worker that trains once for each message. */
import type { Numerics } from "../../src/index.js";
import { train } from "./training.js";

onmessage = async ({ data }: MessageEvent<Numerics>) => {
  postMessage(await train(data));
};
