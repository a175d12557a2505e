/** Random numbers: the same on every backend, engine and machine. */
export { hashKey, philox, randomBits, randomUniform24, type DrawPlace, type Key } from "./philox.js";
export {
  bernoulli,
  currentSeed,
  drawUniform,
  manualSeed,
  normal,
  permutation,
  randint,
  shuffledIndices,
  uniform,
  withRandom,
  type RandomContext,
} from "./generator.js";
export {
  constantInit,
  defaultBias,
  defaultWeight,
  fans,
  gainOf,
  initialize,
  kaimingNormal,
  kaimingUniform,
  normalInit,
  orthogonal,
  truncNormal,
  uniformInit,
  xavierNormal,
  xavierUniform,
  type Initializer,
  type KaimingOptions,
  type Nonlinearity,
} from "./initializers.js";
