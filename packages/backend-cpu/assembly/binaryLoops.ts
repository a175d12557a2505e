// Two or three operands, element by element along one row: what the generated switches specialize. The step of an operand is 1, or 0 where it repeats.
import {
  ADD, ADD_INT, AND, DIV, EQUAL, EQUAL_INT, LESS, LESS_EQUAL, LESS_INT, MAXIMUM, MAXIMUM_INT, MINIMUM, MINIMUM_INT, MUL, MUL_INT, OR, POW, REMAINDER, SUB,
  SUB_INT,
} from "./generated/kinds/binary";
import { PRODUCT_MINUS, PRODUCT_OVER, PRODUCT_PLUS, PRODUCT_TIMES } from "./generated/kinds/combine";
import { power } from "./power";
import { select, storeSome } from "./simd";

// @ts-ignore: decorator
@inline
export function two(kind: i32, x: v128, y: v128): v128 {
  switch (kind) {
    case ADD: return f32x4.add(x, y);
    case SUB: return f32x4.sub(x, y);
    case MUL: return f32x4.mul(x, y);
    case DIV: return f32x4.div(x, y);
    case MAXIMUM: return select(f32x4.ne(y, y), y, f32x4.pmax(x, y));
    case MINIMUM: return select(f32x4.ne(y, y), y, f32x4.pmin(x, y));
    case EQUAL: return v128.and(f32x4.eq(x, y), i32x4.splat(1));
    case LESS: return v128.and(f32x4.lt(x, y), i32x4.splat(1));
    case LESS_EQUAL: return v128.and(f32x4.le(x, y), i32x4.splat(1));
    case AND: return v128.and(x, y);
    case OR: return v128.or(x, y);
    case ADD_INT: return i32x4.add(x, y);
    case SUB_INT: return i32x4.sub(x, y);
    case MUL_INT: return i32x4.mul(x, y);
    case MAXIMUM_INT: return i32x4.max_s(x, y);
    case MINIMUM_INT: return i32x4.min_s(x, y);
    case EQUAL_INT: return v128.and(i32x4.eq(x, y), i32x4.splat(1));
    case LESS_INT: return v128.and(i32x4.lt_s(x, y), i32x4.splat(1));
    default: return v128.and(i32x4.le_s(x, y), i32x4.splat(1));
  }
}

