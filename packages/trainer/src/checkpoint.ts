/** `@ermine/trainer/checkpoint`: trainings kept in files, taken up again from them, and the proof that this gives the same bits. */
export { checkpoint, type CheckpointCallback, type CheckpointOptions } from "./checkpoint/callback.js";
export { decodeCheckpoint, encodeCheckpoint, type CheckpointParts } from "./checkpoint/file.js";
export { nodeFileSystem, type CheckpointFile, type CheckpointFileSystem, type ProcessTable } from "./checkpoint/fileSystem.js";
export { readCheckpoint, type ReadCheckpointOptions } from "./checkpoint/folder.js";
export { modelState } from "./checkpoint/modelState.js";
export { verifyResume, type ResumeReport, type VerifyResumeOptions } from "./checkpoint/verifyResume.js";
