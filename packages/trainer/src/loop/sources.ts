/** Data sources made from the user's data. */
import { ErmineError } from "@ermine/core";
import { allocate } from "@ermine/core/backend";
import { checkCopy, show } from "@ermine/core/define";
import { Column } from "../data/column.js";
import { mapColumns, typesOf } from "../data/columns.js";
import { Dataset } from "../data/dataset.js";
import type { ColumnType, ColumnTypes, DataSource } from "../data/source.js";

/**
 * @param where "fit", for messages
 * @throws ErmineError ERMINE_DATA where it is none, ERMINE_USAGE where another copy of ermine made it
 */
export function sourceOf(where: string, data: unknown): DataSource {
  checkCopy(where, data);
  if (data instanceof Dataset) return data;
  if (typeof data === "object" && data !== null && typeof (data as Partial<DataSource>).batches === "function") {
    const { resume } = data as Partial<DataSource>;
    if (resume === "seek" || resume === "replay" || resume === "none") return data as DataSource;
    throw new ErmineError(
      "ERMINE_DATA",
      `${where}: a data source states how it resumes: resume is "seek", "replay" or "none", got ${show(resume)}.`,
    );
  }
  const isStream =
    typeof data === "function" || (typeof data === "object" && data !== null && !Array.isArray(data) && iterates(data));
  throw new ErmineError(
    "ERMINE_DATA",
    `${where} takes a data set or a data source, got ${show(data)}. ` +
      (isStream
        ? "Of what makes or is an iterator of samples write stream(…), which is a source."
        : "Write dataset({ inputs, targets }); of an iterator of samples, stream(function* () { … })."),
  );
}

const iterates = (data: object): boolean => Symbol.iterator in data || Symbol.asyncIterator in data || "next" in data;

/** Types of a source's columns: as it says, or as its first batch does, which is then read once more. */
export async function typesOfSource(source: DataSource, batchSize: number): Promise<ColumnTypes> {
  if (source.columns !== undefined) return source.columns;
  if (source.resume === "none") {
    throw new ErmineError(
      "ERMINE_DATA",
      "The data are an iterator, which can be read once, so that what its samples hold must be stated: stream(iterator, { columns: { inputs: { shape: [4], " +
        'dtype: "float32" } } }). Or pass a function that makes the iterator.',
    );
  }
  const batches = source.batches({ batchSize, epoch: 0, seed: undefined });
  const iterator = Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
  const first = await iterator.next();
  await iterator.return?.();
  if (first.done === true) throw new ErmineError("ERMINE_DATA", "The data are empty: the source gave no batch.");
  return typesOf(first.value.columns);
}

/** Samples to time a step on: those of a data set, and as many zeros of the same types in place of a stream's. */
export async function sampleOf(source: DataSource, batchSize: number): Promise<Dataset> {
  if (source instanceof Dataset) return source;
  const zeros = ({ shape, dtype }: ColumnType, name: string): Column =>
    new Column(
      allocate(
        dtype,
        shape.reduce((a, b) => a * b, batchSize),
      ),
      [batchSize, ...shape],
      dtype,
      name,
    );
  const { inputs, targets, sampleWeights } = mapColumns(await typesOfSource(source, batchSize), zeros);
  return new Dataset({ inputs, targets, sampleWeights });
}
