/** What a trainer may be asked to choose. */

/** "auto": the available backend of the highest priority. "fastest": that one, unless another is 20 % faster. */
export type BackendRequest = "auto" | "fastest";
