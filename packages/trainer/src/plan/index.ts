/** Modules that are loaded on demand: most programs pass their backend, and use no shadow. */
export { choose, noticeOf } from "./choice.js";
export { Plan } from "./plan.js";
export { profile } from "./profile.js";
export { Shadow } from "./shadow.js";
export { workloadOf } from "./workload.js";
