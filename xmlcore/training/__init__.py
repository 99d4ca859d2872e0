"""Training, clean and adversarial."""
