// The exports that JavaScript calls.
export { useScratch } from "./arguments";
export { meetAt, run, runPart, work } from "./interpreter";
export { useWide } from "./vectors";

/** Where free memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
