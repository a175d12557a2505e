/**
 * `@ermine/trainer/checkpoint`: a training as bytes, and the proof that one which goes on from them gives the same bits. Where the bytes are kept: in files
 * (`@ermine/trainer/checkpoint/node`), or in a browser's storage (`@ermine/trainer/checkpoint/browser`).
 */
export { type BestCheckpoint, type CheckpointCallback, type CheckpointInterval } from "./checkpoint/callback.js";
export { decodeCheckpoint, encodeCheckpoint, type CheckpointParts } from "./checkpoint/file.js";
export { modelState } from "./checkpoint/modelState.js";
export { verifyResume, type ResumeReport, type VerifyResumeOptions } from "./checkpoint/verifyResume.js";
