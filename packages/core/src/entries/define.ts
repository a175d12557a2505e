/** `@ermine/core/define`, for whoever adds ops, activations, losses, layers or optimizers: definitions, shapes, and the checks of arguments that core's own make. */
export { foreignSpellings, nearestName } from "../types/spelling.js";
export { checkArgument, checkArguments, checkFunction } from "../types/arguments.js";
export {
  checkDefinition,
  checkOptions,
  kindsOf,
  requireOptions,
  show,
  withDefaults,
  type OptionKind,
  type OptionKinds,
} from "../types/options.js";
export { checkCopy, copyKey, copyMark, markCopy, type CopyMark } from "../types/copy.js";
export { elementsOf, isTypedArray, naturalDType } from "../types/arrays.js";
export { nested } from "../types/nested.js";
export { portableMath } from "../types/portableMath.js";
export { checkDTypeName } from "../types/dtype.js";
export {
  addSizes,
  bind,
  broadcastShapes,
  checkShape,
  concrete,
  formatShape,
  mulSizes,
  sameShape,
  sameSize,
  sizeOf,
  subSizes,
  type Bindings,
} from "../types/dim.js";
export {
  defineOp,
  type ClassIndices,
  type GradientRule,
  type InputSpec,
  type Op,
  type OptionalTensors,
  type RowGradientRule,
  type Tensors,
  type Attributes,
} from "../ir/op.js";
export { withDomain } from "../types/views.js";
export { withPath } from "../dispatch/context.js";
export { apply, apply1 } from "../ops/apply.js";
export { defineFusedOp } from "../ops/fused.js";
export { checkedIndices } from "../ops/gather.js";
export { drawUniform } from "../random/generator.js";
export { rreluEval } from "../activations/rrelu.js";
export { tanhActivation } from "../activations/tanh.js";
export { defineActivation, type ActivationSpec } from "../activations/definition.js";
export { checkClassIndices } from "../losses/classes.js";
export { valueRule, type ValueRule, type ValueRuleOf } from "../losses/values.js";
export { checkValueShape, type Elements } from "../losses/elements.js";
export {
  defineLoss,
  totalNormalizer,
  type LossInput,
  type LossInputRole,
  type LossSpec,
  type LossTensors,
} from "../losses/definition.js";
export { checkBroadcastsTo } from "../losses/bce.js";
export { type InputDType } from "../ir/inputs.js";
export { type DrawPlace } from "../random/philox.js";
export { type Draw, type Sample, type Samples } from "../losses/samples.js";
export { defineRecurrentCell, type CellDefinition, type CellWeights } from "../nn/cellDefinitions.js";
export { Recurrent } from "../nn/recurrent.js";
export { RecurrentCell } from "../nn/recurrentCells.js";
