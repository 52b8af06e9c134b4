# SPDX-License-Identifier: Apache-2.0
"""Any Python value as JSON text that every reader accepts: NaN is null, sets are
lists, what JSON does not know is its str()."""
import base64
import dataclasses
import json
import math
import re

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
# Integers that may leave 64 bits, and NUL in what may be a name.
NEEDS_A_LOOK = re.compile(r"\d{19}|\\u0000")


def _plain(value):
    """One step from an object towards JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for method in ("model_dump", "isoformat"):
        if callable(getattr(value, method, None)) and not isinstance(value, type):
            return getattr(value, method)()
    if isinstance(value, (set, frozenset)):
        try:
            return sorted(value)
        except TypeError:
            return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            return base64.b64encode(value).decode("ascii")
    return str(value)


ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain)


def _key(key):
    if isinstance(key, str):
        text = key
    elif key is None or isinstance(key, (bool, int, float)):
        text = json.dumps(key)
    else:
        text = str(key)
    return text.replace("\0", "\ufffd")


def _clean(value, above):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if INT_MIN <= value <= INT_MAX else _clean(_as_float(value), above)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if id(value) in above:
        raise ValueError("Circular reference detected")
    above = above | {id(value)}
    if isinstance(value, dict):
        return {_key(key): _clean(item, above) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item, above) for item in value]
    return _clean(_plain(value), above)


def _as_float(value):
    try:
        return float(value)
    except OverflowError:
        return None


class TooLarge(ValueError):
    """Agents see it as what it is to them."""


TooLarge.__name__ = "ValueError"


def encode(value, limit, what):
    """UTF-8 JSON of at most `limit` bytes.  The quick way first: most values are plain
    already."""
    try:
        text = _dump(value, limit, what)
        if NEEDS_A_LOOK.search(text):
            text = _dump(_clean(value, frozenset()), limit, what)
    except TooLarge:
        raise
    except (ValueError, TypeError):
        text = _dump(_clean(value, frozenset()), limit, what)
    if "\\ud" in text:  # lone surrogates have no UTF-8; pairs have
        text = _dump(_whole(json.loads(text)), limit, what)
    return text.encode("ascii")


def _dump(value, limit, what):
    text = ENCODER.encode(value)
    if len(text) > limit:
        raise TooLarge(f"The {what} of {len(text)} bytes is over the limit of {limit} bytes.")
    return text


def _whole(value):
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
