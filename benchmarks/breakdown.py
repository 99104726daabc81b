"""Where a step of ours goes: wall time by operation, and what of it the machine's own matrix products would take.

Where a step is shared by threads, it is seen from the first: its rows, and, under "the rest", its waiting for others.

    python -m benchmarks.breakdown WORKLOAD STEPS WARM_UP
"""

import collections
import dataclasses
import json
import sys
import time

import numpy as np
from threadpoolctl import threadpool_limits

from scratchvae import core, nn, probability
from scratchvae.datasets import Pixels
from scratchvae.models import iwae, vae
from scratchvae.probability import posteriors
from scratchvae.training import Adam, fit, step
from scratchvae.training.parallel import OneThread, Threads
from scratchvae.training.parallel.choose import threads_for

from .clock import Clock
from .workloads import WORKLOADS

LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
LATENTS = ("reparameterize", "gaussian_draw", "gaussian_kl", "gaussian_logpdf", "log_mean_exp", "repeat")
SLICES = 5


class Timed(core.Module):
    """A node, its forward and its backward counted under a name; `products` counts its matrix products by shape."""

    def __init__(self, node, name, clock):
        self.node, self.name, self.clock, self.products = node, name, clock, collections.Counter()

    def forward(self, *inputs, **constants):
        with self.clock.at(self.name):
            y, backward = self.node.forward(*inputs, **constants)
        if self.name == "layers":
            self.products.update(shapes(self.node, inputs[0], y))
        return y, self.clock.timed(self.name, backward)


def shapes(layer, x, y):
    """(n, k, m) of the products n x k times k x m that a layer stands for, one for each of its matrices."""
    if isinstance(layer, nn.GaussianHeads):
        yield from (*shapes(layer.mu, x, y[0]), *shapes(layer.logvar, x, y[1]))
    elif isinstance(layer, nn.ConvTranspose2d):
        m, k = layer.W.value.shape
        yield x.size // k, k, m
    else:
        k, m = layer.W.value.shape
        yield y.size // m, k, m


def watch(model, clock):
    """Count every part of the step of a VAE; -> its layers."""
    inner = model.one_draw                         # of an IWAE the VAE that it trains
    nets = inner.encoder, inner.decoder
    for net in nets:
        net.nodes = [Timed(node, kind_of(node), clock) for node in net.nodes]
    likelihood = inner.likelihood
    likelihood.forward = Timed(core.node(likelihood.forward), "loss", clock).forward
    for module in (vae, iwae, posteriors):
        for name in set(LATENTS) & set(vars(module)):
            setattr(module, name, Timed(getattr(probability, name), "latents, KL", clock))
    model.noise = clock.timed("noise", model.noise)
    for executor in (OneThread, Threads):
        executor.update = clock.timed("Adam", executor.update)
    step.draw = clock.timed("data", step.draw)
    return [node for net in nets for node in net.nodes if node.name == "layers"]


def kind_of(node):
    if isinstance(node, (*LAYERS, nn.GaussianHeads)):
        return "layers"
    return "reshaping" if node is nn.flatten or isinstance(node, nn.Reshape) else "activations"


def sgemm(layers, steps):
    """What matrix products alone take on this machine, of the shapes of a step: forward, and twice backward.

    -> {"ms": a step's, "gflops": the speed of these, "peak": and of a product of two 2048 x 2048 matrices}
    """
    seconds = flops = 0
    for i, layer in enumerate(layers):
        for (n, k, m), times in layer.products.items():
            x, W, dy = (np.random.default_rng(0).standard_normal(s, np.float32) for s in ((n, k), (k, m), (n, m)))
            products = [(x, W), (x.T, dy), (dy, W.T)][:3 if i else 2]             # the data need no gradient
            seconds += times / steps * sum(seconds_of(a, b) for a, b in products)
            flops += times / steps * len(products) * 2 * n * k * m
    big = np.ones((2048, 2048), np.float32)
    return {"ms": 1e3 * seconds, "gflops": flops / seconds / 1e9, "peak": 2 * 2048**3 / seconds_of(big, big) / 1e9}


def seconds_of(a, b, least=0.1):
    """The median time of a @ b."""
    out, times, until = a @ b, [], time.perf_counter() + least
    while time.perf_counter() < until or len(times) < 3:
        start = time.perf_counter()
        np.matmul(a, b, out=out)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def breakdown(workload):
    """{"threads": that share a step, "ms": {operation: of a step}, "sgemm": ...}"""
    model, images, clock = workload.model(), Pixels(workload.images()), Clock()
    x = images[:1]
    n = threads_for(model, "forward", {"x": x, **model.noise(x, np.random.default_rng(0))}, workload.batch)
    records = fit(model, images, optimizer=Adam(model, workload.lr), epochs=10**6, batch_size=workload.batch,
                  weights=workload.weights, progress=False)
    for _ in range(-(-workload.warm_up // workload.steps)):
        next(records)
    layers = watch(model, clock)
    with clock.at("the rest"):
        for _ in range(SLICES):
            next(records)
    ms = {name: 1e3 * s / SLICES / workload.steps for name, s in clock.seconds.most_common()}
    with threadpool_limits(1 if n > 1 else None):
        return {"threads": n, "ms": ms, "sgemm": sgemm(layers, SLICES * workload.steps)}


if __name__ == "__main__":
    name, steps, warm_up = sys.argv[1:]
    print(json.dumps(breakdown(dataclasses.replace(WORKLOADS[name], steps=int(steps), warm_up=int(warm_up)))))
