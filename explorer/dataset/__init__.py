"""Training data: recipes, sampling, labelling with a reference method, and datasets."""
