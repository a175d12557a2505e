// Steps of recurrent cells, row by row: each loop goes over a piece of the gates or over the state, two vectors a turn (see vectors.ts). Sums and products are rounded one by
// one, as in the chains that the cells' decompositions are.
import { sigmoid4, tanh4 } from "./math";
import { splat, storeUpTo } from "./simd";

/** dst = f(a + b), f sigmoid or tanh. */
// @ts-ignore: decorator
@inline
function gate(isTanh: bool, dst: usize, a: usize, b: usize, count: i32): void {
  for (; count >= 8; count -= 8, dst += 32, a += 32, b += 32) {
    const first = f32x4.add(v128.load(a), v128.load(b));
    const second = f32x4.add(v128.load(a, 16), v128.load(b, 16));
    const x = isTanh ? tanh4(first) : sigmoid4(first);
    const y = isTanh ? tanh4(second) : sigmoid4(second);
    v128.store(dst, x);
    v128.store(dst, y, 16);
  }
  for (; count > 0; count -= 4, dst += 16, a += 16, b += 16) {
    const sum = f32x4.add(v128.load(a), v128.load(b));
    storeUpTo(dst, isTanh ? tanh4(sum) : sigmoid4(sum), count);
  }
}

function sigmoidGate(dst: usize, a: usize, b: usize, count: i32): void {
  gate(false, dst, a, b, count);
}

function tanhGate(dst: usize, a: usize, b: usize, count: i32): void {
  gate(true, dst, a, b, count);
}

/** x · y + z · w, each rounded. */
// @ts-ignore: decorator
@inline
function twoProducts(x: v128, y: v128, z: v128, w: v128): v128 {
  return f32x4.add(f32x4.mul(x, y), f32x4.mul(z, w));
}

/** g · y · (1 − y). */
// @ts-ignore: decorator
@inline
function throughSigmoid(g: v128, y: v128): v128 {
  return f32x4.mul(g, f32x4.mul(y, f32x4.sub(splat(1.0), y)));
}

/** g · (1 − y²). */
// @ts-ignore: decorator
@inline
function throughTanh(g: v128, y: v128): v128 {
  return f32x4.mul(g, f32x4.sub(splat(1.0), f32x4.mul(y, y)));
}

/** next = f · c + i · g, h = o · tanh(next): a row. `piece`: bytes of one gate. */
function lstmState(h: usize, next: usize, gates: usize, c: usize, piece: usize, count: i32): void {
  for (; count >= 8; count -= 8, h += 32, next += 32, gates += 32, c += 32) {
    const f = gates + piece;
    const g = f + piece;
    const o = g + piece;
    const first = twoProducts(v128.load(f), v128.load(c), v128.load(gates), v128.load(g));
    const second = twoProducts(v128.load(f, 16), v128.load(c, 16), v128.load(gates, 16), v128.load(g, 16));
    const x = f32x4.mul(v128.load(o), tanh4(first));
    const y = f32x4.mul(v128.load(o, 16), tanh4(second));
    v128.store(next, first);
    v128.store(next, second, 16);
    v128.store(h, x);
    v128.store(h, y, 16);
  }
  for (; count > 0; count -= 4, h += 16, next += 16, gates += 16, c += 16) {
    const f = gates + piece;
    const g = f + piece;
    const sum = twoProducts(v128.load(f), v128.load(c), v128.load(gates), v128.load(g));
    const x = f32x4.mul(v128.load(g + piece), tanh4(sum));
    storeUpTo(next, sum, count);
    storeUpTo(h, x, count);
  }
}

/** Gates are i, f, g, o. */
export function lstmCell(h: usize, next: usize, gates: usize, step: i32, input: usize, recurrent: usize, c: usize, rows: i32, size: i32): void {
  const piece = <usize>size << 2;
  for (; rows > 0; rows--) {
    sigmoidGate(gates, input, recurrent, 2 * size);
    tanhGate(gates + 2 * piece, input + 2 * piece, recurrent + 2 * piece, size);
    sigmoidGate(gates + 3 * piece, input + 3 * piece, recurrent + 3 * piece, size);
    lstmState(h, next, gates, c, piece, size);
    h += piece;
    next += piece;
    gates += <usize>step;
    input += 4 * piece;
    recurrent += 4 * piece;
    c += piece;
  }
}

