"""tunesmith: a pretrained language model and your own data, turned into a model you can trust."""

__version__ = "0.1.0"
