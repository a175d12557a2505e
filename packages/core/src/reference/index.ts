/** `@ermine/core/reference`: the float64 backend. */
export { reference, referencePlugin, type ReferenceOptions } from "./reference.js";
export { checkGradients, type CheckGradientsOptions } from "./checkGradients.js";
