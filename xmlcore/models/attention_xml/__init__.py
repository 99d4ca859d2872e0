"""AttentionXML (You et al. 2019)."""
