"""The operator on a real Kubernetes control plane."""
