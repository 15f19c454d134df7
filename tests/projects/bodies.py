"""Bodies of answers, brought back into the contract's words out of what a project makes of them."""

from __future__ import annotations

import re
from typing import Any

Said = dict[str, Any]


def snake(status: int, value: Any) -> Any:
    """Return a body with its names as the contract has them.

    Raises:
        AssertionError: they are so already. A refusal may be of an endpoint for browsers.
    """
    if isinstance(value, list):
        return [snake(status, one) for one in value]
    if not isinstance(value, dict):
        return value
    is_plain = any("_" in name for name in value)
    assert status >= 400 or not is_plain, f"not in camel case: {value}"
    return {
        re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", name): snake(status, each)
        for name, each in value.items()
    }


def out_of_standardized_errors(status: int, body: Any) -> Any:
    """Return the contract's body of one of drf-standardized-errors."""
    if status < 400 or "errors" not in body:
        return body
    errors = body["errors"]
    by_name = {one["attr"]: one for one in errors}
    if None in by_name:
        return {"detail": by_name[None]["detail"], "code": by_name[None]["code"]}
    if "detail" in by_name:
        return _refusal(by_name["detail"]["code"], {k: v["detail"] for k, v in by_name.items()})
    return {one["attr"]: [one["detail"]] for one in errors}


def out_of_json_api(status: int, body: Any) -> Any:
    """Return the contract's body of one as JSON:API has it."""
    if status >= 400:
        if "errors" not in body:  # the endpoints for services
            return body
        errors = body["errors"]
        by_name = {one.get("source", {}).get("pointer", "").split("/")[-1]: one for one in errors}
        if "detail" in by_name:
            said = {name: one["detail"] for name, one in by_name.items()}
            return _refusal(by_name["detail"]["code"], said)
        if by_name.keys() <= {"", "data"}:  # one error, or the members of ours, in their order
            names = ("detail", "code", "reason")
            said = {name: one["detail"] for name, one in zip(names, errors, strict=False)}
            return _refusal(errors[0]["code"], said)
        return {name: [one["detail"]] for name, one in by_name.items()}
    data = body["data"]
    return [_resource(one) for one in data] if isinstance(data, list) else _resource(data)


def _resource(data: Any) -> Any:
    if data is None:
        return {}
    if "type" not in data:
        return data
    own = {"id": data["id"]} if data.get("id") is not None else {}
    return {**own, **data.get("attributes", {})}


def _refusal(code: str, said: Said) -> Said:
    assert said.get("code", code) == code, f"{said} has the code {code!r} on its leaf"
    return {**said, "code": code}


def out_of_codes(status: int, body: Any) -> Any:
    """Return the contract's body out of ``handlers.with_codes``."""
    if status < 400:
        return body
    body, codes, full = body["body"], body["codes"], body["full"]
    if "reason" in body or "code" in body:
        assert codes["detail"] == body["code"] == full["detail"]["code"], (body, codes, full)
    elif isinstance(codes, dict):
        assert codes.keys() == full.keys() == body.keys(), (body, codes, full)
    return body
