"""A CrewAI crew of three: a scout and a cashier work at the same time, a writer after them.

`with_crewai.py [--change docstring|prompt|tool_order]`, with the provider at OPENAI_BASE_URL. The
first two tasks run in threads of their own. Prints what each task came to.
"""

import argparse
import logging

from crewai import LLM, Agent, Crew, Process, Task
from crewai.tools import tool


@tool
def weather(town: str, month: str) -> str:
    """Say what the weather is like in a town."""
    return f"In {month} it is mild in {town}."


@tool
def sights(town: str, limit: int) -> str:
    """List a town's sights."""
    return ", ".join(f"{town} sight {number}" for number in range(1 + limit % 3))


@tool
def price(item: str, nights: int) -> str:
    """Look up what something costs."""
    return f"{item} costs {40 * (1 + nights % 5)}."


@tool
def discount(code: str) -> str:
    """Check a discount code."""
    return f"{code} is worth {len(code)} percent."


@tool
def signature(name: str) -> str:
    """Give the closing line of a letter."""
    return f"Yours, {name}"


def hired(change):
    """Make the three agents, one part of one of them changed."""
    if change == "docstring":
        price.description = "Look up what something costs in euros."
    llm = LLM(model="gpt-4o-mini")
    scout = Agent(
        role="Scout",
        goal="Know the town",
        backstory="Has been everywhere.",
        tools=[sights, weather] if change == "tool_order" else [weather, sights],
        llm=llm,
    )
    cashier = Agent(
        role="Cashier",
        goal="Keep the budget",
        backstory="Counts twice.",
        tools=[price, discount],
        llm=llm,
    )
    writer = Agent(
        role="Writer",
        goal="Win the guest over" if change == "prompt" else "Tell the guest",
        backstory="Likes short letters.",
        tools=[signature],
        llm=llm,
    )
    return scout, cashier, writer


def made(change):
    """Make the crew, one part of it changed."""
    scout, cashier, writer = hired(change)
    scouting = Task(
        name="scouting",
        description="Scout {town}.",
        expected_output="What is worth seeing.",
        agent=scout,
        async_execution=True,
    )
    counting = Task(
        name="counting",
        description="Is {budget} enough for {town}?",
        expected_output="Yes or no, and why.",
        agent=cashier,
        async_execution=True,
    )
    writing = Task(
        name="writing",
        description="Write a letter about {town}.",
        expected_output="A letter.",
        agent=writer,
        context=[scouting, counting],
    )
    return Crew(
        agents=[scout, cashier, writer],
        tasks=[scouting, counting, writing],
        process=Process.sequential,
    )


def main():
    # Else the first thread that logs through the root logger, whichever it is, sets the format.
    logging.basicConfig()
    parser = argparse.ArgumentParser()
    parser.add_argument("--change", choices=["docstring", "prompt", "tool_order"])
    crew = made(parser.parse_args().change)
    done = crew.kickoff(inputs={"town": "Lisbon", "budget": 900})
    for output in done.tasks_output:
        print(f"{output.name}: {output.raw}")
    print(
        f"{done.token_usage.successful_requests} requests, {done.token_usage.total_tokens} tokens"
    )


if __name__ == "__main__":
    main()
