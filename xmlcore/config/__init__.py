"""The typed view of params.yaml."""
