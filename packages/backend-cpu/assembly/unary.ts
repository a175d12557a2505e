// One operand, element by element. Every array is padded to 16 bytes, so that the last vector may run over the end.
import { erf4, exp4, expm14, log4, log1p4, sigmoid4, tanh4 } from "./math";
import { splat } from "./simd";

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
export const SIGMOID = 24;
export const RELU = 25;
export const SILU = 26;
export const GELU = 27;
export const GELU_TANH = 28;

// @ts-ignore: decorator
@inline
function sign4(x: v128): v128 {
  const one = splat(1.0);
  const result = v128.or(v128.and(f32x4.gt(x, splat(0)), one), v128.and(f32x4.lt(x, splat(0)), splat(-1.0)));
  return v128.bitselect(x, result, f32x4.ne(x, x));
}

export function gelu4(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(erf4(f32x4.mul(x, splat(<f32>0.7071067811865476))), splat(1.0)));
}

/** √(2/π)(x + 0.044715x³). */
// @ts-ignore: decorator
@inline
export function geluInner(x: v128): v128 {
  const cubic = f32x4.add(f32x4.mul(f32x4.mul(x, x), splat(<f32>0.044715)), splat(1.0));
  return f32x4.mul(f32x4.mul(x, cubic), splat(<f32>0.7978845608028654));
}

// @ts-ignore: decorator
@inline
function one(kind: i32, x: v128): v128 {
  switch (kind) {
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
    case RELU: return f32x4.max(x, splat(0));
    default: return x;
  }
}

export function unary(kind: i32, dst: usize, src: usize, count: i32): void {
  const end = dst + (<usize>count << 2);
  switch (kind) {
    case EXP:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, exp4(v128.load(src)));
      return;
    case LOG:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, log4(v128.load(src)));
      return;
    case LOG1P:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, log1p4(v128.load(src)));
      return;
    case EXPM1:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, expm14(v128.load(src)));
      return;
    case TANH:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, tanh4(v128.load(src)));
      return;
    case ERF:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, erf4(v128.load(src)));
      return;
    case SIGMOID:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, sigmoid4(v128.load(src)));
      return;
    case SILU:
      for (; dst < end; dst += 16, src += 16) {
        const x = v128.load(src);
        v128.store(dst, f32x4.mul(x, sigmoid4(x)));
      }
      return;
    case GELU:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, gelu4(v128.load(src)));
      return;
    case GELU_TANH:
      for (; dst < end; dst += 16, src += 16) {
        const x = v128.load(src);
        v128.store(dst, f32x4.mul(f32x4.mul(x, splat(0.5)), f32x4.add(tanh4(geluInner(x)), splat(1.0))));
      }
      return;
    case SIN:
      for (; dst < end; dst += 4, src += 4) store<f32>(dst, <f32>Math.sin(<f64>load<f32>(src)));
      return;
    case COS:
      for (; dst < end; dst += 4, src += 4) store<f32>(dst, <f32>Math.cos(<f64>load<f32>(src)));
      return;
    case RELU:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, f32x4.max(v128.load(src), splat(0)));
      return;
    default:
      for (; dst < end; dst += 16, src += 16) v128.store(dst, one(kind, v128.load(src)));
  }
}
