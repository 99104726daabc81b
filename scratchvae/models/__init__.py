"""The models, one file each."""

from .autoencoder import Autoencoder, DenoisingAutoencoder, gaussian_noise, mask_noise, mlp_autoencoder
from .vae import VAE, mlp_vae

__all__ = ["VAE", "Autoencoder", "DenoisingAutoencoder", "gaussian_noise", "mask_noise", "mlp_autoencoder", "mlp_vae"]
