/** Indices checked before the first step: tokens that an embedding looks up, and whatever else is fed to a look-up as it is. */
import { ErmineError } from "@ermine/core";
import { type Graph, eliminateDead, fedLookups } from "@ermine/core/backend";
import type { Dataset } from "./dataset.js";

/**
 * @param graphs of the entries that are fed the data set
 * @throws ErmineError ERMINE_VALUE that names the first index that is not in 0 … size − 1, its row, and the layer
 */
export function checkIndices(name: string, data: Dataset, graphs: readonly Graph[]): void {
  const columns = new Map(data.namedColumns());
  for (const { feed, op, path, size } of graphs.flatMap((graph) => fedLookups(eliminateDead(graph)))) {
    const column = columns.get(feed);
    // The axis may be the batch's own: then it is known when the program runs.
    if (column === undefined || typeof size !== "number") continue;
    const { data: indices, rowLength } = column;
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]!;
      if (index >= 0 && index < size) continue;
      throw new ErmineError(
        "ERMINE_VALUE",
        `${feed} (${name} set) has the index ${index} in row ${Math.floor(i / rowLength)}, place ${i % rowLength}, and ` +
          `${path === "" ? op : `the layer ${path}`} looks up ${size} rows, 0 … ${size - 1}. ` +
          (index === size
            ? "Do the indices start at 1? Subtract 1, or make the table one row longer."
            : "Correct it, or make the table longer."),
      );
    }
  }
}
