"""Sliders on the latents of a model, and the picture that they decode to, in a notebook.

    explore(vae, mu[0], dimensions=[6, 14, 18])            # the last line of a cell; mu[0] is where the sliders stand

Needs the extra `notebooks` (ipywidgets). Where nobody can move a slider, a figure is shown instead, so that a page that
a program executes and saves (build.py, nbconvert) has a picture, and not a widget without a kernel.
"""

import importlib.util

import numpy as np

from ..plots import png, traversals


def explore(model, z=None, dimensions=None, limit=3.0):
    """A slider from -limit to limit for each of the latents `dimensions`, beside E[x|z]: an ipywidgets box.

    model        with decode, n_latents and dtype, such as a VAE of square images
    z            (Z,), where the sliders start and the other latents stay; by default 0, the mean of N(0, I)
    dimensions   which latents, from 0; by default the first 8. In pictures latent 0 is called z1, as in all figures

    Without a kernel, without ipywidgets, or where no person runs the cell: the figure `traversals` over the same range.
    The range grows beyond `limit` where z lies outside of it. ValueError for another shape of z, or unknown dimensions.
    """
    z = np.zeros(model.n_latents, model.dtype) if z is None else np.asarray(z).astype(model.dtype)
    if z.shape != (model.n_latents,):
        raise ValueError(f"z must be one code of {model.n_latents} latents, but has shape {z.shape}")
    dimensions = list(range(min(model.n_latents, 8)) if dimensions is None else dimensions)
    if not all(0 <= j < model.n_latents for j in dimensions):
        raise ValueError(f"dimensions must be latents from 0 to {model.n_latents - 1}, but are {dimensions}")
    limit = max(limit, float(abs(z[dimensions]).max(initial=0)))
    if attended():
        return sliders(model, z, dimensions, limit)
    return traversals(model, z, dimensions, np.linspace(-limit, limit, 11))


def attended():
    """Whether a person can move a slider: ipywidgets is installed, and the front end that runs this cell takes input.

    JupyterLab, Notebook and VS Code say that with every cell they send to the kernel; nbclient says that it does not.
    """
    if importlib.util.find_spec("ipywidgets") is None:
        return False
    from IPython import get_ipython

    get_parent = getattr(getattr(get_ipython(), "kernel", None), "get_parent", None)       # the request being answered
    return get_parent is not None and get_parent("shell").get("content", {}).get("allow_stdin", False)


def sliders(model, z, dimensions, limit):
    """The box with the picture and its sliders; the picture is redrawn when one is moved."""
    import ipywidgets

    picture = ipywidgets.Image(format="png", layout={"width": "280px", "height": "280px"})
    controls = [ipywidgets.FloatSlider(value=float(z[j]), min=-limit, max=limit, step=0.05, description=f"z{j + 1}")
                for j in dimensions]

    def redraw(_=None):
        moved = z.copy()
        moved[dimensions] = [control.value for control in controls]
        picture.value = png(model.decode(moved[None])[0])

    for control in controls:
        control.observe(redraw, "value")
    redraw()
    return ipywidgets.HBox([picture, ipywidgets.VBox(controls)])
