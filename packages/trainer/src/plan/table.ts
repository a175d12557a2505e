/** Plans and profiles as tables for people. */
import type { Plan } from "./plan.js";
import type { Profile } from "./profile.js";

/** Lines of a table: columns whose cells are numbers to the right, the others to the left. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const numeric = header.map(
    (_, i) => rows.some((row) => /^[\d.,]+/.test(row[i]!)) && rows.every((row) => /^[\d.,]+( \S+)?$|^–?$/.test(row[i]!)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric[i]! ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((width) => "─".repeat(width)).join("──"), ...rows.map(line)].join("\n");
}

export const milliseconds = (ms: number | null): string => (ms === null ? "–" : `${ms.toPrecision(3)} ms`);

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 ** 2) return `${(count / 1024).toFixed(1)} KB`;
  return count < 1024 ** 3 ? `${(count / 1024 ** 2).toFixed(1)} MB` : `${(count / 1024 ** 3).toFixed(2)} GB`;
}

export function planTable({ backend, batchSize, arrangements, memory }: Plan): string {
  return [
    backendTable(backend.candidates),
    `\nBackend: ${backend.name} (${backend.engine}): ${backend.why}.`,
    ...arrangements.map(({ backend: name, ops, kernels, lacks }) => {
      const head = `\nOn ${name}: ${kernels} of the step's ${ops} ops have a kernel of their own.`;
      if (lacks.length === 0) return head;
      const rows = lacks.map(({ op, count, layers, into }) => [
        op,
        String(count),
        layers.map((layer) => (layer === "" ? "the step" : layer)).join(", "),
        into.length === 0 ? "numbers that the host feeds" : chain(into),
      ]);
      return `${head}\n${table(["Op without one", "Times", "Layers", "Becomes"], rows)}`;
    }),
    `\nMemory for batches of ${batchSize}: ${bytes(memory.total)}: parameters ${bytes(memory.parameters)}, optimizer ${bytes(memory.optimizer)}, ` +
      `buffers ${bytes(memory.buffers)}, a batch ${bytes(memory.batch)}, values alive at once ${bytes(memory.values)}.`,
  ].join("\n");
}

/** The backends, chosen one first, with what each says of itself. */
export function backendTable(candidates: Plan["backend"]["candidates"]): string {
  const keys = [...new Set(candidates.flatMap(({ details }) => Object.keys(details)))];
  const title = (key: string): string => (key === "simd" ? "SIMD" : key[0]!.toUpperCase() + key.slice(1));
  return table(
    ["Backend", "Available", ...keys.map(title), "A step", "Engine", "Why"],
    candidates.map(({ name, available, engine, details, millisecondsPerStep, why }) => [
      name,
      available ? "yes" : "no",
      ...keys.map((key) => String(details[key] ?? "–")),
      milliseconds(millisecondsPerStep),
      engine.replaceAll("\n", " "),
      why.replaceAll("\n", " "),
    ]),
  );
}

const shown = 6;
const chain = (names: readonly string[]): string =>
  names.length <= shown ? names.join(", ") : `${names.slice(0, shown).join(", ")}, … (${names.length} ops)`;

const longest = 44;
const shortened = (name: string): string => (name.length <= longest ? name : `${name.slice(0, longest - 1)}…`);
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const layerName = (layer: string): string => (layer === "" ? "the step" : layer);

export function profileTable({
  backend,
  engine,
  batchSize,
  steps,
  of,
  millisecondsPerStep,
  millisecondsGathering,
  ops,
  layers,
}: Profile): string {
  const sum = ops.reduce((total, op) => total + op.milliseconds, 0);
  return [
    `A step of ${batchSize} samples on ${backend} (${engine}) takes ${milliseconds(millisecondsPerStep)}, ${milliseconds(millisecondsGathering)} of it to gather the batch; its parts, timed one by one over ${steps} steps ` +
      `(${of}), ${milliseconds(sum)} together.\n`,
    table(
      ["Op", "Layer", "Times", "A step", "Share", "GFLOP/s", "Bytes"],
      ops.map(({ op, layer, count, milliseconds: ms, share, gflopsPerSecond, bytes: moved }) => [
        shortened(op),
        layerName(layer),
        String(count),
        milliseconds(ms),
        percent(share),
        gflopsPerSecond.toFixed(gflopsPerSecond < 10 ? 2 : 1),
        bytes(moved),
      ]),
    ),
    "",
    table(
      ["Layer", "A step", "Share"],
      layers.map(({ layer, milliseconds: ms, share }) => [layerName(layer), milliseconds(ms), percent(share)]),
    ),
  ].join("\n");
}
