/** Schedules: what learning rates, weight decays and momenta do over time. */
export { perEpoch, rateAt, type Rate, type Schedule, type Span, type Time } from "./schedule.js";
export { constant, exponential, linear, multiStep, polynomial, step } from "./decay.js";
export { cosine, cosineWarmRestarts, warmupCosine } from "./cosine.js";
export { sequence, warmup } from "./compose.js";
export { cyclic, oneCycle, type CycledSchedule, type CyclicOptions, type OneCycleOptions } from "./cyclic.js";
export { reduceOnPlateau, type ReduceOnPlateauOptions } from "./reduceOnPlateau.js";
