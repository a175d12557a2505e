// What JavaScript calls. A program is a list of instructions [opcode | length << 8, arguments…]; one call of `run` runs it whole.
export { useScratch } from "./arguments";
export { meetAt, run, runPart, work } from "./interpreter";
export { useWide } from "./vectors";

/** Where free memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
