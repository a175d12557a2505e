/** What the batches of a source hold, for comparisons. */
import type { Batch, BatchColumn, Cursor, DataSource } from "@ermine/trainer";

export interface ReadBatch {
  readonly index: number;
  readonly cursor: Cursor;
  readonly elements: readonly number[];
}

/** The batches of an epoch; `inputs` is their only column. */
export async function batchesOf(
  source: DataSource,
  { batchSize = 4, epoch = 0, seed, from }: { batchSize?: number; epoch?: number; seed?: number | undefined; from?: Cursor } = {},
): Promise<ReadBatch[]> {
  const read: ReadBatch[] = [];
  const request = { batchSize, epoch, seed, ...(from === undefined ? {} : { from }) };
  for await (const batch of source.batches(request) as Iterable<Batch>) {
    const column = batch.columns.inputs as BatchColumn;
    const target = new Float32Array(column.shape.reduce((a, b) => a * b, batch.size));
    column.copyInto(target);
    read.push({ index: batch.index, cursor: batch.cursor, elements: Array.from(target) });
  }
  return read;
}
