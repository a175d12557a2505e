/** `@ermine/trainer/worker`: training in a worker, so that the thread that starts it stays free for the page or the server. */
export type { TrainingBegin, TrainingEpoch, TrainingEvent, TrainingNotice, TrainingStep } from "./worker/protocol.js";
export { serveTraining, type TrainingContext, type TrainingFunction } from "./worker/serve.js";
export {
  trainInWorker,
  type NodeWorker,
  type TrainInWorkerOptions,
  type WebWorker,
  type WorkerPredictOptions,
  type WorkerTraining,
} from "./worker/train.js";
