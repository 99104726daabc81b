PYTHON ?= python3
BIN = .venv/bin
RUN = runs/vae-fashion-mnist

# the main job: a variational autoencoder learns Fashion-MNIST; its pictures and its bound are left in runs/
train: .venv
	$(BIN)/python -m scratchvae train --data fashion-mnist --out $(RUN) --resume

# the environment everything below runs in
.venv: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[notebooks,tests]'
	touch .venv

# every test, the chapters too
test: .venv
	$(BIN)/python -m pytest

# lint, every proof and the fast tests, a minute; without what is marked slow: the chapters, the mutants, the command
# line, worker processes, annealed importance sampling and the estimators on exact ground; and without parity
quick: .venv
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -m "not slow" --ignore=tests/parity

# the library held against PyTorch, SciPy, scikit-learn and Dask, which nothing else here needs but for SciPy
parity: .venv
	$(BIN)/pip install --quiet --disable-pip-version-check 'torch==2.13.0' 'scikit-learn>=1.5' 'distributed>=2024.5'
	$(BIN)/python -m pytest tests/parity

# training speed and memory beside PyTorch's, half an hour on an idle machine; left in benchmarks/RESULTS.md
benchmark: .venv
	$(BIN)/pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	$(BIN)/python -m benchmarks

# every backward pass, proven to machine precision
check: .venv
	$(BIN)/python -m scratchvae check

# the chapters, in JupyterLab
study: .venv
	$(BIN)/jupyter lab notebooks

# the chapters and solutions, executed again from a clean kernel; a cell that fails or warns is an error
notebooks: .venv
	$(BIN)/python notebooks/build.py execute

# the chapters as slides for class, in slides/, shown without a network
slides: .venv
	$(BIN)/python notebooks/build.py slides

lint: .venv
	$(BIN)/ruff check .

.PHONY: train test quick parity benchmark check study notebooks slides lint
