/** Trees of columns: one walk gives the types, the columns and the batches of a source their names, "inputs", "targets.mask", "sampleWeights". */
import { Dim, type Tree } from "@ermine/core";
import type { BatchColumn, ColumnTree, ColumnType, ColumnTypes } from "./source.js";

/** The batch's axis: its size is open until a batch is fed. */
export const batchAxis = /* @__PURE__ */ Dim.symbol("N");

/** Is it a column, and no further level of the tree? */
const isColumn = (node: unknown): boolean =>
  typeof node === "object" &&
  node !== null &&
  typeof (node as Partial<ColumnType>).dtype === "string" &&
  Array.isArray((node as Partial<ColumnType>).shape);

function mapLevel<A, B>(node: Tree<A>, name: string, fn: (column: A, name: string) => B): Tree<B> {
  if (isColumn(node)) return fn(node as A, name);
  if (Array.isArray(node)) return node.map((item, i) => mapLevel(item as Tree<A>, `${name}.${i}`, fn));
  return Object.fromEntries(
    Object.entries(node as Readonly<Record<string, Tree<A>>>).map(([key, item]) => [key, mapLevel(item, `${name}.${key}`, fn)]),
  );
}

/** The same tree with something else for each column. */
export function mapColumns<A, B>(
  { inputs, targets, sampleWeights }: ColumnTree<A>,
  fn: (column: A, name: string) => B,
): ColumnTree<B> {
  return {
    inputs: mapLevel(inputs, "inputs", fn),
    targets: targets === undefined ? undefined : mapLevel(targets, "targets", fn),
    sampleWeights: sampleWeights === undefined ? undefined : fn(sampleWeights, "sampleWeights"),
  };
}

/** All columns of a tree with their names, in order. */
export function namedColumns<C>(tree: ColumnTree<C>): [name: string, column: C][] {
  const named: [string, C][] = [];
  mapColumns(tree, (column, name) => void named.push([name, column]));
  return named;
}

/** The columns of one part of a tree, in order. */
export function columnsOf<C>(part: Tree<C> | undefined): C[] {
  const columns: C[] = [];
  if (part !== undefined) mapLevel(part, "", (column) => void columns.push(column));
  return columns;
}

/** The types of a batch's columns. */
export const typesOf = (columns: ColumnTree<BatchColumn>): ColumnTypes =>
  mapColumns(columns, ({ shape, dtype }) => ({ shape, dtype }));

/** The types as one string: equal where a program for the one takes the other. */
export const signatureOf = (types: ColumnTypes): string =>
  namedColumns(types)
    .map(([name, { shape, dtype }]) => `${name}:${dtype}[${shape.join()}]`)
    .join("|");
