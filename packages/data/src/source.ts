/** From items to a source of batches: the trainer's stream, which puts samples into batches and keeps the place for resuming. */
import { ErmineError } from "@ermine/core";
import { checkOptions } from "@ermine/core/define";
import { stream as batchesOf, type ColumnTypes, type DataSource, type Resume, type StreamItem } from "@ermine/trainer";
import type { Pass } from "./pass.js";
import type { Items } from "./stages.js";

/** The options of `source`. */
export interface SourceOptions {
  /** Shape and dtype of each column. Default: those of the first sample, where numbers are float32, so class labels must be int32 arrays or be stated here. */
  readonly columns?: ColumnTypes;
  /** Samples an epoch: state it where items are data sets. Default: the number of items. */
  readonly length?: number;
}

/** What a source is made of. */
interface SampleItems {
  readonly length: number | undefined;
  readonly resume: Resume;
  iterate(pass: Pass, skip: number): Items<StreamItem>;
}

export function sourceOf(items: SampleItems, options: SourceOptions = {}): DataSource {
  checkOptions<SourceOptions>("source", options, { columns: "object", length: "number" });
  const { length, resume } = items;
  const source = batchesOf(({ epoch, seed, skip }) => items.iterate({ epoch, seed }, skip), {
    seek: resume === "seek",
    ...(length === undefined || length === 0 ? {} : { length }),
    ...options,
  });
  if (resume !== "none") return source;
  return {
    ...source,
    resume,
    batches(request) {
      if ((request.from ?? null) !== null) throw readOnce("training cannot be taken up in the middle of it");
      return source.batches(request);
    },
  };
}

export const readOnce = (why: string): ErmineError =>
  new ErmineError(
    "ERMINE_DATA",
    `The items are an iterator, which can be read once: ${why}. Pass a function that makes the iterator: stream(() => items()).`,
  );
