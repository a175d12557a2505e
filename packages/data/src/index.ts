/** ermine's data: sequences and streams of items, and what is done to them on their way to training. */
export { sequence, Sequence, type Fold, type IndexedItems, type WeightedOptions } from "./sequence.js";
export { stream, Stream, type ItemsSource, type MapAsyncOptions, type ShuffleOptions, type StreamOptions } from "./stream.js";
export {
  batchByLength,
  lengthBuckets,
  padSequences,
  type BatchByLengthOptions,
  type LengthBucketOptions,
  type PaddedSequences,
  type PadSequencesOptions,
  type SequenceElements,
} from "./lengthBuckets.js";
export { samples } from "./samples.js";
export type { Label, SplitOptions } from "./partition.js";
export type { SourceOptions } from "./source.js";
export type { Items } from "./stages.js";
export { ItemContext, type Pass } from "./pass.js";
export { jsonLines, type JsonLinesOptions } from "./jsonLines.js";
export { table, Table, type TableFold, type TableRow } from "./table/table.js";
export type { Cell, ColumnKind, ColumnOf, TableColumn } from "./table/column.js";
export type { ByteSource, FileSource } from "./bytes.js";
export type { BadRow, BadRows } from "./badRows.js";
