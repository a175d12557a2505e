/** Three million flights of a Parquet file: every column is a feature or the target, airports are embedded, and row groups stream through a network. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Backend } from "@ermine/core";
import { concat, huber, type Tensor } from "@ermine/core";
import { Embedding, Linear, Module, ReLU, Sequential } from "@ermine/core/nn";
import type { Table } from "@ermine/data";
import { file } from "@ermine/data/node";
import { openParquet, type ParquetFile } from "@ermine/data/parquet";
import { columns, dates, embeddingIds, standardize, type FittedColumns } from "@ermine/preprocessing";
import { adamw, dataset, Trainer, type Dataset, type DataSource } from "@ermine/trainer";

/** Rows of a step. */
export const batchSize = 1024;

const vectorSize = 8;
const hidden = 64;

/** The file that vega-datasets ships. */
export const openFlights = (): Promise<ParquetFile> =>
  openParquet(
    file(join(dirname(dirname(createRequire(import.meta.url).resolve("vega-datasets"))), "data", "flights-3m.parquet")),
  );

interface Inputs {
  readonly numbers: Tensor;
  readonly origin: Tensor;
  readonly destination: Tensor;
}

/** The delay in hours, of numbers and the vectors of two airports. */
class Delays extends Module {
  readonly origin: Embedding;
  readonly destination: Embedding;
  readonly network: Sequential;

  constructor(numbers: number, airports: number) {
    super();
    this.origin = new Embedding(airports, vectorSize);
    this.destination = new Embedding(airports, vectorSize);
    this.network = new Sequential(
      new Linear(numbers + 2 * vectorSize, hidden),
      new ReLU(),
      new Linear(hidden, hidden),
      new ReLU(),
      new Linear(hidden, 1),
    );
  }

  forward({ numbers, origin, destination }: Inputs): Tensor {
    return this.network.forward(concat([numbers, this.origin.forward(origin), this.destination.forward(destination)], 1));
  }
}

/** What is learned of the columns, from one row group. */
export class FlightFeatures {
  readonly numbers: FittedColumns;
  readonly origin: FittedColumns;
  readonly destination: FittedColumns;
  /** Rows of a table of airports: more than the row group has of them. */
  readonly airports = 512;

  constructor(part: Table) {
    this.numbers = columns({
      date: dates({ parts: ["dayOfYear", "weekday", "hour"] }),
      distance: standardize(),
    }).fit(part);
    this.origin = columns({ origin: embeddingIds() }).fit(part);
    this.destination = columns({ destination: embeddingIds() }).fit(part);
  }

  dataset(part: Table): Dataset {
    return dataset({
      inputs: {
        numbers: this.numbers.apply(part),
        origin: this.origin.apply(part).data,
        destination: this.destination.apply(part).data,
      },
      targets: {
        data: Float32Array.from(part.values("delay") as Float64Array, (minutes) => minutes / 60),
        shape: [part.length, 1],
      },
    });
  }

  /** The rows of some row groups. */
  source(flights: ParquetFile, rowGroups: readonly number[]): DataSource {
    const length = rowGroups.reduce((sum, group) => sum + flights.rowGroups[group]!, 0);
    return flights
      .tables({ rowGroups })
      .map((part) => this.dataset(part))
      .source({ length });
  }

  trainer(backend: Backend): Trainer {
    const model = new Delays(this.numbers.width, this.airports);
    return new Trainer({ model, loss: huber, optimizer: adamw({ learningRate: 0.002 }), backend }) as unknown as Trainer;
  }
}

/** The mean Huber loss in hours of one prediction for all rows. */
export function lossOfOne(prediction: number, minutes: Float64Array): number {
  let sum = 0;
  for (const value of minutes) {
    const error = Math.abs(value - prediction) / 60;
    sum += error <= 1 ? error ** 2 / 2 : error - 0.5;
  }
  return sum / minutes.length;
}

export const medianOf = (values: Float64Array): number => values.toSorted()[values.length >> 1]!;
