"""Single kernels in PyTorch."""
from protocol import Absent


def kernel_step(torch, kernel):
    """One kernel over tensors that lie ready, its result written where the library lets one say so."""
    name = kernel["name"]
    f = torch.nn.functional
    if name == "copy":
        a, b = torch.rand(kernel["length"]), torch.empty(kernel["length"])
        return lambda: b.copy_(a)
    if name == "gemm":
        n = kernel["size"]
        a, b, c = torch.rand(n, n), torch.rand(n, n), torch.empty(n, n)
        return lambda: torch.mm(a, b, out=c)
    if name in ("activation", "mishInOps"):
        names = {"leakyRelu": "leaky_relu", "softplus": "softplus", "hardSwish": "hardswish", "hardSigmoid": "hardsigmoid",
                 "hardTanh": "hardtanh", "logSigmoid": "logsigmoid", "tanhshrink": "tanhshrink"}
        if name == "mishInOps":
            def act(x):
                return x * torch.tanh(f.softplus(x))
        else:
            plain = names.get(kernel["activation"], kernel["activation"])
            act = getattr(f, plain, None) or getattr(torch, plain, None)
            try:
                act(torch.zeros(2))
            except TypeError:  # There is none of that name, or not without options.
                raise Absent({"cannot": "it has no " + kernel["activation"] + " with defaults"})
        x, g = torch.rand(kernel["length"]) * 2 - 1, torch.rand(kernel["length"])
        if not kernel["backward"]:
            return lambda: act(x)
        x.requires_grad_()
        y = act(x)
        return lambda: torch.autograd.grad(y, x, g, retain_graph=True)
    if name == "crossEntropyRows":
        x = torch.rand(kernel["rows"], kernel["classes"], requires_grad=True)
        y = torch.randint(kernel["classes"], (kernel["rows"],))
        return lambda: torch.autograd.grad(f.cross_entropy(x, y), x)
    if name == "ctc":
        steps, batch, classes, labels = (kernel[key] for key in ("steps", "batch", "classes", "labels"))
        x = torch.rand(steps, batch, classes, requires_grad=True)
        y = torch.randint(1, classes, (batch, labels))
        counts = torch.full((batch,), steps), torch.full((batch,), labels)
        return lambda: torch.autograd.grad(f.ctc_loss(x.log_softmax(-1), y, *counts), x)
    if name == "adamw":
        p = torch.nn.Parameter(torch.rand(kernel["length"]))
        p.grad = torch.rand(kernel["length"])
        return torch.optim.AdamW([p], fused=True).step
    a, b = kernel["channels"]
    n, side = kernel["batch"], kernel["side"]
    x, w = torch.rand(n, a, side, side), torch.rand(b, a, 3, 3)
    if kernel["part"] == "forward":
        return lambda: f.conv2d(x, w, padding=1)
    x.requires_grad_()
    w.requires_grad_()
    g = torch.rand(n, b, side, side)
    return lambda: torch.autograd.grad(f.conv2d(x, w, padding=1), [x, w], g)
