// One operand, element by element. Every array is padded to 16 bytes, so that the last vector may run over the end.
import { erf4, exp4, expm14, log4, log1p4, tanh4 } from "./math";
import { select, splat } from "./simd";

export const NEG = 0;
export const ABS = 1;
export const SIGN = 2;
export const EXP = 3;
export const LOG = 4;
export const LOG1P = 5;
export const EXPM1 = 6;
export const SQRT = 7;
export const SIN = 8;
export const COS = 9;
export const TANH = 10;
export const ERF = 11;
export const FLOOR = 12;
export const CEIL = 13;
export const ROUND = 14;
export const IS_FINITE = 15;
export const NOT = 16;
export const NEG_I = 17;
export const ABS_I = 18;
export const SIGN_I = 19;
export const TO_INT = 20;
export const TO_FLOAT = 21;
export const TO_BOOL = 22;
export const TO_BOOL_I = 23;
// @ts-ignore: decorator
@inline
function sign4(x: v128): v128 {
  const one = splat(1.0);
  const result = v128.or(v128.and(f32x4.gt(x, splat(0)), one), v128.and(f32x4.lt(x, splat(0)), splat(-1.0)));
  return select(f32x4.ne(x, x), x, result);
}

// @ts-ignore: decorator
@inline
function one(kind: i32, x: v128): v128 {
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
    case NEG_I: return i32x4.neg(x);
    case ABS_I: return i32x4.abs(x);
    case SIGN_I: return i32x4.sub(i32x4.lt_s(x, i32x4.splat(0)), i32x4.gt_s(x, i32x4.splat(0)));
    case TO_INT: return i32x4.trunc_sat_f32x4_s(x);
    case TO_FLOAT: return f32x4.convert_i32x4_s(x);
    case TO_BOOL: return v128.and(f32x4.ne(x, splat(0)), i32x4.splat(1));
    case TO_BOOL_I: return v128.and(i32x4.ne(x, i32x4.splat(0)), i32x4.splat(1));
    default: return x;
  }
}

// @ts-ignore: decorator
@inline
function each(kind: i32, dst: usize, src: usize, count: i32): void {
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

function trigonometric(kind: i32, dst: usize, src: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  for (; dst < end; dst += 4, src += 4) {
    const x = <f64>load<f32>(src);
    store<f32>(dst, <f32>(kind == SIN ? Math.sin(x) : Math.cos(x)));
  }
}

export function unary(kind: i32, dst: usize, src: usize, count: i32): void {
  switch (kind) {
    case NEG: return each(NEG, dst, src, count);
    case ABS: return each(ABS, dst, src, count);
    case SIGN: return each(SIGN, dst, src, count);
    case EXP: return each(EXP, dst, src, count);
    case LOG: return each(LOG, dst, src, count);
    case LOG1P: return each(LOG1P, dst, src, count);
    case EXPM1: return each(EXPM1, dst, src, count);
    case SQRT: return each(SQRT, dst, src, count);
    case TANH: return each(TANH, dst, src, count);
    case ERF: return each(ERF, dst, src, count);
    case FLOOR: return each(FLOOR, dst, src, count);
    case CEIL: return each(CEIL, dst, src, count);
    case ROUND: return each(ROUND, dst, src, count);
    case IS_FINITE: return each(IS_FINITE, dst, src, count);
    case NOT: return each(NOT, dst, src, count);
    case NEG_I: return each(NEG_I, dst, src, count);
    case ABS_I: return each(ABS_I, dst, src, count);
    case SIGN_I: return each(SIGN_I, dst, src, count);
    case TO_INT: return each(TO_INT, dst, src, count);
    case TO_FLOAT: return each(TO_FLOAT, dst, src, count);
    case TO_BOOL: return each(TO_BOOL, dst, src, count);
    case TO_BOOL_I: return each(TO_BOOL_I, dst, src, count);
    default: return trigonometric(kind, dst, src, count);
  }
}