// @ts-ignore: decorator
@inline
export function each(kind: i32, dst: usize, a: usize, b: usize, count: i32, stepA: i32, stepB: i32): void {
  const whole = count & ~3;
  const end = dst + (<usize>whole << 2);
  const pairs = dst + (<usize>(count & ~7) << 2);
  if (stepA == 1 && stepB == 1) {
    for (; dst < pairs; dst += 32, a += 32, b += 32) {
      const first = two(kind, v128.load(a), v128.load(b));
      const second = two(kind, v128.load(a, 16), v128.load(b, 16));
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
    for (; dst < end; dst += 16, a += 16, b += 16) v128.store(dst, two(kind, v128.load(a), v128.load(b)));
  } else if (stepA == 1) {
    const y = v128.load32_splat(b);
    for (; dst < pairs; dst += 32, a += 32) {
      const first = two(kind, v128.load(a), y);
      const second = two(kind, v128.load(a, 16), y);
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
    for (; dst < end; dst += 16, a += 16) v128.store(dst, two(kind, v128.load(a), y));
  } else if (stepB == 1) {
    const x = v128.load32_splat(a);
    for (; dst < end; dst += 16, b += 16) v128.store(dst, two(kind, x, v128.load(b)));
  } else {
    const z = two(kind, v128.load32_splat(a), v128.load32_splat(b));
    for (; dst < end; dst += 16) v128.store(dst, z);
  }
  const rest = count & 3;
  if (rest == 0) return;
  const last = two(kind, stepA == 1 ? v128.load(a) : v128.load32_splat(a), stepB == 1 ? v128.load(b) : v128.load32_splat(b));
  storeSome(dst, last, rest);
}

/** PyTorch's remainder: the sign of the divisor. */
// @ts-ignore: decorator
@inline
function remainder(x: f32, y: f32): f32 {
  const r = x % y;
  return r != 0 && r < 0 != y < 0 ? r + y : r;
}

export function oneByOne(kind: i32, dst: usize, a: usize, b: usize, count: i32, stepA: i32, stepB: i32): void {
  for (let i = 0; i < count; i++) {
    const x = load<f32>(a);
    const y = load<f32>(b);
    if (kind == POW) store<f32>(dst, power(x, y));
    else if (kind == REMAINDER) store<f32>(dst, remainder(x, y));
    else {
      const m = load<i32>(a);
      const n = load<i32>(b);
      const r = n == 0 || n == -1 ? 0 : m % n;
      store<i32>(dst, r != 0 && r < 0 != n < 0 ? r + n : r);
    }
    dst += 4;
    a += <usize>stepA << 2;
    b += <usize>stepB << 2;
  }
}

/** A step is 1, or 0 for one number. */
export function whereRow(dst: usize, c: usize, a: usize, b: usize, size: i32, sc: i32, sa: i32, sb: i32): void {
  const whole = dst + (<usize>(size & ~3) << 2);
  const zero = i32x4.splat(0);
  if (sc == 1 && sa == 1 && sb == 1) {
    for (; dst < whole; dst += 16, c += 16, a += 16, b += 16) v128.store(dst, select(i32x4.eq(v128.load(c), zero), v128.load(b), v128.load(a)));
  } else if (sc == 1 && sa == 1) {
    const y = v128.load32_splat(b);
    for (; dst < whole; dst += 16, c += 16, a += 16) v128.store(dst, select(i32x4.eq(v128.load(c), zero), y, v128.load(a)));
  } else if (sc == 1 && sb == 1) {
    const x = v128.load32_splat(a);
    for (; dst < whole; dst += 16, c += 16, b += 16) v128.store(dst, select(i32x4.eq(v128.load(c), zero), v128.load(b), x));
  } else if (sc == 1) {
    const x = v128.load32_splat(a);
    const y = v128.load32_splat(b);
    for (; dst < whole; dst += 16, c += 16) v128.store(dst, select(i32x4.eq(v128.load(c), zero), y, x));
  } else {
    const chosen = load<i32>(c) != 0;
    const from = chosen ? a : b;
    const step = <usize>(chosen ? sa : sb) << 4;
    let at = from;
    for (; dst < whole; dst += 16, at += step) v128.store(dst, step == 0 ? v128.load32_splat(at) : v128.load(at));
    a += <usize>(sa * (size & ~3)) << 2;
    b += <usize>(sb * (size & ~3)) << 2;
  }
  const rest = size & 3;
  if (rest == 0) return;
  const mask = i32x4.eq(sc == 1 ? v128.load(c) : v128.load32_splat(c), zero);
  storeSome(dst, select(mask, sb == 1 ? v128.load(b) : v128.load32_splat(b), sa == 1 ? v128.load(a) : v128.load32_splat(a)), rest);
}

/** a · b + c, a · b − c, c − a · b, a · b · c, a · b / c, rounded after the product, as the two ops are. */
// @ts-ignore: decorator
@inline
function combined(kind: i32, a: v128, b: v128, c: v128): v128 {
  const product = f32x4.mul(a, b);
  if (kind == PRODUCT_PLUS) return f32x4.add(product, c);
  if (kind == PRODUCT_OVER) return f32x4.div(product, c);
  if (kind == PRODUCT_TIMES) return f32x4.mul(product, c);
  return kind == PRODUCT_MINUS ? f32x4.sub(product, c) : f32x4.sub(c, product);
}

/** Whole vectors, as an activation's. A step is 1, or 0 for a single element; a is never single. */
// @ts-ignore: decorator
@inline
export function combineEach(kind: i32, dst: usize, a: usize, b: usize, c: usize, count: i32, sb: i32, sc: i32): void {
  const end = dst + (<usize>count << 2);
  const pairs = dst + (<usize>(count & ~7) << 2);
  if (sb == 1 && sc == 1) {
    for (; dst < pairs; dst += 32, a += 32, b += 32, c += 32) {
      const first = combined(kind, v128.load(a), v128.load(b), v128.load(c));
      const second = combined(kind, v128.load(a, 16), v128.load(b, 16), v128.load(c, 16));
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
    for (; dst < end; dst += 16, a += 16, b += 16, c += 16) v128.store(dst, combined(kind, v128.load(a), v128.load(b), v128.load(c)));
  } else if (sc == 1) {
    const y = v128.load32_splat(b);
    for (; dst < pairs; dst += 32, a += 32, c += 32) {
      const first = combined(kind, v128.load(a), y, v128.load(c));
      const second = combined(kind, v128.load(a, 16), y, v128.load(c, 16));
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
    for (; dst < end; dst += 16, a += 16, c += 16) v128.store(dst, combined(kind, v128.load(a), y, v128.load(c)));
  } else if (sb == 1) {
    const z = v128.load32_splat(c);
    for (; dst < pairs; dst += 32, a += 32, b += 32) {
      const first = combined(kind, v128.load(a), v128.load(b), z);
      const second = combined(kind, v128.load(a, 16), v128.load(b, 16), z);
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
    for (; dst < end; dst += 16, a += 16, b += 16) v128.store(dst, combined(kind, v128.load(a), v128.load(b), z));
  } else {
    const y = v128.load32_splat(b);
    const z = v128.load32_splat(c);
    for (; dst < pairs; dst += 32, a += 32) {
      const first = combined(kind, v128.load(a), y, z);
      const second = combined(kind, v128.load(a, 16), y, z);
      v128.store(dst, first);
      v128.store(dst, second, 16);
    }
    for (; dst < end; dst += 16, a += 16) v128.store(dst, combined(kind, v128.load(a), y, z));
  }
}
