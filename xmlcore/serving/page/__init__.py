"""The page on which a model is asked: labels of a text, why, and which words an attacker would change."""
