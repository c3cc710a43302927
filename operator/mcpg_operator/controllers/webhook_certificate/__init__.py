"""The certificate that the operator makes for its own webhook, and the API server's trust in it."""

from __future__ import annotations

from mcpg_operator.controllers.webhook_certificate.reconciler import WebhookCertificateReconciler

__all__ = ["WebhookCertificateReconciler"]
