"""Active learning: rounds of selecting, labelling, fine-tuning and exploring again."""
