// One operand, element by element. Every array is padded to 16 bytes, so that the last vector may run over the end.
import {
  ABS, ABS_INT, CEIL, ERF, EXP, EXPM1, FLOOR, INT_TO_BOOL, IS_FINITE, LOG, LOG1P, NEG, NEG_INT, NOT, ROUND, SIGN, SIGN_INT, SIN, SQRT, TANH, TO_BOOL,
  TO_FLOAT, TO_INT,
} from "./generated/kinds/unary";
import { erf4, exp4, expm14, log4, log1p4, tanh4 } from "./math";
import { select, splat } from "./simd";

// @ts-ignore: decorator
@inline
function sign4(x: v128): v128 {
  const one = splat(1.0);
  const result = v128.or(v128.and(f32x4.gt(x, splat(0)), one), v128.and(f32x4.lt(x, splat(0)), splat(-1.0)));
  return select(f32x4.ne(x, x), x, result);
}

// @ts-ignore: decorator
@inline
export function one(kind: i32, x: v128): v128 {
  switch (kind) {
    case EXP: return exp4(x);
    case LOG: return log4(x);
    case LOG1P: return log1p4(x);
    case EXPM1: return expm14(x);
    case TANH: return tanh4(x);
    case ERF: return erf4(x);
    case NEG: return f32x4.neg(x);
    case ABS: return f32x4.abs(x);
    case SIGN: return sign4(x);
    case SQRT: return f32x4.sqrt(x);
    case FLOOR: return f32x4.floor(x);
    case CEIL: return f32x4.ceil(x);
    case ROUND: return f32x4.nearest(x);
    case IS_FINITE: return v128.and(f32x4.le(f32x4.abs(x), splat(f32.MAX_VALUE)), i32x4.splat(1));
    case NOT: return v128.and(i32x4.eq(x, i32x4.splat(0)), i32x4.splat(1));
    case NEG_INT: return i32x4.neg(x);
    case ABS_INT: return i32x4.abs(x);
    case SIGN_INT: return i32x4.sub(i32x4.lt_s(x, i32x4.splat(0)), i32x4.gt_s(x, i32x4.splat(0)));
    case TO_INT: return i32x4.trunc_sat_f32x4_s(x);
    case TO_FLOAT: return f32x4.convert_i32x4_s(x);
    case TO_BOOL: return v128.and(f32x4.ne(x, splat(0)), i32x4.splat(1));
    case INT_TO_BOOL: return v128.and(i32x4.ne(x, i32x4.splat(0)), i32x4.splat(1));
    default: return x;
  }
}

// @ts-ignore: decorator
@inline
export function each(kind: i32, dst: usize, src: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  if (count >= 8) {
    const pairs = end - 16;
    for (; dst < pairs; dst += 32, src += 32) {
      const x = one(kind, v128.load(src));
      const y = one(kind, v128.load(src, 16));
      v128.store(dst, x);
      v128.store(dst, y, 16);
    }
  }
  for (; dst < end; dst += 16, src += 16) v128.store(dst, one(kind, v128.load(src)));
}

/** One by one, in double precision. */
export function trigonometric(kind: i32, dst: usize, src: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  for (; dst < end; dst += 4, src += 4) {
    const x = <f64>load<f32>(src);
    store<f32>(dst, <f32>(kind == SIN ? Math.sin(x) : Math.cos(x)));
  }
}
