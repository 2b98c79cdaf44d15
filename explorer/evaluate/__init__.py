"""Errors of a trained model on labelled frames, and its model card."""
