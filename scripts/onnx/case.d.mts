export interface NodeCase {
  readonly name: string;
  readonly op: string;
  readonly tier: number;
  readonly model: Uint8Array;
  readonly sets: readonly { readonly inputs: readonly Uint8Array[]; readonly outputs: readonly Uint8Array[] }[];
}
export interface CaseResult {
  /** refused: an ErmineError. */
  readonly result: "passed" | "refused" | "wrong" | "crashed";
  readonly message: string;
}
export function caseRunner(core: object, onnx: object): (nodeCase: NodeCase) => CaseResult;
export function casesOf(json: string): readonly NodeCase[];
/** Must the case pass? The others are refused. */
export function isSupported(nodeCase: NodeCase): boolean;
