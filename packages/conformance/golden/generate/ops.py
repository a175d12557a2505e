"""Everyday operations: NumPy's and PyTorch's answers, ties and special numbers among them."""

import torch

from golden import exact, exact_tensor, numbers, tensor, write

cases = []
drawn = 0


def real(*shape, scale=1.0):
    global drawn
    drawn += 1
    return numbers(*shape, seed=500 + drawn, scale=scale)


def whole(low, high, *shape):
    global drawn
    drawn += 1
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(900 + drawn), dtype=torch.int32)


def of(*values):
    return exact(torch.tensor(values, dtype=torch.float64))


def case(name, args, inputs, fn, gradients=True):
    """`fn` takes the inputs as torch tensors and gives a tensor or several."""
    inputs = [x.clone().requires_grad_(True) if x.dtype.is_floating_point and gradients else x for x in inputs]
    outputs = fn(*inputs)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    shown = [o.to(torch.int32) if not o.dtype.is_floating_point else o for o in outputs]
    made = {"id": name, "name": name, "args": args, "inputs": [exact_tensor(x) for x in inputs], "expected": {"outputs": [tensor(o) for o in shown]}}
    sources = [x for x in inputs if x.requires_grad]
    flowing = [o for o in outputs if o.requires_grad]
    if sources and flowing:
        upstream = [real(*o.shape) for o in flowing]
        found = iter(torch.autograd.grad(flowing, sources, upstream, allow_unused=True))
        given = iter(upstream)
        made["gradOutputs"] = [exact_tensor(next(given)) if o.requires_grad else None for o in outputs]
        made["expected"]["gradients"] = [tensor(zero(next(found), x)) if x.requires_grad else None for x in inputs]
    cases.append(made)


def zero(gradient, like):
    return torch.zeros_like(like) if gradient is None else gradient


special = of(0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan"), 3.5, -3.5, 2.5, 1e-30, -1e30)

# Element by element, broadcast.
for name, fn in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div)]:
    case(name, ["$0", "$1"], [real(2, 3, 4), real(3, 1)], fn)
    case(name, ["$0", "$1"], [real(4, 1), real(1, 5)], fn)
    case(name, ["$0", "$1"], [real(3), real()], fn)
    case(name, ["$0", 2.5], [real(3)], lambda x: fn(x, torch.tensor(2.5, dtype=torch.float64)))
    case(name, ["$0", "$1"], [real(0, 3), real(3)], fn)
for name, fn in [("add", torch.add), ("mul", torch.mul), ("maximum", torch.maximum), ("minimum", torch.minimum), ("remainder", torch.remainder)]:
    case(name, ["$0", "$1"], [whole(-9, 9, 3, 4), whole(1, 6, 4)], fn)
case("maximum", ["$0", "$1"], [of(1.0, 2.0, 3.0, float("nan"), 5.0), of(1.0, 5.0, 2.0, 1.0, float("nan"))], torch.maximum)
case("minimum", ["$0", "$1"], [of(1.0, 2.0, 3.0, 2.0), of(1.0, 5.0, 2.0, 2.0)], torch.minimum)
case("pow", ["$0", "$1"], [real(3, 4).abs() + 0.5, real(4)], torch.pow)
case("pow", ["$0", 2], [real(5)], lambda x: x**2)
case("pow", ["$0", 3], [of(-2.0, 0.0, 1.5)], lambda x: x**3)
case("pow", ["$0", -1], [of(-2.0, 0.5, 1.5)], lambda x: x**-1)
case("remainder", ["$0", "$1"], [of(5.5, -5.5, 5.5, -5.5), of(2.0, 2.0, -2.0, -2.0)], torch.remainder, gradients=False)
case("floorDivide", ["$0", "$1"], [of(5.5, -5.5, 5.5, -5.5), of(2.0, 2.0, -2.0, -2.0)], torch.floor_divide, gradients=False)
unary = {
    "neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "exp": torch.exp, "expm1": torch.expm1, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh,
    "erf": torch.erf, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round, "square": torch.square, "reciprocal": torch.reciprocal,
}
for name, fn in unary.items():
    case(name, ["$0"], [real(3, 4, scale=2.0)], fn)
for name, fn in {"log": torch.log, "log1p": torch.log1p, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt}.items():
    case(name, ["$0"], [real(3, 4, scale=2.0).abs() + 0.01], fn)
case("round", ["$0"], [of(0.5, 1.5, 2.5, -0.5, -1.5, 0.49999997, 8388609.0)], torch.round, gradients=False)
# Not sign: of NaN it is NaN, as in NumPy; PyTorch has 0.
for name, fn in {"floor": torch.floor, "isFinite": torch.isfinite, "isNaN": torch.isnan, "isInfinite": torch.isinf, "abs": torch.abs, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "tanh": torch.tanh, "erf": torch.erf}.items():
    case(name, ["$0"], [special], fn, gradients=False)
