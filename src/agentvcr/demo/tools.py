"""What the demo's search tool knows. Owns the answers and no HTTP: `provider` serves them."""

from __future__ import annotations

from typing import TypedDict

FACTS: dict[str, tuple[str, ...]] = {
    "summer heat": (
        "Shaded pavements stayed 9 degrees cooler at noon.",
        "Tram stops under trees were used 14 % more in July.",
    ),
    "storm water": (
        "A mature crown held back the first 6 mm of a shower.",
        "Tree pits cut the water in the drains by a fifth.",
    ),
    "upkeep": (
        "Watering took two thirds of the cost of the first three years.",
        "One young tree in eight had to be planted again.",
    ),
    "street space": (
        "A tree pit every 12 m cost four parking places in a hundred.",
        "Roots under slabs lifted one path in thirty.",
    ),
    "wildlife": (
        "Mixed rows held three times as many birds as rows of one kind.",
        "Lime and willow fed bees for nine weeks.",
    ),
}
"""Topic → what the city's (made-up) survey found. The planner chooses among these topics."""


class Hit(TypedDict):
    """One thing the search found."""

    title: str
    text: str


class Found(TypedDict):
    """The whole answer of one search."""

    query: str
    search: int
    hits: list[Hit]


def search(query: str, *, number: int) -> Found:
    """Look up `query` among the facts; `number` counts searches, so no two answers are equal."""
    hits: list[Hit] = [
        {"title": f"City survey: {topic}", "text": text}
        for topic, texts in FACTS.items()
        if topic in query.lower()
        for text in texts
    ]
    return {"query": query, "search": number, "hits": hits}
