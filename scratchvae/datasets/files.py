"""The files of the data sets: found on this machine or downloaded, and verified by SHA-256.

A set is searched in $SCRATCHVAE_DATA, then in the checkout's data/, then in the user's cache, which is filled from the
published address. Wherever a file lies, its decompressed bytes have the SHA-256 written here, or nothing is loaded.
"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2] / "data"
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
    """A data file is missing, damaged or out of reach; the message says which, why, and how to restore it."""


def read_set(name):
    """The decompressed bytes of each file of a set, from the first place that has the set's folder; else DataError."""
    files = SETS[name][1]
    places = [(CHECKOUT, f'restore it with: git -C "{CHECKOUT.parent}" checkout -- data/{name}')]
    if given := os.environ.get("SCRATCHVAE_DATA"):
        places.insert(0, (Path(given).expanduser(), f"copy data/{name} of a checkout to SCRATCHVAE_DATA again"))
    for place, remedy in places:
        if (place / name).is_dir():
            try:
                return [read(place / name / file, sha256) for file, sha256 in files.items()]
            except DataError as error:
                raise DataError(f"{error}; {remedy}") from None
    return [read(fetch(name, file), sha256) for file, sha256 in files.items()]


def read(path, sha256):
    """The decompressed bytes of one file, verified; DataError if they are not those of the published file."""
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
    """The path of a file in the user's cache, decompressed; downloaded if it is missing there or damaged."""
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
