"""The models, one file each."""

from .autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    gaussian_noise,
    linear_autoencoder,
    mask_noise,
    mlp_autoencoder,
)
from .classifier import Classifier, mlp_classifier
from .convolutional import conv_vae
from .exact_two_layers import exact_two_layer_vae
from .exact_vae import exact_vae
from .iwae import IWAE, DReG, mlp_iwae
from .latent import LatentModel
from .linear_gaussian import LinearGaussian
from .model import Model
from .pca import PCA, mean_and_covariance
from .ppca import em_step, fit_ppca, mean_log_likelihood
from .priors import make_prior, mlp_prior_vae, pseudo_inputs, with_input_gradients
from .table import TableEncoder
from .two_layer_linear_gaussian import TwoLayerLinearGaussian
from .two_layers import ByLayer, mlp_two_layer_vae
from .vae import VAE, mlp_vae

__all__ = ["IWAE", "PCA", "VAE", "Autoencoder", "ByLayer", "Classifier", "DReG", "DenoisingAutoencoder", "LatentModel",
           "LinearGaussian", "Model", "TableEncoder", "TwoLayerLinearGaussian", "conv_vae", "em_step",
           "exact_two_layer_vae", "exact_vae", "fit_ppca", "gaussian_noise", "linear_autoencoder", "make_prior",
           "mask_noise", "mean_and_covariance", "mean_log_likelihood", "mlp_autoencoder", "mlp_classifier", "mlp_iwae",
           "mlp_prior_vae", "mlp_two_layer_vae", "mlp_vae", "pseudo_inputs", "with_input_gradients"]