export function lstmCellGradient(
  toGates: usize, toC: usize, g: usize, toNext: usize, gates: usize, c: usize, next: usize, rows: i32, size: i32,
): void {
  const piece = <usize>size << 2;
  for (; rows > 0; rows--, toGates += 3 * piece, gates += 3 * piece) {
    let count = size;
    for (; count >= 8; count -= 8) {
      const f = gates + piece;
      const b = f + piece;
      const o = b + piece;
      const t1 = tanh4(v128.load(next));
      const t2 = tanh4(v128.load(next, 16));
      const o1 = v128.load(o);
      const o2 = v128.load(o, 16);
      const g1 = v128.load(g);
      const g2 = v128.load(g, 16);
      const s1 = f32x4.add(v128.load(toNext), throughTanh(f32x4.mul(g1, o1), t1));
      const s2 = f32x4.add(v128.load(toNext, 16), throughTanh(f32x4.mul(g2, o2), t2));
      const i1 = v128.load(gates);
      const i2 = v128.load(gates, 16);
      const f1 = v128.load(f);
      const f2 = v128.load(f, 16);
      const b1 = v128.load(b);
      const b2 = v128.load(b, 16);
      const c1 = v128.load(c);
      const c2 = v128.load(c, 16);
      const toF = toGates + piece;
      const toB = toF + piece;
      const toO = toB + piece;
      v128.store(toGates, throughSigmoid(f32x4.mul(s1, b1), i1));
      v128.store(toGates, throughSigmoid(f32x4.mul(s2, b2), i2), 16);
      v128.store(toF, throughSigmoid(f32x4.mul(s1, c1), f1));
      v128.store(toF, throughSigmoid(f32x4.mul(s2, c2), f2), 16);
      v128.store(toB, throughTanh(f32x4.mul(s1, i1), b1));
      v128.store(toB, throughTanh(f32x4.mul(s2, i2), b2), 16);
      v128.store(toO, throughSigmoid(f32x4.mul(g1, t1), o1));
      v128.store(toO, throughSigmoid(f32x4.mul(g2, t2), o2), 16);
      v128.store(toC, f32x4.mul(s1, f1));
      v128.store(toC, f32x4.mul(s2, f2), 16);
      toGates += 32;
      gates += 32;
      toC += 32;
      g += 32;
      toNext += 32;
      c += 32;
      next += 32;
    }
    for (; count > 0; count -= 4) {
      const t = tanh4(v128.load(next));
      const i = v128.load(gates);
      const f = v128.load(gates + piece);
      const b = v128.load(gates + 2 * piece);
      const o = v128.load(gates + 3 * piece);
      const slope = v128.load(g);
      const s = f32x4.add(v128.load(toNext), throughTanh(f32x4.mul(slope, o), t));
      storeUpTo(toGates, throughSigmoid(f32x4.mul(s, b), i), count);
      storeUpTo(toGates + piece, throughSigmoid(f32x4.mul(s, v128.load(c)), f), count);
      storeUpTo(toGates + 2 * piece, throughTanh(f32x4.mul(s, i), b), count);
      storeUpTo(toGates + 3 * piece, throughSigmoid(f32x4.mul(slope, t), o), count);
      storeUpTo(toC, f32x4.mul(s, f), count);
      const moved = <usize>min(count, 4) << 2;
      toGates += moved;
      gates += moved;
      toC += moved;
      g += moved;
      toNext += moved;
      c += moved;
      next += moved;
    }
  }
}

/** n = tanh(x + r · u), next = (1 − z) · n + z · h: a row, whose gates have r and z. */
function gruState(next: usize, gates: usize, x: usize, u: usize, h: usize, piece: usize, count: i32): void {
  for (; count >= 8; count -= 8, next += 32, gates += 32, x += 32, u += 32, h += 32) {
    const z = gates + piece;
    const n = z + piece;
    const u1 = v128.load(u);
    const u2 = v128.load(u, 16);
    const n1 = tanh4(f32x4.add(v128.load(x), f32x4.mul(v128.load(gates), u1)));
    const n2 = tanh4(f32x4.add(v128.load(x, 16), f32x4.mul(v128.load(gates, 16), u2)));
    const z1 = v128.load(z);
    const z2 = v128.load(z, 16);
    const next1 = twoProducts(f32x4.sub(splat(1.0), z1), n1, z1, v128.load(h));
    const next2 = twoProducts(f32x4.sub(splat(1.0), z2), n2, z2, v128.load(h, 16));
    v128.store(n, n1);
    v128.store(n, n2, 16);
    v128.store(n + piece, u1);
    v128.store(n + piece, u2, 16);
    v128.store(next, next1);
    v128.store(next, next2, 16);
  }
  for (; count > 0; count -= 4, next += 16, gates += 16, x += 16, u += 16, h += 16) {
    const z = v128.load(gates + piece);
    const uu = v128.load(u);
    const n = tanh4(f32x4.add(v128.load(x), f32x4.mul(v128.load(gates), uu)));
    const sum = twoProducts(f32x4.sub(splat(1.0), z), n, z, v128.load(h));
    storeUpTo(gates + 2 * piece, n, count);
    storeUpTo(gates + 3 * piece, uu, count);
    storeUpTo(next, sum, count);
  }
}

