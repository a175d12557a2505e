/** What a browser lacks that training and drawing in a worker need, or undefined. */
export function missingSupport(): string | undefined {
  if (typeof Worker === "undefined") return "This browser has no workers, in which the network trains.";
  if (typeof OffscreenCanvas === "undefined") return "This browser has no OffscreenCanvas, on which the worker draws.";
  // A function that returns an i32x4: valid where there is SIMD.
  const simd = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  const hasSimd = typeof WebAssembly !== "undefined" && WebAssembly.validate(new Uint8Array(simd));
  return hasSimd
    ? undefined
    : "This browser has no WebAssembly SIMD, on which ermine runs. Current versions of Chrome, Firefox, Safari and Edge have it.";
}
