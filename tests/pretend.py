"""A pretend GPU array, for machines without a GPU: as strict as CuPy's, or stricter, and computed by NumPy.

It obeys NumPy's dispatch protocols, never mixes with host arrays, is never turned into one unasked, and knows only
functions and methods that CuPy 14 has under the same name. Whoever needs one more looks it up in CuPy's reference
first, then adds it here. What NumPy does not dispatch at all, such as np.zeros without like=, makes a host array in the
middle of a node, and the next line fails. np.full, np.ones and np.eye give a like= array an argument `device` that CuPy
does not take: full_like and ones_like are for that.
"""

import collections
import types

import numpy as np

UFUNCS = {
    "absolute", "add", "bitwise_and", "bitwise_or", "divide", "equal", "exp", "expm1", "floor", "floor_divide",
    "greater", "greater_equal", "invert", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log1p",
    "logical_and", "logical_not", "logical_or", "matmul", "maximum", "minimum", "multiply", "negative", "not_equal",
    "positive", "power", "remainder", "rint", "sign", "sqrt", "square", "subtract", "tanh",
}
FUNCTIONS = {
    "arange", "array_split", "asarray", "clip", "concatenate", "count_nonzero", "cumsum", "diag", "empty",
    "empty_like", "full_like", "lib.stride_tricks.sliding_window_view", "linalg.solve", "may_share_memory", "ones_like",
    "pad", "ravel", "repeat", "result_type", "split", "stack", "tile", "trace", "tril", "vdot", "where", "zeros",
    "zeros_like",
}
METHODS = [
    "all", "any", "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumsum", "diagonal", "dot", "fill", "max",
    "mean", "min", "prod", "ravel", "repeat", "reshape", "std", "sum", "swapaxes", "take", "trace", "transpose", "var",
]
VIEWS = {"diagonal", "ravel", "reshape", "swapaxes", "transpose", "split", "array_split"}       # no kernel of their own
PROPERTIES = [
    "dtype", "flags", "nbytes", "ndim", "shape", "size", "strides",
]
LAUNCHES = collections.Counter()      # {operation: how often it was run}: on a device each is a kernel or a copy
SCALARS = (bool, int, float, complex, np.generic)


class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array whose `memory` is out of reach for everything but its own methods and `get`."""

    def __init__(self, memory):
        self.memory = memory

    def __array__(self, *arguments, **options):
        raise TypeError("implicit conversion of a device array to a host array: call to_host where that is meant")

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        if method != "__call__" or ufunc.__name__ not in UFUNCS or options.keys() - {"dtype"}:
            raise TypeError(f"np.{ufunc.__name__} ({method}, {options}) is not known to run on a device")
        LAUNCHES[ufunc.__name__] += 1
        if out is None:
            return outside(ufunc(*map(inside, inputs), **options))
        ufunc(*map(inside, inputs), out=tuple(map(inside, out)), **options)
        return out[0]

    def __array_function__(self, function, kinds, arguments, options):
        name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
        if name not in FUNCTIONS or "device" in options:
            raise TypeError(f"np.{name} is not known to run on a device")
        LAUNCHES[name] += name not in VIEWS and not name.startswith("empty")
        if name == "asarray":
            return DeviceArray(np.array(arguments[0]))
        options = {key: inside_all(value) for key, value in options.items()}
        return outside(function(*map(inside_all, arguments), **options))

    def get(self):
        return self.memory.copy()

    def __getitem__(self, index):
        LAUNCHES["take"] += any(isinstance(i, DeviceArray) for i in (index if isinstance(index, tuple) else (index,)))
        return outside(self.memory[inside_all(index)])

    def __setitem__(self, index, value):
        LAUNCHES["copy"] += 1
        self.memory[inside_all(index)] = inside(value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __len__(self):
        return len(self.memory)

    def __bool__(self):
        return bool(self.memory)

    def __int__(self):
        return int(self.memory)

    def __float__(self):
        return float(self.memory)

    def __format__(self, how):
        return format(self.memory.item() if self.memory.ndim == 0 else self.memory, how)

    def __repr__(self):
        return f"DeviceArray({self.memory!r})"


def inside(thing):
    """The memory of a device array; a number as it is; TypeError for anything that lies on the host."""
    if isinstance(thing, DeviceArray):
        return thing.memory
    if not isinstance(thing, SCALARS):
        raise TypeError(f"a host {type(thing).__name__} meets a device array: make it by zeros_like, or with like=")
    return thing


def inside_all(argument):
    """The same for an argument that may be a tuple or a list, a slice, a dtype or a word."""
    if isinstance(argument, (tuple, list)):
        return type(argument)(map(inside_all, argument))
    return inside(argument) if isinstance(argument, (DeviceArray, np.ndarray)) else argument


def outside(result):
    """A result as a device array: also a single number, which would otherwise have to be waited for."""
    if isinstance(result, (tuple, list)):
        return [outside(part) for part in result]
    return DeviceArray(np.asarray(result)) if isinstance(result, (np.ndarray, np.generic)) else result


def method(name):
    def call(self, *arguments, **options):
        LAUNCHES[name] += name not in VIEWS
        options = {key: inside_all(value) for key, value in options.items()}
        return outside(getattr(self.memory, name)(*map(inside_all, arguments), **options))

    return call


for name in METHODS:
    setattr(DeviceArray, name, method(name))
for name in PROPERTIES:
    setattr(DeviceArray, name, property(lambda self, name=name: getattr(self.memory, name)))
for name in ("T", "real", "imag"):
    setattr(DeviceArray, name, property(lambda self, name=name: DeviceArray(getattr(self.memory, name))))


def asarray(a):
    """What cupy.asarray does: a copy on the device, unless it is there."""
    return a if isinstance(a, DeviceArray) else DeviceArray(np.array(a))


class ElementwiseKernel:
    """A kernel of CuPy's whose code is Python, too: statements between semicolons that assign to its outputs."""

    def __init__(self, inputs, outputs, code, name):
        self.inputs, self.outputs = ([of_type_t.split()[1] for of_type_t in names.split(",")]
                                     for names in (inputs, outputs))
        self.code, self.name = compile(code, name, "exec"), name

    def __call__(self, *arguments):
        LAUNCHES[self.name] += 1
        given = dict(zip([*self.inputs, *self.outputs], map(inside, arguments), strict=False))
        found = MATHEMATICS | given
        exec(self.code, found)
        for name in self.outputs:
            if name in given:
                given[name][...] = found[name]
        made = [DeviceArray(np.asarray(found[name])) for name in self.outputs if name not in given]
        return made[0] if len(made) == 1 else tuple(made) or None


MATHEMATICS = {"T": float, "exp": np.exp, "fabs": np.abs, "log1p": np.log1p, "max": np.maximum, "sqrt": np.sqrt,
               "tanh": np.tanh}


def cupy(available=True):
    """What stands in the place of the module cupy."""
    module = types.ModuleType("cupy")
    module.asarray, module.ElementwiseKernel = asarray, ElementwiseKernel
    module.cuda = types.SimpleNamespace(is_available=lambda: available)
    return module
