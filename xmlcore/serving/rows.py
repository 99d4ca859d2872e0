"""What a model answers, as plain data for JSON."""

from typing import Any

from xmlcore.serving.text_classifier import Attacked, Label, Words


def label_row(label: Label) -> dict[str, Any]:
    """Return the name, the title and the probability of a label."""
    return {"name": label.name, "title": label.title, "probability": round(label.probability, 4)}


def words_row(found: Words) -> dict[str, Any]:
    """Return which words speak for and against a label, by which method."""
    return {"label": label_row(found.label), "method": found.method, "words": found.weights}


def attack_row(found: Attacked) -> dict[str, Any]:
    """Return what an attack changed, and the labels before and after it."""
    return {
        "goal": found.goal,
        "label": label_row(found.label),
        "success": found.success,
        "changes": found.changes,
        "positions": found.positions,
        "similarity": round(found.similarity, 4),
        "queries": found.queries,
        "before": found.before,
        "after": found.after,
        "labels_before": [label_row(label) for label in found.labels_before],
        "labels_after": [label_row(label) for label in found.labels_after],
    }
