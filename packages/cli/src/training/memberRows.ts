/** Which rows each member is trained on, and by which it is told when to stop. */
import { sequence, type Label } from "@ermine/data";

/** What each row counts for each member. */
export interface MemberRows {
  readonly members: number;
  /** (N, members), row by row: in training; of each row 1 in all, or 0. */
  readonly training: Float32Array;
  /** The same for validation. */
  readonly validation: Float32Array;
}

/** Each member leaves out another part of the rows, by which training is told when to stop: every row is judged by a member that has not seen it. */
export function rowsByFold(
  count: number,
  members: number,
  { seed, stratify }: { readonly seed: number; readonly stratify: ((row: number) => Label) | undefined },
): MemberRows {
  const training = new Float32Array(count * members).fill(1 / (members - 1));
  const validation = new Float32Array(count * members);
  const rows = sequence(Int32Array.from({ length: count }, (_, i) => i));
  const folds = rows.kFold(members, { seed, ...(stratify === undefined ? {} : { stratify: (row: number) => stratify(row) }) });
  folds.forEach(({ validation: part }, member) => {
    for (let i = 0; i < part.length; i++) {
      const at = (part.at(i) as number) * members + member;
      training[at] = 0;
      validation[at] = 1;
    }
  });
  return { members, training, validation };
}

/** All members are trained on the same rows, and judged by the others. */
export function rowsByPart(count: number, members: number, isValidation: (row: number) => boolean): MemberRows {
  const training = new Float32Array(count * members);
  const validation = new Float32Array(count * members);
  for (let row = 0; row < count; row++)
    (isValidation(row) ? validation : training).fill(1 / members, row * members, (row + 1) * members);
  return { members, training, validation };
}
