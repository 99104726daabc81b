"""The data sets of the book: found, proven byte for byte, and dealt out in minibatches.

    data = load("fashion-mnist")                           # uint8, as published
    x_train = pixels(data.x_train)                         # (60000, 784), float32 in [0, 1]
    x_train = binarize_once(x_train, "dynamic", rng)       # draws here only if "static"
    for rows in minibatches(len(x_train), 128, rng):
        x = binarize_batch(x_train[rows], "dynamic", rng)  # draws here only if "dynamic"

A set is looked for in $SCRATCHVAE_DATA, then in the checkout's data/, then in the user's cache, which is filled from
the published address. Wherever a file lies, its decompressed bytes have the SHA-256 written here, or nothing is loaded.
"""

import gzip
import hashlib
import io
import math
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

CHECKOUT = Path(__file__).resolve().parents[1] / "data"
LEVELS = {"fashion-mnist": 255, "mnist": 255, "digits": 16}  # the value of a white pixel
BINARIZATIONS = ("dynamic", "static", "none")
RDATASETS = "https://raw.githubusercontent.com/vincentarelbundock/Rdatasets/"
SETS = {  # name: (published address, {file: SHA-256 of its decompressed bytes})
    "fashion-mnist": ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", {
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }),
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist/", {
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }),
    "digits": ("https://raw.githubusercontent.com/scikit-learn/scikit-learn/1.9.1/sklearn/datasets/data/", {
        "digits.csv.gz": "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8",
    }),
    "old-faithful": (RDATASETS + "cc03c29690889dbe83089f5206e2422db8c3f71f/csv/datasets/", {  # its header line varies
        "faithful.csv": "5043db1e2c51c8e8fd67e0868c768ae589770cc76ad0ac0c5b7afd1fca31fc57",
    }),
}


class DataError(OSError):
    """A data file is missing, damaged or out of reach; the message says which, why, and how to mend it."""


class Dataset(NamedTuple):
    """Images (N, height, width) or points (N, d), and their labels (N,) or None."""

    x_train: np.ndarray
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None


def load(name):
    """The named set, whole and as published.

    "fashion-mnist", "mnist"   uint8 0..255 (60000, 28, 28) and (10000, 28, 28); labels uint8
    "digits"                   uint8 0..16 (1437, 8, 8) and (360, 8, 8), the file's first and last lines; labels uint8
    "old-faithful"             float64 (272, 2), minutes of eruption and of waiting; nothing to test on, no labels

    Raises ValueError for an unknown name, DataError for a file that is missing, damaged or out of reach.
    """
    if name not in SETS:
        raise ValueError(f"name must be one of {', '.join(SETS)}, but is {name!r}")
    contents = read_set(name)
    if name == "digits":
        table = np.loadtxt(io.BytesIO(contents[0]), delimiter=",", dtype=np.uint8)  # 64 pixels and a label a line
        x, y = table[:, :64].reshape(-1, 8, 8).copy(), table[:, 64].copy()
        return Dataset(x[:1437], y[:1437], x[1437:], y[1437:])
    if name == "old-faithful":
        x = np.loadtxt(io.BytesIO(contents[0]), delimiter=",", skiprows=1, usecols=(1, 2))
        return Dataset(x, None, np.empty((0, 2)), None)
    return Dataset(*map(parse_idx, contents))


