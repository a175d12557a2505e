/** Rows that cannot be read: an error, or left out and counted. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** A row that cannot be read. */
export interface BadRow {
  /** The file's name. */
  readonly file: string;
  /** Its number, from 1: the first after the header; of JSON lines, the line's. */
  readonly row: number;
  /** The column that is wrong; undefined: the row as a whole is. */
  readonly column: string | undefined;
  /** What is wrong, as a sentence. */
  readonly problem: string;
}

/** What is done with rows that cannot be read: "error" ends reading, "skip" leaves them out, a function is told of each that is left out. */
export type BadRows = "error" | "skip" | ((row: BadRow) => void);

export class BadRowsPolicy {
  readonly #policy: BadRows;
  /** Rows that were left out. */
  count = 0;

  constructor(where: string, policy: BadRows = "error") {
    if (policy !== "error" && policy !== "skip" && typeof policy !== "function")
      throw new ErmineError("ERMINE_OPTION", `${where}: badRows is "error", "skip" or a function, got ${show(policy)}.`);
    this.#policy = policy;
  }

  /** @throws ErmineError ERMINE_DATA where bad rows are errors */
  refuse(bad: BadRow): void {
    if (this.#policy === "error") {
      const column = bad.column === undefined ? "" : `, column ${JSON.stringify(bad.column)}`;
      throw new ErmineError(
        "ERMINE_DATA",
        `${bad.file}, row ${bad.row}${column}: ${bad.problem} Correct it, or leave such rows out: { badRows: "skip" }.`,
      );
    }
    this.count++;
    if (typeof this.#policy === "function") this.#policy(bad);
  }
}
