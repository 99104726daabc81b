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
from .exact_vae import exact_vae
from .flow_vae import HouseholderVAE, flow_posterior, flow_vae, mlp_flow_vae
from .iwae import IWAE, DReG, mlp_iwae
from .latent import LatentModel
from .linear_gaussian import LinearGaussian
from .model import Model
from .pca import PCA, mean_and_covariance
from .ppca import em_step, fit_ppca, mean_log_likelihood
from .table import TableEncoder
from .vae import VAE, mlp_vae

__all__ = ["IWAE", "PCA", "VAE", "Autoencoder", "Classifier", "DReG", "DenoisingAutoencoder", "HouseholderVAE",
           "LatentModel", "LinearGaussian", "Model", "TableEncoder", "conv_vae", "em_step", "exact_vae", "fit_ppca",
           "flow_posterior", "flow_vae", "gaussian_noise", "linear_autoencoder", "mask_noise", "mean_and_covariance",
           "mean_log_likelihood", "mlp_autoencoder", "mlp_classifier", "mlp_flow_vae", "mlp_iwae", "mlp_vae"]
