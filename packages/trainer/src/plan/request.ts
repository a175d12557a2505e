/** Backends that a trainer can choose by name. */

/** "auto": the available backend of the highest priority. "fastest": that one, unless another is 20 % faster. */
export type BackendRequest = "auto" | "fastest";
