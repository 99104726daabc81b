"""The data are the published data, or nothing; and what training is shown of them is what it says."""

import gzip
import hashlib
import math
import shutil
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pooch
import pytest

from scratchvae.datasets import (
    BINARIZATIONS,
    CHECKOUT,
    LEVELS,
    SETS,
    DataError,
    binarize,
    binarize_batch,
    binarize_once,
    files,
    load,
    minibatches,
    pixels,
)

DATA = CHECKOUT
IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MD5 = {
    "fashion-mnist": ("f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9",
                      "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965"),
    "mnist": ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624",
              "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
}


def seeded(seed=0):
    return np.random.default_rng(seed)


def one_sentence(error):
    text = str(error.value)
    assert "\n" not in text and "Traceback" not in text
    return text


# ---- what is loaded


@pytest.mark.parametrize("name", MD5)
def test_idx_files_are_the_published_ones(name):
    for file, md5 in zip(IDX, MD5[name], strict=True):
        assert hashlib.md5(gzip.decompress((DATA / name / f"{file}.gz").read_bytes())).hexdigest() == md5


@pytest.mark.parametrize("name", MD5)
def test_both_mnists(name):
    x_train, y_train, x_test, y_test = load(name)
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert y_train.shape == (60000,) and y_test.shape == (10000,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    for x in (x_train, x_test):
        assert (x.min(), x.max()) == (0, 255)
        assert x.flags.writeable and x.flags.c_contiguous


def test_label_counts_of_fashion_mnist():
    data = load("fashion-mnist")
    assert np.bincount(data.y_train).tolist() == [6000] * 10
    assert np.bincount(data.y_test).tolist() == [1000] * 10


@pytest.mark.slow
def test_label_counts_and_mean_pixel_of_mnist():
    data = load("mnist")
    assert np.bincount(data.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert data.x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)  # the constants of every MNIST tutorial
    assert data.x_train.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_images_are_upright():
    """A transposed image has the same pixels: the digit 1 is tall, a trouser too."""
    for name in MD5:
        data = load(name)
        mean = data.x_train[data.y_train == 1].mean(axis=0)
        rows, columns = (mean.max(axis=1) > 30).sum(), (mean.max(axis=0) > 30).sum()
        assert rows > 1.3 * columns, name


def test_digits_and_their_split():
    data = load("digits")
    assert data.x_train.shape == (1437, 8, 8) and data.x_test.shape == (360, 8, 8)
    assert data.x_train.dtype == data.y_train.dtype == data.x_test.dtype == data.y_test.dtype == np.uint8
    assert (data.x_train.min(), data.x_train.max()) == (0, 16)
    assert data.x_train[0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    assert data.y_train[:10].tolist() == list(range(10))
    assert np.bincount(np.concatenate([data.y_train, data.y_test])).tolist() == [178, 182, 177, 183, 181, 182, 181,
                                                                                 179, 174, 180]
    assert all(a.flags.c_contiguous and a.flags.writeable for a in data)


def test_old_faithful():
    x, y, x_test, y_test = load("old-faithful")
    assert x.shape == (272, 2) and x.dtype == np.float64
    assert x_test.shape == (0, 2) and y is None and y_test is None
    assert x[0].tolist() == [3.6, 79.0] and x[-1].tolist() == [4.467, 74.0]
    assert x.mean(axis=0) == pytest.approx([3.487783, 70.897059], abs=1e-6)  # R: colMeans(faithful)
    assert np.corrcoef(x.T)[0, 1] == pytest.approx(0.9008112, abs=1e-7)


@pytest.mark.parametrize("name", SETS)
def test_every_set_ships_with_licence_and_origin(name):
    folder = DATA / name
    assert (folder / "LICENSE").stat().st_size > 500
    origin = (folder / "ORIGIN.md").read_text(encoding="utf-8")
    for file, sha256 in SETS[name][1].items():
        assert file in origin and sha256 in origin


@pytest.mark.parametrize("name", ["cifar", "MNIST", "", None])
def test_an_unknown_name_is_told_the_known_ones(name):
    with pytest.raises(ValueError, match="name must be one of") as error:
        load(name)
    assert repr(name) in one_sentence(error)
    assert all(known in str(error.value) for known in SETS)


# ---- where it is looked for, and what is wrong with it


@pytest.fixture
def no_checkout(monkeypatch, tmp_path):
    """The package as installed from a wheel: no data beside it, an empty cache, addresses where nobody answers."""
    monkeypatch.setattr(files, "CHECKOUT", tmp_path / "site-packages" / "data")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(files, "SETS", {n: (f"http://127.0.0.1:9/{n}/", files) for n, (_, files) in SETS.items()})
    monkeypatch.delenv("SCRATCHVAE_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path


@pytest.fixture
def copy(monkeypatch, tmp_path):
    """A checkout whose data may be damaged."""
    for name in ("digits", "old-faithful"):
        shutil.copytree(DATA / name, tmp_path / "data" / name)
    monkeypatch.setattr(files, "CHECKOUT", tmp_path / "data")
    monkeypatch.delenv("SCRATCHVAE_DATA", raising=False)
    return tmp_path / "data"


def snapshot(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def truncate(path, size):
    path.write_bytes(path.read_bytes()[:size])


DAMAGES = {
    "half of it": lambda path: truncate(path, path.stat().st_size // 2),
    "all but a byte": lambda path: truncate(path, path.stat().st_size - 1),
    "the magic number": lambda path: truncate(path, 2),
    "nothing": lambda path: truncate(path, 0),
    "a flipped bit in the middle": lambda path: flip(path, path.stat().st_size // 2),
    "a flipped bit at the start": lambda path: flip(path, 0),
    "a flipped bit in the checksum": lambda path: flip(path, -6),
    "another file": lambda path: path.write_bytes(b"<html>404</html>"),
    "another gzip file": lambda path: path.write_bytes(gzip.compress(b"1,2\n")),
    "more than the file": lambda path: path.write_bytes(path.read_bytes() + b"x"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("name", "file"), [("digits", "digits.csv.gz"), ("old-faithful", "faithful.csv")])
def test_a_damaged_file_is_one_sentence_and_stays_as_it_is(copy, name, file, damage):
    DAMAGES[damage](copy / name / file)
    before = snapshot(copy)
    with pytest.raises(DataError) as error:
        load(name)
    sentence = one_sentence(error)
    assert str(copy / name / file) in sentence and "damaged" in sentence
    assert f'git -C "{copy.parent}" checkout -- data/{name}' in sentence
    assert snapshot(copy) == before


def test_a_gzip_cut_anywhere_is_one_sentence(copy):
    path = copy / "digits" / "digits.csv.gz"
    whole = path.read_bytes()
    for size in [*range(40), *range(40, len(whole), 997), *range(len(whole) - 12, len(whole))]:
        path.write_bytes(whole[:size])
        with pytest.raises(DataError, match="damaged"):
            load("digits")


def test_any_flipped_bit_of_the_data_is_found(copy):
    """Bits of the gzip header that are only a file's name and time may differ: then the right data come, or nothing."""
    path = copy / "digits" / "digits.csv.gz"
    whole = path.read_bytes()
    right = load("digits")
    for position in [*range(24), *seeded().integers(24, len(whole), 50)]:
        path.write_bytes(whole)
        flip(path, position)
        try:
            data = load("digits")
        except DataError:
            continue
        assert position < 24
        assert all(np.array_equal(a, b) for a, b in zip(data, right, strict=True))


def test_a_missing_file_is_one_sentence(copy):
    (copy / "digits" / "digits.csv.gz").unlink()
    with pytest.raises(DataError, match="is missing") as error:
        load("digits")
    assert str(copy / "digits" / "digits.csv.gz") in one_sentence(error)
    assert "git -C" in str(error.value)
    assert not (copy / "digits" / "digits.csv.gz").exists()


def test_a_file_that_cannot_be_read_is_one_sentence(copy):
    path = copy / "digits" / "digits.csv.gz"
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="unreadable"):
        load("digits")


def test_one_damaged_file_of_four_is_named(monkeypatch, tmp_path):
    shutil.copytree(DATA / "mnist", tmp_path / "mnist")
    truncate(tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz", 1000)
    monkeypatch.setenv("SCRATCHVAE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
        load("mnist")


def test_scratchvae_data_is_honoured_without_a_checkout(no_checkout, monkeypatch):
    shutil.copytree(DATA / "digits", no_checkout / "mine" / "digits")
    monkeypatch.setenv("SCRATCHVAE_DATA", str(no_checkout / "mine"))
    assert load("digits").x_train.shape == (1437, 8, 8)


def test_scratchvae_data_goes_before_the_checkout(copy, monkeypatch, tmp_path):
    mine = tmp_path / "mine"
    shutil.copytree(DATA / "digits", mine / "digits")
    truncate(mine / "digits" / "digits.csv.gz", 100)
    monkeypatch.setenv("SCRATCHVAE_DATA", str(mine))
    with pytest.raises(DataError, match="copy data/digits of a checkout to SCRATCHVAE_DATA again") as error:
        load("digits")
    assert str(mine) in one_sentence(error)
    assert load("old-faithful").x_train.shape == (272, 2)  # not there: the checkout has it
    monkeypatch.setenv("SCRATCHVAE_DATA", "")  # set to nothing is not set
    assert load("digits").x_train.shape == (1437, 8, 8)


# ---- downloads


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Broken(BaseHTTPRequestHandler):
    """Serves whatever body it is given, perhaps promising more bytes than it sends."""

    body, promised = b"", None

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(self.promised or len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve(no_checkout, monkeypatch):
    """serve(handler) makes the sets' published addresses a server on this machine."""
    servers = []

    def start(handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(files, "SETS", {n: (f"{address}/{n}/", files) for n, (_, files) in SETS.items()})
        return no_checkout / "cache" / "scratchvae"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_a_download_is_checked_kept_and_used_again(serve, name, monkeypatch):
    cache = serve(partial(Quiet, directory=DATA))
    data = load(name)
    assert sorted(p.name for p in (cache / name).iterdir()) == sorted(f.removesuffix(".gz") for f in SETS[name][1])
    monkeypatch.setattr(pooch, "HTTPDownloader", None)  # the second time nothing may be fetched
    again = load(name)
    monkeypatch.setattr(files, "CHECKOUT", DATA)
    here = load(name)
    for a, b, c in zip(data, again, here, strict=True):
        assert (a is b is c is None) or (np.array_equal(a, b) and np.array_equal(a, c))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_in_the_cache_is_downloaded_anew(serve, damage):
    cache = serve(partial(Quiet, directory=DATA))
    load("digits")
    DAMAGES[damage](cache / "digits" / "digits.csv")
    assert load("digits").x_train.shape == (1437, 8, 8)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_download_leaves_nothing_behind(serve, tmp_path, damage):
    body = tmp_path / "body"
    shutil.copy(DATA / "digits" / "digits.csv.gz", body)
    DAMAGES[damage](body)
    cache = serve(type("Damaged", (Broken,), {"body": body.read_bytes()}))
    with pytest.raises(DataError, match="what came is not the published file") as error:
        load("digits")
    assert "digits.csv.gz" in one_sentence(error) and "SCRATCHVAE_DATA" in str(error.value)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_download_cut_short_leaves_nothing_behind(serve):
    whole = (DATA / "digits" / "digits.csv.gz").read_bytes()
    cache = serve(type("Cut", (Broken,), {"body": whole[:20000], "promised": len(whole)}))
    with pytest.raises(DataError, match="could not be downloaded") as error:
        load("digits")
    one_sentence(error)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_an_interrupted_download_leaves_nothing_behind(serve, monkeypatch):
    cache = serve(partial(Quiet, directory=DATA))

    def interrupted(self, url, path, pooch):
        with open(path, "wb") as file:
            file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("digits")
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_file_that_is_not_on_the_server_is_one_sentence(serve, tmp_path):
    (tmp_path / "empty").mkdir()
    serve(partial(Quiet, directory=tmp_path / "empty"))
    with pytest.raises(DataError, match=r"could not be downloaded .*HTTPError") as error:
        load("mnist")
    assert "train-images-idx3-ubyte.gz" in one_sentence(error)


def test_no_network_is_one_sentence(no_checkout):
    with pytest.raises(DataError, match=r"could not be downloaded .*ConnectionError") as error:
        load("fashion-mnist")
    assert "SCRATCHVAE_DATA" in one_sentence(error)
    assert not [path for path in no_checkout.rglob("*") if path.is_file()]


def test_a_cache_that_cannot_be_written_is_one_sentence(no_checkout):
    (no_checkout / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="could not be downloaded") as error:
        load("digits")
    assert str(no_checkout / "cache") in one_sentence(error)


# ---- pixels


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_are_fractions_of_white(dtype):
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4) * 11
    x = pixels(images, dtype=dtype)
    assert x.shape == (2, 12) and x.dtype == dtype
    assert np.array_equal(x, (images.reshape(2, 12) / 255).astype(dtype))
    assert images[1, 2, 3] == 253  # what was given is not changed


def test_every_set_of_images_fills_0_to_1():
    for name, levels in LEVELS.items():
        x = pixels(load(name).x_train[:500], levels)
        assert x.dtype == np.float32 and (x.min(), x.max()) == (0, 1)


def test_pixels_of_no_images():
    assert pixels(np.empty((0, 28, 28), np.uint8)).shape == (0, 784)


def test_pixels_refuses_what_would_be_silently_wrong():
    with pytest.raises(ValueError, match=r"images must be uint8.*float32"):
        pixels(pixels(np.zeros((2, 3, 3), np.uint8)))
    with pytest.raises(ValueError, match=r"levels must be .*16.*255"):
        pixels(np.full((2, 3, 3), 255, np.uint8), levels=16)


# ---- binarization


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binarize_draws_with_the_given_probabilities(dtype):
    n, p = 100_000, np.array([0, 1e-3, 0.1, 0.5, 0.9, 0.999, 1], dtype)
    draws = binarize(np.broadcast_to(p, (n, len(p))), seeded())
    assert draws.dtype == dtype and set(np.unique(draws)) == {0, 1}
    error = draws.mean(axis=0, dtype=np.float64) - p
    assert (np.abs(error) <= 5 * np.sqrt(p.astype(np.float64) * (1 - p) / n)).all()  # 0 and 1 are exact
    covariance = np.cov(draws[:, 2:5].T)
    off_diagonal = covariance[~np.eye(3, dtype=bool)]
    assert np.abs(off_diagonal).max() <= 5 * math.sqrt(0.5 * 0.5 * 0.5 * 0.5 / n)  # pixels are independent


def test_binarize_real_images_within_five_standard_errors():
    x = pixels(load("mnist").x_train[:2000])
    z = (binarize(x, seeded(1)) - x).sum(dtype=np.float64) / np.sqrt((x * (1 - x)).sum(dtype=np.float64))
    assert abs(z) < 5


def test_static_is_drawn_once_and_dynamic_each_time():
    x = pixels(load("digits").x_train, LEVELS["digits"])
    once = binarize_once(x, "static", seeded(3))
    assert set(np.unique(once)) == {0, 1}
    assert np.array_equal(once, binarize_once(x, "static", seeded(3)))
    assert not np.array_equal(once, binarize_once(x, "static", seeded(4)))
    assert binarize_batch(once, "static", seeded()) is once

    rng = seeded(5)
    assert binarize_once(x, "dynamic", rng) is x
    first, second = binarize_batch(x, "dynamic", rng), binarize_batch(x, "dynamic", rng)
    assert set(np.unique(first)) == {0, 1} and not np.array_equal(first, second)
    assert np.array_equal(first, binarize_batch(x, "dynamic", seeded(5)))


def test_none_stays_grey_and_draws_nothing():
    x, rng = np.full((2, 3), 0.3, np.float32), seeded()
    assert binarize_batch(binarize_once(x, "none", rng), "none", rng) is x
    assert rng.random() == seeded().random()


def test_exactly_one_moment_draws():
    x = np.full((4, 5), 0.5, np.float32)
    once = [b for b in BINARIZATIONS if binarize_once(x, b, seeded()) is not x]
    each_time = [b for b in BINARIZATIONS if binarize_batch(x, b, seeded()) is not x]
    assert (once, each_time) == (["static"], ["dynamic"])


@pytest.mark.parametrize("function", [binarize_once, binarize_batch])
def test_an_unknown_binarization_is_told_the_known_ones(function):
    with pytest.raises(ValueError, match="binarization must be one of dynamic, static, none, but is 'grey'"):
        function(np.zeros((1, 1), np.float32), "grey", seeded())


@pytest.mark.parametrize("wrong", [255.0, -0.1, 1.0001, math.nan])
def test_binarize_refuses_what_is_not_a_probability(wrong):
    with pytest.raises(ValueError, match=r"x must be probabilities in \[0, 1\]"):
        binarize(np.array([[0.5, wrong]], np.float32), seeded())


def test_binarize_nothing():
    assert binarize(np.empty((0, 4), np.float32), seeded()).shape == (0, 4)


# ---- minibatches


@pytest.mark.parametrize(("n", "batch_size", "sizes"), [(10, 3, [3, 3, 3, 1]), (6, 3, [3, 3]), (2, 5, [2]), (0, 4, [])])
def test_minibatches_hold_every_index_once(n, batch_size, sizes):
    batches = list(minibatches(n, batch_size, seeded()))
    assert [len(rows) for rows in batches] == sizes
    assert sorted(int(row) for rows in batches for row in rows) == list(range(n))


def epoch(n, rng):
    return np.concatenate(list(minibatches(n, 128, rng)))


def test_minibatches_are_shuffled_afresh_and_reproducibly():
    n, rng = 10_000, seeded()
    first, second = epoch(n, rng), epoch(n, rng)
    assert np.array_equal(first, epoch(n, seeded()))
    assert not np.array_equal(first, second)
    for a, b in [(first, np.arange(n)), (first, second)]:  # uncorrelated: the standard error is 1 / sqrt(n - 1)
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(n - 1)


def test_the_order_is_drawn_when_it_is_asked_for():
    """So the state of the generator does not depend on when the batches are taken."""
    rng = seeded()
    batches = minibatches(100, 10, rng)
    rng.random(7)
    assert np.array_equal(np.concatenate(list(batches)), seeded().permutation(100))


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_has_at_least_one_example(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be at least 1, but is {batch_size}"):
        minibatches(10, batch_size, seeded())  # at the call, not at the first batch


def test_nothing_touches_the_global_generator():
    def state():
        _, key, position, *_ = np.random.get_state()  # noqa: NPY002 (it is what must not be used)
        return key.tolist(), position

    before = state()
    x = np.full((10, 10), 0.5, np.float32)
    list(minibatches(100, 10, seeded()))
    binarize_once(x, "static", seeded())
    binarize_batch(x, "dynamic", seeded())
    assert state() == before
