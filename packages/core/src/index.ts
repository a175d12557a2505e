/** ermine's core: tensors, operations, gradients, graphs, backends. */
export { ErmineError, foreignSpellings, nearestName, type ErmineErrorCode } from "./errors.js";
export {
  checkArguments,
  checkFunction,
  checkOptions,
  kindsOf,
  requireOptions,
  show,
  withDefaults,
  type OptionKind,
  type OptionKinds,
} from "./options.js";
export { loadChunk } from "./chunk.js";
export { finalizationRegistry } from "./finalizers.js";
export { checkCopy, copyKey, copyMark, markCopy, type CopyMark } from "./copy.js";
export { Tensor } from "./tensor/tensor.js";
export { Parameter, Variable } from "./tensor/variable.js";
export { keep, scope } from "./tensor/scope.js";
export { leaves, mapTree, type Tree } from "./tensor/tree.js";
export type { NestedNumbers } from "./tensor/print.js";
export {
  compactElements,
  elementsOf,
  isTypedArray,
  naturalDType,
  type AnyTypedArray,
  type NumberArray,
} from "./tensor/arrays.js";
export { nested, type Nested } from "./tensor/nested.js";
export { allocate, bytesPerElement, checkDTypeName, dtypes, type Domain, type DType, type TypedArray } from "./tensor/dtype.js";
export {
  addSizes,
  bind,
  broadcastShapes,
  checkShape,
  concrete,
  Dim,
  formatShape,
  mulSizes,
  sameShape,
  sameSize,
  sizeOf,
  subSizes,
  type Bindings,
  type Shape,
  type Size,
} from "./tensor/dim.js";
export * from "./ops/index.js";
export * from "./random/index.js";
export * from "./activations/index.js";
export * from "./losses/index.js";
export {
  grad,
  noGrad,
  stopGradient,
  valueAndGrad,
  valueAndRowGrads,
  type GradientsOf,
  type ValueAndGrads,
} from "./autograd/gradients.js";
export { denseGradient, isRowGradient, type RowGradient } from "./autograd/rows.js";
export { jacobian } from "./autograd/jacobian.js";
export { backward, dispose, tidy } from "./habits.js";
export type * from "./backend/contract.js";
export { currentBackend, useBackend, withBackend } from "./backend/current.js";
export { createBackend, probeBackends, registeredBackends, use, type BackendStatus } from "./backend/registry.js";
export { compile, type Compiled } from "./graph/compile.js";
export { traceEntry, type TracedEntry } from "./graph/traceEntry.js";
export { compileApart, compileModule, graphModule, type Program } from "./graph/module.js";
export { peakBytes, placements, type Placement } from "./graph/placement.js";
export { bindFeeds } from "./graph/feeds.js";
export { requirementPlace, unmetRequirement, type Requirement } from "./graph/requirements.js";
export { fedLookups, type FedLookup } from "./graph/lookups.js";
export { interpret } from "./graph/interpret.js";
export { eliminateDead, lowerModule, specialize } from "./graph/passes.js";
export { currentPath, currentTrace, Trace, withoutTrace, withPath, type VariableCheck } from "./graph/trace.js";
export type * from "./graph/graph.js";
