"""XML-CNN (Liu et al. 2017)."""
