"""Other implementations judge what this repository makes, so that its test material is known to be real."""
