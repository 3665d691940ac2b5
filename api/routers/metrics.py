"""Numbers about the service for Prometheus, and nothing about anybody in it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api import describe
from api.deps import ServiceDep

router = APIRouter()


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses=describe.plain("text/plain", "A line a number."),
)
def metrics(request: Request, service: ServiceDep) -> Response:
    """In the text format of Prometheus, or in that of OpenMetrics where the caller accepts it."""
    body, content_type = service.metrics.exposition(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})
