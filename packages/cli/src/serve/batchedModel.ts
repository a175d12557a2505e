/** Rows of requests that come at the same time, predicted together. */
import type { TableRow } from "@ermine/data";
import type { Answer, TableModel } from "../model/tableModel.js";

interface Waiting {
  readonly rows: readonly TableRow[];
  readonly resolve: (answers: readonly Answer[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Most rows that are predicted together, unless one request has more. */
const mostRows = 1024;

/** A model that is given the rows of all requests that wait for it. */
export class BatchedModel {
  readonly model: TableModel;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(model: TableModel) {
    this.model = model;
  }

  /** What the model says of each row. @throws ErmineError for values that do not fit, with column and row */
  predict(rows: readonly TableRow[]): Promise<readonly Answer[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rows, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Answers what waits, and frees the model. */
  async dispose(): Promise<void> {
    await this.#running;
    this.model.dispose();
  }

  async #run(): Promise<void> {
    // What came in with the same turn of the event loop is predicted together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      let rows = 0;
      let count = 0;
      while (count < this.#waiting.length && (count === 0 || rows + this.#waiting[count]!.rows.length <= mostRows))
        rows += this.#waiting[count++]!.rows.length;
      await this.#together(this.#waiting.splice(0, count));
    }
    this.#running = undefined;
  }

  async #together(requests: readonly Waiting[]): Promise<void> {
    try {
      const predictions = await this.model.predict(requests.flatMap(({ rows }) => rows));
      let from = 0;
      for (const { rows, resolve } of requests) {
        const first = from;
        resolve(rows.map((_, i) => this.model.answer(predictions, first + i)));
        from += rows.length;
      }
    } catch (error) {
      // A row that does not fit is its own request's matter.
      if (requests.length === 1) requests[0]!.reject(error);
      else for (const request of requests) await this.#together([request]);
    }
  }
}
