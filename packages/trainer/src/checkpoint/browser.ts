/** `@ermine/trainer/checkpoint/browser`: trainings kept in a browser's storage, and taken up again at the page's next visit. */
export {
  checkpoint,
  listRuns,
  readCheckpoint,
  removeCheckpoints,
  type CheckpointOptions,
  type ReadCheckpointOptions,
  type StorageOptions,
} from "./slots/checkpoint.js";
export { type BuiltinStorage, type CheckpointStorage } from "./slots/storage.js";
