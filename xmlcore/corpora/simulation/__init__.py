"""Simulated corpora in the official files of real ones, so that the pipeline runs whole without a network.

`rcv1` is a newswire in the files of RCV1-v2, `eurlex` is law in those of the Extreme Classification Repository.
"""
