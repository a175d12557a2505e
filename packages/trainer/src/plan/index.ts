/** What is loaded only where it is asked for: most programs hand their backend over, and shadow nothing. */
export { choose, noticeOf } from "./choice.js";
export { Plan } from "./plan.js";
export { profile } from "./profile.js";
export { Shadow } from "./shadow.js";
export { workloadOf } from "./workload.js";
