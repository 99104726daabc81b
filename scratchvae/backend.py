"""Where arrays live: in the computer's memory or, through CuPy, in that of a GPU. Only this file names CuPy.

    vae, x_train, x_test = to_device(vae), to_device(x_train), to_device(x_test)
    for record in fit(vae, x_train, x_test=x_test, optimizer=Adam(vae), epochs=10):     # the same lines as on a CPU
        print(record)
    to_host(vae)

CuPy's arrays obey NumPy's dispatch: np.exp(x) runs where x lives. So no node asks where it runs; it creates new arrays
where its inputs are, by zeros_like(x) or zeros(shape, dtype, like=x). Arrays of both kinds never mix: one that was not
moved raises a TypeError.
"""

import functools

import numpy as np

from .core import Module

KERNELS = {         # {name of an elementwise function: what it is given, what it makes or changes, how}, for a GPU
    "adam": ("T g, T beta1, T beta2, T lr, T eps", "T theta, T M, T V",
             "M = beta1 * M + g; V = beta2 * V + g * g; theta = theta - lr * M / (sqrt(V) + eps)"),
}


def to_device(thing):
    """An array in the GPU's memory; or the same Module, its parameters and buffers moved there.

    A model is moved before an optimizer packs it. Raises ValueError if there is no GPU.
    """
    return move(thing, gpu().asarray)


def to_host(thing):
    """A NumPy array in the computer's memory; or the same Module, its parameters and buffers moved there."""
    return move(thing, lambda a: a.get() if hasattr(a, "get") else a)


def move(thing, place):
    """place(array) of an array, or of every parameter and buffer of a Module."""
    if not isinstance(thing, Module):
        return place(thing)
    for p in thing.parameters().values():
        p.value, p.grad = place(p.value), place(p.grad)
    for buffer in thing.buffers().values():
        buffer.value = place(buffer.value)
    return thing


def gpu():
    """The module cupy; ValueError without CuPy or without a GPU (cupy can be imported without one)."""
    try:
        import cupy
    except ImportError:
        raise ValueError("a GPU is used through CuPy, which is not installed: pip install 'scratchvae[gpu]'") from None
    if not cupy.cuda.is_available():
        raise ValueError("CuPy is installed, but finds no NVIDIA GPU with a driver here; the CPU needs neither")
    return cupy


def on_host(thing):
    """Whether an array, or the parameters of a Module, lie in the computer's memory."""
    return isinstance(example_of(thing), np.ndarray)


def example_of(thing):
    """The array itself, the first parameter of a Module, or the images of Pixels."""
    if isinstance(thing, Module):
        return next(iter(thing.parameters().values())).value
    return getattr(thing, "images", thing)


def fused(function):
    """An elementwise function of arrays and numbers that is one kernel on a GPU, that of its name in KERNELS.

    There each operation of NumPy is a kernel, and to launch it takes longer than to run it. On the host the function
    runs as it is written. What it changes in place stands last among its arguments.
    """
    @functools.wraps(function)
    def call(*arguments):
        if isinstance(arguments[0], np.ndarray):
            return function(*arguments)
        return kernel(gpu(), function.__name__)(*arguments)

    return call


@functools.cache
def kernel(cupy, name):
    """The kernel of that name, compiled when it is first run."""
    return cupy.ElementwiseKernel(*KERNELS[name], name)


def make_rng(seed, *, like=None):
    """default_rng(seed) whose draws lie where `like` lies, an array or a Module; on the host if it is None.

    The numbers are the same everywhere, because they are drawn on the host and moved: a GPU sees the examples in the
    same order, and the same noise, as a CPU.
    """
    rng, like = np.random.default_rng(seed), example_of(like)
    return rng if like is None or on_host(like) else MovingGenerator(rng, like)


class MovingGenerator:
    """The methods of a NumPy generator that training needs; draws are moved to `like`, the state stays on the host."""

    def __init__(self, rng, like):
        self.bit_generator = rng.bit_generator
        for name in ("random", "standard_normal", "standard_exponential", "integers", "permutation"):
            setattr(self, name, moving(getattr(rng, name), like))


def moving(draw, like):
    """The function `draw`, its result moved to where `like` lies."""
    return lambda *arguments, **options: np.asarray(draw(*arguments, **options), like=like)
