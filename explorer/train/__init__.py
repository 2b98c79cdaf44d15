"""Training and fine-tuning of SO3krates networks on labelled frames."""
