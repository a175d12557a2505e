/** The matrix product in instructions: in one, or cut into tiles for threads. */
import type { Emitter } from "../emitter.js";
import { sizes } from "../generated/instructions.js";
import { splitRange } from "./split.js";

const { microColumns, microRows, productDepth, productEdge, productRows } = sizes;

export interface Matrix {
  readonly address: number;
  /** Numbers from row to row, and from column to column. */
  readonly row: number;
  readonly column: number;
}

export interface Product {
  readonly c: number;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** The address of n numbers that every row starts from. */
  readonly bias?: number;
  /** Add to what is in c. */
  readonly accumulate?: boolean;
  /** Scratch words that the caller uses already. */
  readonly taken?: number;
  /** Where b is in panels (`packPanels`). */
  readonly panels?: number;
  /** Several products of one shape, and the steps between them. */
  readonly batch?: { readonly count: number; readonly c: number; readonly a: number; readonly b: number };
}

export const rowMajor = (address: number, columns: number): Matrix => ({ address, row: columns, column: 1 });
export const transposed = (address: number, columns: number): Matrix => ({ address, row: 1, column: columns });

/** c [m, n] = a · b (+ bias over the rows) (+ c). */
export function gemm(e: Emitter, product: Product): void {
  const { m, n, k, batch } = product;
  if (m === 0 || n === 0 || batch?.count === 0) return;
  if (fewRows(product)) return thin(e, product);
  if (product.panels !== undefined && batch === undefined && k > 0) return fromPanels(e, product, product.panels);
  const tiles = canFork(e, product) ? tilesOf(product) : undefined;
  if (tiles !== undefined && (batch?.count ?? 1) === 1) return tiled(e, product, tiles);
  if (batch === undefined || !canFork(e, product)) return whole(e, product);
  splitRange(e, batch.count, (m * n * k) / multipliesPerNumber, 1, (from, size) => {
    const at = (matrix: Matrix, step: number): Matrix => ({ ...matrix, address: matrix.address + 4 * from * step });
    whole(e, {
      ...product,
      c: product.c + 4 * from * batch.c,
      a: at(product.a, batch.a),
      b: at(product.b, batch.b),
      batch: { ...batch, count: size },
    });
  });
}

/** Words of a matrix with n columns of k elements in panels. */
export const panelWords = (n: number, k: number): number => Math.ceil(n / microColumns) * microColumns * k;

/** Has a product of m rows use for panels of b? */
export const readsPanels = (m: number, n: number, k: number): boolean => m >= microRows && n > 1 && k > 0;

/** Writes b, n columns of k elements, in panels. */
export function packPanels(e: Emitter, to: number, b: Matrix, n: number, k: number): void {
  splitRange(e, n, k, microColumns, (from, size) =>
    e.emit("packB", to + 4 * from * k, b.address + 4 * from * b.column, size, k, b.row * 4, b.column * 4),
  );
}

/** A tile of the micro-kernel would be mostly empty, and B is read as it lies. */
function fewRows({ a, b, m, n, k, batch }: Product): boolean {
  const adjacent = (a.column === 1 || k === 1) && (b.row === 1 || b.column === 1);
  return m < microRows && n > 1 && adjacent && (batch?.count ?? 1) === 1;
}

function thin(e: Emitter, product: Product): void {
  const { c, a, b, m, n, k, bias = 0, accumulate = false } = product;
  const emit = (from: number, size: number): void => {
    const [columns, start] = [b.address + 4 * from * b.column, bias === 0 ? 0 : bias + 4 * from];
    e.emit(
      "rowsTimes",
      c + 4 * from,
      a.address,
      columns,
      start,
      m,
      size,
      k,
      4 * n,
      4 * a.row,
      4 * b.row,
      4 * b.column,
      accumulate ? 1 : 0,
    );
  };
  if (canFork(e, product)) splitRange(e, n, (m * k) / readsPerNumber, 16, emit);
  else emit(0, n);
}

/** Numbers of B read in the time that simple work takes for one. */
const readsPerNumber = 3;

/** Multiplications in the time that simple work takes for one number. */
const multipliesPerNumber = 8;

/** Scratch words of a product of one thread: such a tile, panels of A, panels of B. */
export const productScratch = (n: number, k: number): number =>
  productEdge + Math.min(k, productDepth) * (productRows + Math.ceil(n / microColumns) * microColumns);

