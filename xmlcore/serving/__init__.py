"""A trained model in use: its folder, labels for new texts, why, and what an attacker would change."""
