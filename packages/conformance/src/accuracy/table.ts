/** The accuracy table: what was measured, PyTorch's errors next to it, and why a row may be above the goal. */
import type { Accuracy, AccuracyError } from "./measure.js";

/** An error as JSON has it. */
type Listed = { readonly [K in keyof AccuracyError]: number | "Infinity" };
type Pass = keyof Accuracy;
type ListedRows = Readonly<Record<string, Readonly<Record<Pass, Listed>>>>;

/** Accuracies as a table, and why some are above the goal. */
export interface AccuracyTable {
  /** golden/accuracy/pytorch.json. */
  readonly pytorch: ListedRows;
  /** golden/accuracy/ermine.json: rows by backend. */
  readonly ermine: Readonly<Record<string, ListedRows>>;
  /** golden/accuracy/reasons.json. */
  readonly reasons: readonly AccuracyReason[];
}

/**
 * The table of golden/accuracy.
 *
 * @param read gives the content of a file of that folder
 */
export const accuracyTable = (read: (name: string) => unknown): AccuracyTable => ({
  pytorch: (read("pytorch.json") as { readonly rows: ListedRows }).rows,
  ermine: read("ermine.json") as AccuracyTable["ermine"],
  reasons: read("reasons.json") as AccuracyTable["reasons"],
});

/** Why some passes of some rows are above the goal. */
export interface AccuracyReason {
  /** The backends that it is the reason for. */
  readonly backends: readonly string[];
  /** "tanh", or "tanh forward" for one pass of it. */
  readonly rows: readonly string[];
  /** Why the error is above the goal. */
  readonly reason: string;
}

export const passes: readonly Pass[] = ["forward", "gradient"];

const parsed = ({ absolute, ulp }: Listed): AccuracyError => ({ absolute: Number(absolute), ulp: Number(ulp) });

/** From here on, fewer than four of the 24 bits are right: what PyTorch has there is no goal. */
const allDigitsLost = 2 ** 20;
/** The goal instead: ten bits, at the function's zeros too. */
const tenBits = 2 ** 14;

/**
 * Is an error no worse than PyTorch's, or one unit in the last place? Where PyTorch loses all digits, ten bits must be there. Errors that
 * differ by a twentieth count as the same.
 */
export function meetsGoal(error: AccuracyError, pytorch: Listed): boolean {
  if (error.ulp <= 1) return true;
  const peer = parsed(pytorch);
  const goal = peer.ulp >= allDigitsLost ? tenBits : Math.max(1, peer.ulp);
  return error.ulp <= 1.05 * goal && error.absolute <= 1.05 * peer.absolute;
}

/** The reason that is given for a pass of a row, if any. */
export const reasonFor = ({ reasons }: Pick<AccuracyTable, "reasons">, backend: string, row: string, pass: Pass) =>
  reasons.find(({ backends, rows }) => backends.includes(backend) && (rows.includes(row) || rows.includes(`${row} ${pass}`)))
    ?.reason;

/** The faults of a measured row, compared with the table: worse than listed, or above the goal without a reason. */
export function accuracyFaults(table: AccuracyTable, backend: string, row: string, measured: Accuracy): readonly string[] {
  const listed = table.ermine[backend]?.[row];
  const peer = table.pytorch[row];
  if (listed === undefined || peer === undefined) return [`${row} is not in the table: pnpm accuracy`];
  return passes.flatMap((pass) => {
    const [is, was] = [measured[pass], parsed(listed[pass])];
    const summary = `${row} ${pass}: ${is.absolute.toPrecision(3)}, ${is.ulp.toPrecision(3)} ulp`;
    const worse = (["absolute", "ulp"] as const).some((measure) => is[measure] > 1.02 * was[measure]);
    const met = meetsGoal(is, peer[pass]);
    return [
      ...(worse ? [`${summary} is worse than the table's ${was.absolute}, ${was.ulp} ulp`] : []),
      ...(met || reasonFor(table, backend, row, pass) !== undefined
        ? []
        : [`${summary} is above the goal (PyTorch: ${peer[pass].absolute}, ${peer[pass].ulp} ulp), and no reason is given`]),
    ];
  });
}

/** Three digits; JSON has no infinity. */
export function listed({ absolute, ulp }: AccuracyError): Listed {
  const short = (x: number): number | "Infinity" => (Number.isFinite(x) ? Number(x.toPrecision(3)) : "Infinity");
  return { absolute: short(absolute), ulp: short(ulp) };
}
