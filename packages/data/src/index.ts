/** ermine's data: sequences and streams of items, and what is done to them on their way to training. */
export { sequence, Sequence, type Fold, type IndexedItems, type WeightedOptions } from "./sequence.js";
export { stream, Stream, type ItemsSource, type MapAsyncOptions, type ShuffleOptions, type StreamOptions } from "./stream.js";
export { samples } from "./samples.js";
export type { Label, SplitOptions } from "./partition.js";
export type { SourceOptions } from "./source.js";
export type { Items } from "./stages.js";
export { ItemContext, type Pass } from "./pass.js";
