"""The sandbox's pay page. It answers 404 outside test mode."""

from django.urls import path

from .views import SandboxPayView

urlpatterns = [path("<str:token>/", SandboxPayView.as_view(), name="sandbox_pay")]