comparisons = {"equal": torch.eq, "notEqual": torch.ne, "less": torch.lt, "lessEqual": torch.le, "greater": torch.gt, "greaterEqual": torch.ge}
for name, fn in comparisons.items():
    case(name, ["$0", "$1"], [whole(0, 4, 3, 4), whole(0, 4, 4)], fn)
    case(name, ["$0", "$1"], [special, of(*reversed(special.tolist()))], fn, gradients=False)
for name, fn in {"logicalAnd": torch.logical_and, "logicalOr": torch.logical_or, "logicalXor": torch.logical_xor}.items():
    case(name, ["$0", "$1"], [whole(0, 2, 3, 4), whole(0, 2, 4)], fn)
case("logicalNot", ["$0"], [whole(-1, 2, 7)], torch.logical_not)
case("where", ["$0", "$1", "$2"], [whole(0, 2, 3, 1), real(4), real(3, 4)], lambda c, a, b: torch.where(c != 0, a, b))
case("clamp", ["$0", -0.5, 0.75], [real(3, 5)], lambda x: x.clamp(-0.5, 0.75))
case("clamp", ["$0", -0.5, 0.5], [of(-0.5, 0.5, 0.25, 9.0)], lambda x: x.clamp(-0.5, 0.5))

# Along axes.
for options, dim, keep in [({}, (0, 1, 2), False), ({"axis": 1}, 1, False), ({"axis": -1, "keepDims": True}, -1, True), ({"axis": [0, 2]}, (0, 2), False), ({"axis": [-3, 1], "keepDims": True}, (-3, 1), True)]:
    case("sum", ["$0", options], [real(2, 3, 4)], lambda x: x.sum(dim, keepdim=keep))
    case("mean", ["$0", options], [real(2, 3, 4)], lambda x: x.mean(dim, keepdim=keep))
    case("logSumExp", ["$0", options], [real(2, 3, 4, scale=3.0)], lambda x: x.logsumexp(dim, keepdim=keep))
    case("variance", ["$0", options], [real(2, 3, 4)], lambda x: x.var(dim, keepdim=keep))
    case("variance", ["$0", {**options, "correction": 0}], [real(2, 3, 4)], lambda x: x.var(dim, correction=0, keepdim=keep))
    case("std", ["$0", options], [real(2, 3, 4)], lambda x: x.std(dim, keepdim=keep))
    case("amax", ["$0", options], [whole(0, 3, 2, 3, 4).double()], lambda x: x.amax(dim, keepdim=keep))
    case("amin", ["$0", options], [whole(0, 3, 2, 3, 4).double()], lambda x: x.amin(dim, keepdim=keep))
    case("norm", ["$0", options], [real(2, 3, 4)], lambda x: torch.linalg.vector_norm(x, 2, dim, keepdim=keep))
for p, ord in [(1, 1), (3, 3), ("Infinity", float("inf"))]:
    if isinstance(p, int):
        case("norm", ["$0", {"p": p, "axis": 1}], [real(3, 4)], lambda x: torch.linalg.vector_norm(x, ord, 1))
for axis in [0, 1, -1]:
    case("prod", ["$0", {"axis": axis}], [real(3, 4)], lambda x: x.prod(axis))
    case("max", ["$0", {"axis": axis}], [real(3, 4)], lambda x: x.max(axis).values)
    case("min", ["$0", {"axis": axis}], [real(3, 4)], lambda x: x.min(axis).values)
    case("argMax", ["$0", {"axis": axis}], [whole(0, 3, 4, 5).double()], lambda x: torch.from_numpy(x.numpy().argmax(axis)), gradients=False)
    case("argMin", ["$0", {"axis": axis}], [whole(0, 3, 4, 5).double()], lambda x: torch.from_numpy(x.numpy().argmin(axis)), gradients=False)
    case("cumsum", ["$0", axis], [real(3, 4)], lambda x: x.cumsum(axis))
    case("sort", ["$0", {"axis": axis}], [whole(-3, 4, 4, 5).double()], lambda x: x.sort(dim=axis, stable=True))
    case("sort", ["$0", {"axis": axis, "descending": True}], [whole(-3, 4, 4, 5).double()], lambda x: x.sort(dim=axis, descending=True, stable=True))
