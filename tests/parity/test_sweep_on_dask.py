"""The same sweep on a cluster: dask.distributed's executor, with workers in processes of their own."""

import dataclasses

import numpy as np
import pytest

from scratchvae.book.experiments import Experiment, run, sweep

distributed = pytest.importorskip("distributed", reason="Dask needs distributed, which `make parity` installs")

TINY = Experiment("tiny", "digits", hidden=(6,), n_latents=2, epochs=1)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                                  local_directory=tmp_path_factory.mktemp("dask")) as cluster, \
            distributed.Client(cluster) as client:
        yield client


def test_the_bits_and_their_order_are_those_of_the_calls_here(client):
    experiments = [dataclasses.replace(TINY, beta=beta, n_latents=n) for beta, n in [(1.0, 2), (4.0, 2), (1.0, 5)]]
    for e, outcome in zip(experiments, sweep(run, experiments, client.get_executor()), strict=True):
        here = run(e)
        assert outcome.experiment == e
        assert outcome.records[0]["test"] == here.records[0]["test"]
        for name, value in here.parameters.items():
            np.testing.assert_array_equal(outcome.parameters[name], value, err_msg=name)


def test_an_exception_arrives_and_says_which_experiment_it_was(client):
    wrong = dataclasses.replace(TINY, name="seventh", data="no-such-data")
    with pytest.raises(ValueError, match="no-such-data") as raised:
        sweep(run, [TINY, wrong], client.get_executor())
    assert any("seventh" in note for note in raised.value.__notes__)
