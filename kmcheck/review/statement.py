"""What the files of a bundle are, as an in-toto statement: each with its digest, and the verdicts.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md has what the words mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from kmcheck import __version__
from kmcheck.review.study import Ran, Study

NAME = "statement.json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:kmcheck:review:v1"
"""What the predicate is: who made the files, of what, with which verdicts."""


def statement(study: Study, files: Mapping[str, bytes]) -> bytes:
    """Return the statement over all other files of a bundle."""
    told = {
        "_type": TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": sha256(files[name]).hexdigest()}}
            for name in sorted(files)
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "title": study.plan.title,
            "producer": {"name": "kmcheck", "version": __version__},
            "verdicts": [_verdict(ran) for one in study.designs for ran in one.runs],
        },
    }
    return (json.dumps(told, indent=1) + "\n").encode()


def _verdict(ran: Ran) -> dict[str, Any]:
    label = ran.result.label
    return {
        "spec": label.spec,
        "digest": {"sha256": label.digest},
        "settings": dict(label.changed),
        "verdict": ran.result.outcome,
        "violated": [v.property for v in ran.violated],
    }


def subjects(text: bytes) -> dict[str, str]:
    """Return the digest of each file that a statement is about.

    Raises:
        ValueError: it is no statement of a review.
    """
    told = json.loads(text)
    try:
        if told["_type"] != TYPE or told["predicateType"] != PREDICATE:
            raise ValueError("it is the statement of something else")
        return {one["name"]: one["digest"]["sha256"] for one in told["subject"]}
    except (KeyError, TypeError) as error:
        raise ValueError(f"it is no statement: {error}") from None
