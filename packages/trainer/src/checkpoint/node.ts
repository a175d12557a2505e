/** `@ermine/trainer/checkpoint/node`: trainings kept in folders of files, and taken up again from them. */
export { checkpoint, type CheckpointOptions } from "./files/checkpoint.js";
export { nodeFileSystem, type CheckpointFile, type CheckpointFileSystem, type ProcessTable } from "./files/fileSystem.js";
export { readCheckpoint, type ReadCheckpointOptions } from "./files/folder.js";
