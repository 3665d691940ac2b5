"""How an answer leaves: as JSON with the checkpoint at which it is true, or as bytes that never change.

An answer that is true at a checkpoint names it inside (`as_of`) and in the
header `X-Log-Checkpoint: <origin> <size> <root in hex>`, and may be kept as
long as its ETag is asked for again: an unchanged log answers 304. What never
changes is for ever, and has an ETag too.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType

import msgspec
from fastapi import Request, Response

from ledger import __version__
from ledger.errors import Refused
from ledger.service.report import AsOf

CHECKPOINT_HEADER = "X-Log-Checkpoint"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
_Q = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z")
_NONE: Mapping[str, str] = MappingProxyType({})


def require_no_query(request: Request) -> None:
    """Refuse what nobody would look at.

    Raises: Refused `unknown_parameter`.
    """
    if request.scope["query_string"]:
        raise Refused("unknown_parameter", "this takes no parameters")


def dated(request: Request, as_of: AsOf, value: object) -> Response:
    """An answer that is true at a checkpoint."""
    # The path as it was decoded: one thing under two spellings of its address is one answer.
    asked = [request.scope["path"], request.scope["query_string"].decode("latin-1")]
    tag = tag_of(msgspec.json.encode([__version__, as_of.size, as_of.root, *asked]))
    headers = {"ETag": tag, "Cache-Control": ASK_AGAIN, CHECKPOINT_HEADER: f"{as_of.origin} {as_of.size} {as_of.root}"}
    if has(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode(value, order="sorted"), headers=headers, media_type="application/json")


def kept(
    request: Request,
    raw: bytes,
    media_type: str,
    *,
    cache: str = FOREVER,
    zipped: bool = False,
    headers: Mapping[str, str] = _NONE,
) -> Response:
    """Bytes as they are, under a tag of their own; `zipped` where a content coding is allowed.

    A range of them is never given: the whole is the right answer to that, too (RFC 9110, 14.2).
    """
    tag, every = tag_of(raw), {**headers, "Cache-Control": cache}
    if zipped:
        every["Vary"] = "Accept-Encoding"
        if _prefers_gzip(request.headers.getlist("accept-encoding")):
            tag, every["Content-Encoding"] = f'{tag[:-1]}-gzip"', "gzip"
    every["ETag"] = tag
    if has(request, tag):
        every.pop("Content-Encoding", None)
        return Response(status_code=304, headers=every)
    body = gzip.compress(raw, compresslevel=6, mtime=0) if "Content-Encoding" in every else raw
    return Response(body, headers=every, media_type=media_type)


def tag_of(raw: bytes) -> str:
    """A strong ETag of bytes."""
    return f'"{sha256(raw).hexdigest()[:32]}"'


def has(request: Request, tag: str) -> bool:
    """Whether the caller holds this very answer already (RFC 9110, 13.1.2: weak comparison)."""
    lines = request.headers.getlist("if-none-match")
    held = [one.strip().removeprefix("W/") for line in lines for one in line.split(",")]
    return tag.removeprefix("W/") in held or held == ["*"]


def _prefers_gzip(lines: Iterable[str]) -> bool:
    """Whether gzip is acceptable and no worse than the bytes as they are (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for one in ",".join(lines).split(","):
        coding, *parameters = [part.strip().lower() for part in one.split(";")]
        weight = 1.0
        for parameter in parameters:
            name, _, text = parameter.partition("=")
            if name.strip() == "q":
                weight = float(text) if _Q.match(text) else 0.0
        weights[coding.removeprefix("x-")] = weight
    given = weights.get("gzip", weights.get("*", 0.0))
    return given > 0 and given >= weights.get("identity", 0.0)