case("prod", ["$0", {}], [of(2.0, 0.0, 3.0)], lambda x: x.prod())
case("sum", ["$0"], [whole(-9, 9, 3, 4)], lambda x: x.sum())
case("cumsum", ["$0", 0], [whole(-9, 9, 5)], lambda x: x.cumsum(0))
case("topK", ["$0", 3], [real(4, 7)], lambda x: x.topk(3))
case("topK", ["$0", 2, {"axis": 0, "largest": False}], [real(6, 3)], lambda x: x.topk(2, 0, largest=False))
case("sort", ["$0"], [of(3.0, float("nan"), 1.0, float("inf"), float("-inf"))], lambda x: x.sort(stable=True), gradients=False)
case("sum", ["$0", {"axis": 0}], [real(0, 3)], lambda x: x.sum(0))
case("mean", ["$0"], [special], lambda x: x.mean(), gradients=False)
case("amax", ["$0"], [special], lambda x: x.amax(), gradients=False)
case("all", ["$0", {"axis": 1}], [whole(0, 3, 4, 3)], lambda x: (x != 0).all(1))
case("any", ["$0", {"axis": 0}], [whole(0, 2, 3, 4)], lambda x: (x != 0).any(0))

# Products.
for a, b in [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((0, 4), (4, 5)), ((3, 0), (0, 5))]:
    case("matmul", ["$0", "$1"], [real(*a), real(*b)], torch.matmul)
for equation, shapes in [("ij,jk->ik", [(3, 4), (4, 5)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("ii->i", [(4, 4)]), ("ii", [(4, 4)]), ("ij->ji", [(3, 4)]), ("i,j->ij", [(3,), (4,)]), ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]), ("ij,ij->", [(3, 4), (3, 4)]), ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]), ("a,ab,abc->bc", [(2,), (2, 3), (2, 3, 4)]), ("ij,j", [(3, 4), (4,)])]:
    case("einsum", [equation, *[f"${i}" for i in range(len(shapes))]], [real(*shape) for shape in shapes], lambda *xs: torch.einsum(equation, *xs))
case("outer", ["$0", "$1"], [real(3), real(4)], torch.outer)
case("dot", ["$0", "$1"], [real(5), real(5)], torch.dot)
case("trace", ["$0"], [real(4, 4)], torch.trace)
case("linear", ["$0", "$1", "$2"], [real(2, 3, 4), real(5, 4), real(5)], torch.nn.functional.linear)

# Shapes.
case("reshape", ["$0", [4, -1]], [real(2, 3, 4)], lambda x: x.reshape(4, -1))
case("transpose", ["$0"], [real(2, 3, 4)], lambda x: x.transpose(-2, -1))
case("transpose", ["$0", 0, 2], [real(2, 3, 4)], lambda x: x.transpose(0, 2))
case("permute", ["$0", [2, 0, 1]], [real(2, 3, 4)], lambda x: x.permute(2, 0, 1))
case("flatten", ["$0", 1, 2], [real(2, 3, 4, 2)], lambda x: x.flatten(1, 2))
case("squeeze", ["$0"], [real(1, 3, 1)], lambda x: x.squeeze())
case("squeeze", ["$0", 0], [real(1, 3, 1)], lambda x: x.squeeze(0))
case("expandDims", ["$0", -1], [real(2, 3)], lambda x: x.unsqueeze(-1))
case("broadcastTo", ["$0", [2, 3, 4]], [real(3, 1)], lambda x: x.broadcast_to(2, 3, 4))
case("concat", [["$0", "$1"], 1], [real(2, 3), real(2, 2)], lambda a, b: torch.cat([a, b], 1))
case("concat", [["$0", "$1", "$2"], -2], [real(1, 3), real(2, 3), real(0, 3)], lambda *xs: torch.cat(xs, -2))
case("stack", [["$0", "$1"], 1], [real(2, 3), real(2, 3)], lambda a, b: torch.stack([a, b], 1))
case("split", ["$0", [2, 1, 3], 1], [real(2, 6)], lambda x: x.split([2, 1, 3], 1))
case("tile", ["$0", [2, 3]], [real(2, 3)], lambda x: x.tile(2, 3))
case("flip", ["$0", [0, 2]], [real(2, 3, 4)], lambda x: x.flip(0, 2))
case("pad", ["$0", [[1, 2], [0, 3]], 1.5], [real(2, 3)], lambda x: torch.nn.functional.pad(x, (0, 3, 1, 2), value=1.5))