/** Sums are r, z, n; gates r, z, n, u, the state's part of n. */
export function gruCell(next: usize, gates: usize, step: i32, input: usize, recurrent: usize, h: usize, rows: i32, size: i32): void {
  const piece = <usize>size << 2;
  for (; rows > 0; rows--) {
    sigmoidGate(gates, input, recurrent, 2 * size);
    gruState(next, gates, input + 2 * piece, recurrent + 2 * piece, h, piece, size);
    next += piece;
    gates += <usize>step;
    input += 3 * piece;
    recurrent += 3 * piece;
    h += piece;
  }
}

export function gruCellGradient(
  toInput: usize, toRecurrent: usize, toH: usize, g: usize, gates: usize, h: usize, rows: i32, size: i32,
): void {
  const piece = <usize>size << 2;
  const one = splat(1.0);
  for (; rows > 0; rows--, toInput += 2 * piece, toRecurrent += 2 * piece, gates += 3 * piece) {
    let count = size;
    for (; count >= 8; count -= 8) {
      const z = gates + piece;
      const n = z + piece;
      const u = n + piece;
      const r1 = v128.load(gates);
      const r2 = v128.load(gates, 16);
      const z1 = v128.load(z);
      const z2 = v128.load(z, 16);
      const n1 = v128.load(n);
      const n2 = v128.load(n, 16);
      const g1 = v128.load(g);
      const g2 = v128.load(g, 16);
      const d1 = throughTanh(f32x4.mul(g1, f32x4.sub(one, z1)), n1);
      const d2 = throughTanh(f32x4.mul(g2, f32x4.sub(one, z2)), n2);
      const toR1 = throughSigmoid(f32x4.mul(d1, v128.load(u)), r1);
      const toR2 = throughSigmoid(f32x4.mul(d2, v128.load(u, 16)), r2);
      const toZ1 = throughSigmoid(f32x4.mul(g1, f32x4.sub(v128.load(h), n1)), z1);
      const toZ2 = throughSigmoid(f32x4.mul(g2, f32x4.sub(v128.load(h, 16), n2)), z2);
      v128.store(toInput, toR1);
      v128.store(toInput, toR2, 16);
      v128.store(toInput + piece, toZ1);
      v128.store(toInput + piece, toZ2, 16);
      v128.store(toInput + 2 * piece, d1);
      v128.store(toInput + 2 * piece, d2, 16);
      v128.store(toRecurrent, toR1);
      v128.store(toRecurrent, toR2, 16);
      v128.store(toRecurrent + piece, toZ1);
      v128.store(toRecurrent + piece, toZ2, 16);
      v128.store(toRecurrent + 2 * piece, f32x4.mul(d1, r1));
      v128.store(toRecurrent + 2 * piece, f32x4.mul(d2, r2), 16);
      v128.store(toH, f32x4.mul(g1, z1));
      v128.store(toH, f32x4.mul(g2, z2), 16);
      toInput += 32;
      toRecurrent += 32;
      toH += 32;
      g += 32;
      gates += 32;
      h += 32;
    }
    for (; count > 0; count -= 4) {
      const r = v128.load(gates);
      const z = v128.load(gates + piece);
      const n = v128.load(gates + 2 * piece);
      const slope = v128.load(g);
      const d = throughTanh(f32x4.mul(slope, f32x4.sub(one, z)), n);
      const toR = throughSigmoid(f32x4.mul(d, v128.load(gates + 3 * piece)), r);
      const toZ = throughSigmoid(f32x4.mul(slope, f32x4.sub(v128.load(h), n)), z);
      storeUpTo(toInput, toR, count);
      storeUpTo(toInput + piece, toZ, count);
      storeUpTo(toInput + 2 * piece, d, count);
      storeUpTo(toRecurrent, toR, count);
      storeUpTo(toRecurrent + piece, toZ, count);
      storeUpTo(toRecurrent + 2 * piece, f32x4.mul(d, r), count);
      storeUpTo(toH, f32x4.mul(slope, z), count);
      const moved = <usize>min(count, 4) << 2;
      toInput += moved;
      toRecurrent += moved;
      toH += moved;
      g += moved;
      gates += moved;
      h += moved;
    }
  }
}