def parse_idx(content):
    """The array in an idx file: two zeros, 8 for uint8, the rank; each size as a big-endian int32; then the values."""
    rank = content[3]
    shape = np.frombuffer(content, ">i4", count=rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()  # the copy can be written to


def read_set(name):
    """The decompressed bytes of each file of a set, from the first place that has the set's folder."""
    files = SETS[name][1]
    places = [(CHECKOUT, f'restore it with: git -C "{CHECKOUT.parent}" checkout -- data/{name}')]
    if given := os.environ.get("SCRATCHVAE_DATA"):
        places.insert(0, (Path(given).expanduser(), f"copy data/{name} of a checkout to SCRATCHVAE_DATA again"))
    for place, mend in places:
        if (place / name).is_dir():
            try:
                return [read(place / name / file, sha256) for file, sha256 in files.items()]
            except DataError as error:
                raise DataError(f"{error}; {mend}") from None
    return [read(fetch(name, file), sha256) for file, sha256 in files.items()]


def read(path, sha256):
    """The decompressed bytes of one file, proven."""
    try:
        content = decompress(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged or unreadable ({error})") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} is damaged (its SHA-256 is not that of the published file)")
    return content


def decompress(content):
    """The content of a file, whether it is gzipped or not."""
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def fetch(name, file):
    """The path of a file in the user's cache, decompressed; downloaded where it is missing there or damaged."""
    import pooch  # here, because a checkout never needs it

    def download(url, path, _):
        pooch.HTTPDownloader(progressbar=True)(url, path, None)
        Path(path).write_bytes(decompress(Path(path).read_bytes()))

    address, files = SETS[name]
    folder = Path(pooch.os_cache("scratchvae")) / name
    try:  # pooch writes to a temporary name and renames it when the SHA-256 is right
        return Path(pooch.retrieve(address + file, files[file], file.removesuffix(".gz"), folder, downloader=download))
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile):
        reason = "what came is not the published file"
    except OSError as error:
        reason = type(error).__name__
    raise DataError(f"{address}{file} could not be downloaded to {folder} ({reason}); try again later, or set "
                    "SCRATCHVAE_DATA to the data folder of a checkout")


def pixels(images, levels=255, dtype=np.float32):
    """uint8 images (N, height, width) -> (N, height * width) in [0, 1]. levels: the value of white, LEVELS[name]."""
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8, as load gives them, but are {images.dtype}")
    if images.size and images.max() > levels:
        raise ValueError(f"levels must be the value of a white pixel, but is {levels} where a pixel is {images.max()}")
    x = images.reshape(len(images), math.prod(images.shape[1:])).astype(dtype)
    x /= levels
    return x


class Pixels:
    """What pixels(images) gives, made a few rows at a time: the whole set stays uint8, a fourth of the memory.

    `fit` takes it in place of the array: Pixels(images)[rows] == pixels(images)[rows], to the bit.
    """

    ndim = 2

    def __init__(self, images, levels=255, dtype=np.float32):
        self.images, self.levels, self.dtype = images, levels, np.dtype(dtype)
        self.shape = len(images), pixels(images[:1], levels, dtype).shape[1]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, rows):
        return pixels(self.images[rows], self.levels, self.dtype)


def dequantize(images, rng, levels=255, dtype=np.float32):
    """uint8 images (N, height, width) -> (k + u) / (levels + 1), (N, height * width) in [0, 1], u uniform on [0, 1).

    Pixels that are whole numbers k get a density only so: noise spreads each over its own bin of width
    1 / (levels + 1), and then log P(k) >= E log p(y) - log(levels + 1), a pixel.     Theis et al. 2016
    """
    k = levels * pixels(images, levels, dtype)
    return (np.rint(k) + rng.random(k.shape, dtype)) / (levels + 1)


def binarize(x, rng):
    """Bernoulli draws, each 1 with probability x in [0, 1]; shape and dtype (float32 or float64) of x."""
    if x.size and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(f"x must be probabilities in [0, 1], but runs from {x.min()} to {x.max()}")
    return (rng.random(x.shape, dtype=x.dtype) < x).astype(x.dtype)


def binarize_once(x, binarization, rng):
    """The whole set, before training: drawn now if "static", so that every epoch sees the same bits."""
    return binarize(x[:], rng) if check_binarization(binarization) == "static" else x


def binarize_batch(x, binarization, rng):
    """One batch, each time it is shown: drawn afresh if "dynamic".

    Of "none" the pixels stay grey, and the Bernoulli loss on them is a surrogate, not the likelihood of any data.
    """
    return binarize(x, rng) if check_binarization(binarization) == "dynamic" else x


def check_binarization(binarization):
    """binarization; ValueError, with those that there are, if there is none of that name."""
    if binarization not in BINARIZATIONS:
        raise ValueError(f"binarization must be one of {', '.join(BINARIZATIONS)}, but is {binarization!r}")
    return binarization


def minibatches(n, batch_size, rng):
    """Index arrays that together are 0..n-1 once, in a fresh order; the last may be shorter than batch_size."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, but is {batch_size}")
    order = rng.permutation(n)
    return (order[start : start + batch_size] for start in range(0, n, batch_size))