# Indices.
case("at", ["$0", 1], [real(3, 4)], lambda x: x[1])
case("at", ["$0", -1, -2], [real(3, 4)], lambda x: x[-1, -2])
case("at", ["$0", {"start": 1}, {"stop": -1}], [real(4, 5)], lambda x: x[1:, :-1])
case("at", ["$0", {"start": -3, "stop": 9, "step": 2}], [real(5, 2)], lambda x: x[-3:9:2])
case("at", ["$0", {"start": 4, "stop": 2}], [real(5, 2)], lambda x: x[4:2])
case("at", ["$0", "...", 0], [real(2, 3, 4)], lambda x: x[..., 0])
case("at", ["$0", None, {}, None], [real(2, 3)], lambda x: x[None, :, None])
case("at", ["$0", "$1"], [real(5, 2), torch.tensor([4, 0, -1, 0], dtype=torch.int32)], lambda x, i: x[i.long()])
case("at", ["$0", {}, [2, 0, -1]], [real(3, 4)], lambda x: x[:, [2, 0, -1]])
case("gather", ["$0", 1, "$1"], [real(3, 5), whole(0, 5, 3, 2)], lambda x, i: x.gather(1, i.long()))
case("gather", ["$0", 0, "$1"], [real(3, 5), whole(0, 3, 4, 5)], lambda x, i: x.gather(0, i.long()))
case("scatterAdd", ["$0", 0, "$1", "$2"], [real(3, 4), whole(0, 3, 5, 4), real(5, 4)], lambda x, i, u: x.scatter_add(0, i.long(), u))
case("scatterAdd", ["$0", -1, "$1", "$2"], [real(3, 4), whole(0, 4, 3, 6), real(3, 6)], lambda x, i, u: x.scatter_add(-1, i.long(), u))
case("indexSelect", ["$0", 1, "$1"], [real(3, 5), whole(0, 5, 4)], lambda x, i: x.index_select(1, i.long()))
case("indexAdd", ["$0", 0, "$1", "$2"], [real(3, 4), whole(0, 3, 6), real(6, 4)], lambda x, i, u: x.index_add(0, i.long(), u))
case("oneHot", ["$0", 4], [whole(0, 4, 2, 3)], lambda i: torch.nn.functional.one_hot(i.long(), 4))

# Numbers out of nothing.
case("arange", [2, 9, 3], [], lambda: torch.arange(2, 9, 3, dtype=torch.float64))
case("arange", [5], [], lambda: torch.arange(5, dtype=torch.float64))
case("arange", [1, -2, -0.5], [], lambda: torch.arange(1, -2, -0.5, dtype=torch.float64))
case("linspace", [-1, 2, 7], [], lambda: torch.linspace(-1, 2, 7, dtype=torch.float64))
case("eye", [3, 5], [], lambda: torch.eye(3, 5, dtype=torch.float64))
case("full", [[2, 3], 1.5], [], lambda: torch.full((2, 3), 1.5, dtype=torch.float64))

# Attention.
attention = torch.nn.functional.scaled_dot_product_attention
three = ["$0", "$1", "$2"]
case("scaledDotProductAttention", three, [real(2, 3, 4), real(2, 5, 4), real(2, 5, 3)], attention)
case("scaledDotProductAttention", [*three, {"causal": True}], [real(2, 2, 5, 4), real(2, 2, 3, 4), real(2, 2, 3, 4)], lambda q, k, v: attention(q, k, v, is_causal=True))
case("scaledDotProductAttention", [*three, {"scale": 0.3}], [real(6, 4), real(7, 4), real(7, 9)], lambda q, k, v: attention(q, k, v, scale=0.3))
case("scaledDotProductAttention", [*three, {"mask": "$3"}], [real(2, 3, 4, 2), real(2, 3, 5, 2), real(2, 3, 5, 2), real(2, 1, 4, 5)], lambda q, k, v, mask: attention(q, k, v, attn_mask=mask))
hidden = real(4, 5)
hidden[1] = float("-inf")
hidden[2, 3] = float("-inf")
case("scaledDotProductAttention", [*three, {"mask": "$3"}], [real(2, 4, 2), real(2, 5, 2), real(2, 5, 2), hidden], lambda q, k, v, mask: attention(q, k, v, attn_mask=mask))

case("asinh", ["$0"], [real(3, 4, scale=2.0)], torch.asinh)
case("asinh", ["$0"], [special], torch.asinh, gradients=False)

# Vectors of one length.
for options, p, dim in [({}, 2.0, 1), ({"p": 1, "axis": 0}, 1.0, 0), ({"p": 3, "axis": -1}, 3.0, -1)]:
    case("normalize", ["$0", options], [real(3, 4)], lambda x, p=p, dim=dim: torch.nn.functional.normalize(x, p, dim))
case("normalize", ["$0", {"eps": 0.5}], [real(2, 3, scale=0.01)], lambda x: torch.nn.functional.normalize(x, eps=0.5))

write("ops", cases)
