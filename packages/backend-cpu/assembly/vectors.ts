// Vectors of 256 bits. WebAssembly has 128; V8's revectorizer makes one instruction of two that lie side by side, where it is switched on
// (src/v8Flags.ts). It starts from two stores at one base, 16 bytes apart, and follows what they store backwards: both halves have to be
// the same ops on the same or on adjacent places, with no condition in between. Such kernels ask for more registers than there are
// where nothing is joined, so they stand beside the narrow ones, and `wide` says which to take. Both do the same sums in the same order.

/** Does the engine join vectors? Globals are an instance's own: each thread is told. */
export let wide: bool = false;

export function useWide(on: bool): void {
  wide = on;
}
