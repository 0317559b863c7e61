"""A trip desk of four pydantic-ai agents: a planner delegates, a scout is used twice at once.

`with_pydantic_ai.py [--change docstring|prompt|tool_order]`, with the provider at OPENAI_BASE_URL.
The planner's tools run side by side; two of them are other agents. Its answer is structured, and a
writer streams the letter. Prints what each agent came to.
"""

import argparse
import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, RunContext

MODEL = "openai-chat:gpt-4o-mini"


class Plan(BaseModel):
    """What the planner decides."""

    title: str
    days: int
    stops: list[str]


async def weather(town: str, month: str) -> str:
    """Say what the weather is like in a town.

    Args:
        town: The town's name.
        month: The month of the visit.
    """
    await asyncio.sleep(0)
    return f"In {month} it is mild in {town}."


def sights(town: str, limit: int) -> list[str]:
    """List a town's sights."""
    return [f"{town} sight {number}" for number in range(1 + limit % 3)]


def price(item: str, nights: int) -> dict[str, str | int]:
    """Look up what something costs."""
    return {"item": item, "total": 40 * (1 + nights % 5)}


async def discount(code: str) -> str:
    """Check a discount code."""
    await asyncio.sleep(0)
    return f"{code} is worth {len(code)} percent."


def holidays(country: str) -> str:
    """Name the public holidays of a country."""
    return f"No holidays in {country} this month."


def signature(name: str) -> str:
    """Give the closing line of a letter."""
    return f"Yours, {name}"


def made(change):
    """Make the four agents, one of them changed."""
    if change == "docstring":
        price.__doc__ = "Look up what something costs in euros."
    looking = [sights, weather] if change == "tool_order" else [weather, sights]
    tone = "a warm letter" if change == "prompt" else "a short letter"
    scout = Agent(MODEL, name="scout", instructions="You scout towns.", tools=looking)
    cashier = Agent(MODEL, name="cashier", instructions="You count money.", tools=[price, discount])
    writer = Agent(MODEL, name="writer", instructions=f"You write {tone}.", tools=[signature])
    planner = Agent(
        MODEL,
        name="planner",
        output_type=NativeOutput(Plan),
        instructions="You plan trips. Ask the others before you decide.",
        tools=[holidays],
    )

    @planner.tool
    async def scout_towns(ctx: RunContext, first: str, second: str) -> list[str]:
        """Have two towns scouted."""
        asked = [scout.run(f"Scout {town}.", usage=ctx.usage) for town in (first, second)]
        return [found.output for found in await asyncio.gather(*asked)]

    @planner.tool
    async def ask_cashier(ctx: RunContext, budget: int) -> str:
        """Ask the cashier whether a budget is enough."""
        return (await cashier.run(f"Is {budget} enough?", usage=ctx.usage)).output

    return planner, writer


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--change", choices=["docstring", "prompt", "tool_order"])
    planner, writer = made(parser.parse_args().change)
    planned = await planner.run("Plan a trip to two towns.")
    print(planned.output.model_dump_json(indent=2))
    async with writer.run_stream(f"Tell the guest about: {planned.output.title}") as letter:
        async for text in letter.stream_text(delta=True):
            print(text, end="", flush=True)
    print()
    print(f"{planned.usage.requests + letter.usage.requests} requests")


if __name__ == "__main__":
    asyncio.run(main())