function whole(e: Emitter, { c, a, b, m, n, k, bias = 0, accumulate = false, taken = 0, batch }: Product): void {
  const scratch = e.scratch(productScratch(n, k), taken);
  const { count, c: stepC, a: stepA, b: stepB } = batch ?? { count: 1, c: 0, a: 0, b: 0 };
  const steps = [a.row * 4, a.column * 4, b.row * 4, b.column * 4] as const;
  const batched = [count, stepC * 4, stepA * 4, stepB * 4] as const;
  e.emit("gemm", c, a.address, b.address, bias, m, n, k, ...steps, accumulate ? 1 : 0, scratch, ...batched);
}

/** Inside of a part there are no more forks, and what stands in one thread's scratch the others do not see. */
function canFork(e: Emitter, { a, b, c, bias = 0 }: Product): boolean {
  return !e.inPart && [a.address, b.address, c, bias].every((place) => (place & 3) === 0);
}

interface Tiles {
  readonly rows: number;
  readonly columns: number;
}

/** A tile has half a million multiplications or more, and there are at most 16. */
const tileWork = 2 ** 19;
const mostTiles = 16;
const fewestRows = 16;

/** Rows first: a tile packs its own rows of A, and B is packed once for all. undefined: one tile is enough. */
function tilesOf({ m, n, k }: Product): Tiles | undefined {
  const tiles = Math.min(mostTiles, Math.floor((m * n * k) / tileWork));
  if (tiles < 2) return undefined;
  const down = Math.max(1, Math.min(tiles, Math.floor(m / fewestRows)));
  const across = Math.min(Math.ceil(tiles / down), Math.ceil(n / 64));
  return { rows: roundedUp(m, down, microRows), columns: roundedUp(n, across, microColumns) };
}

const roundedUp = (size: number, parts: number, multiple: number): number => Math.ceil(size / parts / multiple) * multiple;

/** Words of B that are packed at once. */
const mostPacked = 2 ** 22;

function tiled(e: Emitter, product: Product, tiles: Tiles): void {
  const { n, k } = product;
  const columns = Math.max(microColumns, Math.floor(mostPacked / k / tiles.columns) * tiles.columns);
  for (let from = 0; from < n; from += columns) stripe(e, product, tiles, from, Math.min(columns, n - from));
}

/** Columns [first, first + count) of c. */
function stripe(e: Emitter, product: Product, tiles: Tiles, first: number, count: number): void {
  const { b, k } = product;
  const panels = e.shared(panelWords(count, k));
  packPanels(e, panels, { ...b, address: b.address + 4 * first * b.column }, count, k);
  tilesFromPanels(e, product, tiles, panels, first, count);
}

/** A tile from panels has a quarter of a million multiplications or more, and rarely fewer columns than these: each packs its rows of A. */
const panelTileWork = 2 ** 18;
const panelTileColumns = 256;

/** From a b that is packed already. Columns first: a tile's panels stay in its core's cache from one product to the next. */
function fromPanels(e: Emitter, product: Product, panels: number): void {
  const { m, n, k } = product;
  const tileCount = canFork(e, product) ? Math.min(mostTiles, Math.floor((m * n * k) / panelTileWork)) : 1;
  const across = Math.max(1, Math.min(tileCount, Math.floor(n / panelTileColumns)));
  const down = Math.max(1, Math.min(Math.floor(tileCount / across), Math.floor(m / fewestRows)));
  const tiles = { rows: roundedUp(m, down, microRows), columns: roundedUp(n, across, 2 * microColumns) };
  tilesFromPanels(e, product, tiles, panels, 0, n);
}

/** Columns [first, first + count) of c, whose panels begin at `panels`. */
function tilesFromPanels(e: Emitter, product: Product, tiles: Tiles, panels: number, first: number, count: number): void {
  const { c, a, m, n, k, bias = 0, accumulate = false, taken = 0 } = product;
  const down = Math.ceil(m / tiles.rows);
  e.fork(down * Math.ceil(count / tiles.columns), (part) => {
    const i = (part % down) * tiles.rows;
    const j = Math.floor(part / down) * tiles.columns;
    const shape = [Math.min(tiles.rows, m - i), Math.min(tiles.columns, count - j), k] as const;
    const scratch = e.scratch(productScratch(0, k), taken);
    const [to, from] = [c + 4 * (i * n + first + j), a.address + 4 * i * a.row];
    const start = bias === 0 ? 0 : bias + 4 * (first + j);
    const steps = [4 * n, a.row * 4, a.column * 4, accumulate ? 1 : 0] as const;
    e.emit("gemmTile", to, from, panels + 4 * j * k, start, ...shape, ...steps, scratch);
  });
}
