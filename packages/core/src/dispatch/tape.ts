/** The operations that one call of `valueAndGrad` records in the forward pass. */
import type { Attributes, GradientRule, Op, OptionalTensors, RowGradientRule } from "../ir/op.js";
import type { Tensor } from "../types/tensor.js";

/** An op whose inputs depend on what a tape watches. */
export interface TapeEntry {
  readonly op: Op;
  readonly inputs: OptionalTensors;
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** The module that asked for it: its gradient belongs there too. */
  readonly path: string;
}

/** The gradients that a tape can walk back through. Ops without a rule are noted as what they decompose to. */
export interface GradientRules {
  ruleOf(op: Op): GradientRule | undefined;
  rowRuleOf(op: Op): RowGradientRule | undefined;
}

/** @internal */
export class Tape {
  readonly entries: TapeEntry[] = [];
  readonly watched: Set<Tensor> = new Set();
  /** The states that its entries need: an inner scope does not free them. */
  readonly held = new Set<object>();
  readonly rules: GradientRules;
  /** How often what it notes is differentiated: a loop's body has one tape for all that run around it. */
  readonly orders: number = 1;

  constructor(rules: GradientRules) {
    this.rules = rules;
  }
}
