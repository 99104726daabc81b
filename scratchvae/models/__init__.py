"""The models, one file each."""

from .analytic_kl import AnalyticKL, sum_of_latents
from .autoencoder import (
    Autoencoder,
    DenoisingAutoencoder,
    gaussian_noise,
    linear_autoencoder,
    mask_noise,
    mlp_autoencoder,
)
from .capacity import Capacity, kl_at_capacity
from .classifier import Classifier, mlp_classifier
from .convolutional import conv_vae
from .decoder_dropout import DecoderDropout
from .exact_two_layers import exact_two_layer_vae
from .exact_vae import exact_vae
from .flow_vae import HouseholderVAE, flow_posterior, flow_vae, mlp_flow_vae
from .free_bits import FreeBits, free_bits, free_bits_loss
from .iwae import IWAE, DReG, mlp_iwae
from .latent import LatentModel
from .linear_gaussian import LinearGaussian
from .made_vae import made_vae
from .model import Model
from .pca import PCA, mean_and_covariance
from .ppca import em_step, fit_ppca, mean_log_likelihood
from .priors import make_prior, mlp_prior_vae, pseudo_inputs, with_input_gradients
from .table import TableEncoder
from .tie import Tie, TieBounds, two_rows
from .two_layer_linear_gaussian import TwoLayerLinearGaussian
from .two_layers import ByLayer, mlp_two_layer_vae
from .vae import VAE, mlp_vae
from .water_filling import WaterFilling, best_linear_vae, water_filling

__all__ = ["IWAE", "PCA", "VAE", "AnalyticKL", "Autoencoder", "ByLayer", "Capacity", "Classifier", "DReG",
           "DecoderDropout", "DenoisingAutoencoder", "FreeBits", "HouseholderVAE", "LatentModel", "LinearGaussian",
           "Model", "TableEncoder", "Tie", "TieBounds", "TwoLayerLinearGaussian", "WaterFilling", "best_linear_vae",
           "conv_vae", "em_step", "exact_two_layer_vae", "exact_vae", "fit_ppca", "flow_posterior", "flow_vae",
           "free_bits", "free_bits_loss", "gaussian_noise", "kl_at_capacity", "linear_autoencoder", "made_vae",
           "make_prior", "mask_noise", "mean_and_covariance", "mean_log_likelihood", "mlp_autoencoder",
           "mlp_classifier", "mlp_flow_vae", "mlp_iwae", "mlp_prior_vae", "mlp_two_layer_vae", "mlp_vae",
           "pseudo_inputs", "sum_of_latents", "two_rows", "water_filling", "with_input_gradients"]
